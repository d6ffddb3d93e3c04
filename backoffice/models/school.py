"""Schools: the tenants of the system."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from backoffice.db import Base, Created, uuid_pk


class School(Created, Base):
    """A university or college. `code` is the five-digit national school code."""

    __tablename__ = "schools"
    __table_args__ = (
        UniqueConstraint("code"),
        CheckConstraint("code ~ '^[0-9A-Z]{4,10}$'", name="code_shape"),
        CheckConstraint("length(name) BETWEEN 1 AND 100", name="name_length"),
    )

    id: Mapped[uuid_pk]
    code: Mapped[str]
    name: Mapped[str]
    active: Mapped[bool] = mapped_column(default=True, server_default="true")

    def __str__(self) -> str:
        return self.name
