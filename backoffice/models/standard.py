"""Photo standards: immutable versions, at most one of a name in force."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from backoffice.db import Base, Created, json_object, uuid_pk
from backoffice.photos.standards import Standard


class PhotoStandard(Created, Base):
    """One version of a photo standard; rows never change, a new version is a new row.

    `data` is `photos.standards.Standard.to_dict()`. Retired versions are for no new batch; what was
    placed under them keeps them. `author_id` is None for the versions the product brings along.
    """

    __tablename__ = "photo_standards"
    __table_args__ = (
        UniqueConstraint("name", "version"),
        CheckConstraint("version >= 1", name="version_positive"),
        Index(
            "uq_photo_standards_in_force",
            "name",
            unique=True,
            postgresql_where=text("retired_at IS NULL"),
        ),
    )

    id: Mapped[uuid_pk]
    name: Mapped[str]
    version: Mapped[int]
    title_zh: Mapped[str]
    title_en: Mapped[str]
    data: Mapped[json_object]
    author_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("staff.id"))
    note: Mapped[str | None] = mapped_column(comment="why this version was made")
    retired_at: Mapped[datetime | None]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"

    def as_standard(self) -> Standard:
        """Return the record the pipeline works by, under this row's name and version."""
        return Standard.from_dict({**self.data, "name": self.name, "version": self.version})

    @property
    def allows_album(self) -> bool:
        """Whether pictures from the album may be allowed at all."""
        return bool(self.data.get("allow_album", True))

    def attempts_within(self, batch_limit: int) -> int:
        """Return how many uploads an order has: the batch's number, at most the standard's."""
        own: int | None = self.data.get("max_attempts")
        return batch_limit if own is None else min(own, batch_limit)
