"""What members of staff keep of the lists: named filters, and workbooks of a filter's rows."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from backoffice.db import Base, Created, EncryptedJSON, uuid_pk


class SavedView(Created, Base):
    """A member's own name for a filter of one list; sealed, for it may hold a search term."""

    __tablename__ = "saved_views"
    __table_args__ = (
        UniqueConstraint("staff_id", "room", "name"),
        CheckConstraint("length(name) BETWEEN 1 AND 30", name="name_length"),
    )

    id: Mapped[uuid_pk]
    staff_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("staff.id"))
    room: Mapped[str]
    name: Mapped[str]
    args: Mapped[Any] = mapped_column(EncryptedJSON, comment="drop-downs, order and search term")


class ListExport(Created, Base):
    """One workbook of a list's rows: asked for, written by the worker, kept for a while."""

    __tablename__ = "list_exports"
    __table_args__ = (
        CheckConstraint(
            "state IN ('waiting','running','done','failed','expired')", name="state_known"
        ),
        CheckConstraint("(state = 'done') = (storage_key IS NOT NULL)", name="done_has_file"),
        CheckConstraint("rows_written >= 0", name="rows_written_not_negative"),
        Index("ix_list_exports_staff_id", "staff_id", "created_at"),
    )

    id: Mapped[uuid_pk]
    staff_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("staff.id"))
    room: Mapped[str]
    args: Mapped[Any] = mapped_column(EncryptedJSON, comment="the filter, as it was asked for")
    locale: Mapped[str] = mapped_column(default="zh", server_default="zh")
    state: Mapped[str] = mapped_column(default="waiting", server_default="waiting")
    rows_written: Mapped[int] = mapped_column(default=0, server_default="0")
    rows_expected: Mapped[int | None] = mapped_column(comment="an estimate, for the progress bar")
    storage_key: Mapped[str | None]
    file_bytes: Mapped[int | None]
    failure_code: Mapped[str | None]
    finished_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
