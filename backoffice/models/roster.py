"""Roster imports, the enrolments they create, and the capture codes students present."""

from __future__ import annotations

import uuid
from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from backoffice.db import (
    Base,
    Created,
    EncryptedJSON,
    EncryptedText,
    json_list,
    json_object,
    uuid_pk,
)
from backoffice.models.batch import Batch


class RosterImport(Created, Base):
    """One uploaded workbook: what it was, what it did. `findings` hold codes and places only."""

    __tablename__ = "roster_imports"
    __table_args__ = (
        CheckConstraint(
            "row_count = new_count + changed_count + same_count + rejected_count",
            name="rows_accounted_for",
        ),
        CheckConstraint("state IN ('previewed','applied','undone')", name="state_known"),
        Index("ix_roster_imports_batch_id", "batch_id", "created_at"),
    )

    id: Mapped[uuid_pk]
    batch_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("batches.id"))
    staff_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("staff.id"))
    file_name: Mapped[str]
    file_sha256: Mapped[bytes] = mapped_column(LargeBinary(32))
    file_bytes: Mapped[int]
    mapping: Mapped[json_object] = mapped_column(JSONB, comment="field -> column heading")
    state: Mapped[str]
    row_count: Mapped[int]
    new_count: Mapped[int]
    changed_count: Mapped[int]
    same_count: Mapped[int]
    rejected_count: Mapped[int]
    findings: Mapped[json_list] = mapped_column(JSONB, default=list)
    applied_at: Mapped[datetime | None]

    batch: Mapped[Batch] = relationship()


class Enrolment(Created, Base):
    """One student's place in one batch.

    `full` roster: name and ID number; `minimal`: masked name and last four only. A student claims
    it by identification; `student_id` is then set.
    """

    __tablename__ = "enrolments"
    __table_args__ = (
        UniqueConstraint("batch_id", "student_no"),
        CheckConstraint("source IN ('roster','capture_code','student')", name="source_known"),
        CheckConstraint("gender IN ('male','female')", name="gender_known"),
        Index("ix_enrolments_id_last4_indexes", "id_last4_indexes", postgresql_using="gin"),
        Index("ix_enrolments_id_index", "id_index"),
        Index("ix_enrolments_name_index", "name_index"),
        Index("ix_enrolments_student_id", "student_id"),
        Index(
            "uq_enrolments_batch_id_student_id",
            "batch_id",
            "student_id",
            unique=True,
            postgresql_where=text("student_id IS NOT NULL"),
        ),
    )

    id: Mapped[uuid_pk]
    batch_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("batches.id"))
    import_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("roster_imports.id"))
    source: Mapped[str]
    student_no: Mapped[str]
    name: Mapped[str | None] = mapped_column(EncryptedText)
    name_masked: Mapped[str]
    name_index: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    id_type: Mapped[str | None]
    id_number: Mapped[str | None] = mapped_column(EncryptedText)
    id_masked: Mapped[str | None]
    id_index: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    id_last4: Mapped[str | None] = mapped_column(EncryptedText)
    id_last4_indexes: Mapped[list[bytes]] = mapped_column(
        ARRAY(LargeBinary), default=list, comment="blind indexes of every accepted last four"
    )
    gender: Mapped[str | None]
    birth_date: Mapped[date | None] = mapped_column(comment="null unless the roster gives it")
    phone: Mapped[str | None] = mapped_column(EncryptedText)
    phone_index: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    level: Mapped[str | None]
    study_form: Mapped[str | None]
    college: Mapped[str | None]
    major: Mapped[str | None]
    class_name: Mapped[str | None]
    details: Mapped[json_object] = mapped_column(
        JSONB, default=dict, server_default="{}", comment="other roster columns, no personal data"
    )
    student_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("students.id"))
    claimed_at: Mapped[datetime | None]
    confirmed_at: Mapped[datetime | None]
    updated_at: Mapped[datetime | None]

    batch: Mapped[Batch] = relationship()


class CaptureCode(Created, Base):
    """A 图像采集码 a student presented: the text sealed, its hash for finding it again."""

    __tablename__ = "capture_codes"
    __table_args__ = (
        UniqueConstraint("enrolment_id", "text_hash"),
        Index("ix_capture_codes_text_hash", "text_hash"),
        CheckConstraint("octet_length(text_hash) = 32", name="text_hash_length"),
    )

    id: Mapped[uuid_pk]
    enrolment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("enrolments.id"))
    student_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("students.id"))
    provider: Mapped[str]
    code_text: Mapped[str] = mapped_column(EncryptedText)
    text_hash: Mapped[bytes] = mapped_column(LargeBinary(32), comment="blind index of the text")
    payload: Mapped[object] = mapped_column(EncryptedJSON)
    expires_at: Mapped[datetime | None]
