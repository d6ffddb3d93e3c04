"""The life of a batch: what was changed by whom, and the files made for it in the background."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from backoffice.db import Base, Created, json_list, json_object, uuid_pk
from backoffice.models.vocabulary import one_of


class BatchAction(StrEnum):
    """What happened to a batch."""

    CREATE = "create"
    COPY = "copy"
    CHANGE = "change"
    OPEN = "open"
    EXTEND = "extend"
    CLOSE = "close"
    REOPEN = "reopen"
    ARCHIVE = "archive"
    UNARCHIVE = "unarchive"
    REMIND = "remind"


class ChangeSource(StrEnum):
    """Through which door a change came."""

    STAFF = "staff"
    COMMAND = "command"
    TIMER = "timer"


class BatchJobKind(StrEnum):
    """What a background job makes for a batch."""

    CLASS_SHEETS = "class_sheets"
    PROGRESS = "progress"
    MINI_PROGRAM_CODE = "mini_program_code"
    EXPORT_PACKAGE = "export_package"
    ROSTER_ERRORS = "roster_errors"


class BatchJobState(StrEnum):
    """Life of such a job."""

    WAITING = "waiting"
    RUNNING = "running"
    READY = "ready"
    FAILED = "failed"
    EXPIRED = "expired"


class BatchChange(Created, Base):
    """One thing that was done to a batch; rows are added, never changed.

    `changes`: `{"field", "old", "new"}` for every field, plain values (times in ISO 8601 UTC,
    prices in fen). For a reminder: the stages and the number of students.
    """

    __tablename__ = "batch_changes"
    __table_args__ = (
        one_of("action", BatchAction),
        one_of("source", ChangeSource),
        CheckConstraint("(source = 'staff') = (staff_id IS NOT NULL)", name="staff_is_named"),
        Index("ix_batch_changes_batch_id", "batch_id", "created_at"),
    )

    id: Mapped[uuid_pk]
    batch_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("batches.id"))
    action: Mapped[str]
    source: Mapped[str]
    staff_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("staff.id"))
    changes: Mapped[json_list] = mapped_column(JSONB, default=list, server_default="[]")


class BatchJob(Created, Base):
    """One file being made in the background; sealed in the storage until it expires."""

    __tablename__ = "batch_jobs"
    __table_args__ = (
        one_of("kind", BatchJobKind),
        one_of("state", BatchJobState),
        CheckConstraint("done >= 0 AND (total IS NULL OR done <= total)", name="done_range"),
        CheckConstraint("(state = 'ready') = (storage_key IS NOT NULL)", name="ready_has_file"),
        CheckConstraint("(state = 'failed') = (error IS NOT NULL)", name="failed_has_error"),
        CheckConstraint("octet_length(request) = 32", name="request_length"),
        Index("ix_batch_jobs_batch_id", "batch_id", "created_at"),
        # the same wish twice is one job while it is under way
        Index(
            "uq_batch_jobs_under_way",
            "request",
            unique=True,
            postgresql_where=text("state IN ('waiting','running')"),
        ),
    )

    id: Mapped[uuid_pk]
    batch_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("batches.id"))
    staff_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("staff.id"))
    kind: Mapped[str]
    options: Mapped[json_object] = mapped_column(
        JSONB, default=dict, server_default="{}", comment="language, class, import"
    )
    request: Mapped[bytes] = mapped_column(
        LargeBinary(32), comment="hash of batch, member, kind and options"
    )
    state: Mapped[str] = mapped_column(default=BatchJobState.WAITING, server_default="waiting")
    done: Mapped[int] = mapped_column(default=0, server_default="0")
    total: Mapped[int | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    storage_key: Mapped[str | None]
    file_name: Mapped[str | None]
    file_bytes: Mapped[int | None]
    error: Mapped[str | None] = mapped_column(comment="code of what went wrong")
