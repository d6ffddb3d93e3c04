"""Roster imports, the enrolments they create, and the capture codes students present."""

from __future__ import annotations

import uuid
from datetime import date, datetime

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)
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

# What an import is doing right now, with nobody to be asked: at most one of a batch.
RUNNING = ("reading", "checking", "applying", "undoing")
WAITING = ("mapping", "previewed")  # for the clerk
IMPORT_STATES = (*RUNNING, *WAITING, "applied", "undone", "discarded", "failed")


class RosterImport(Created, Base):
    """One uploaded workbook: what it was, what it did. `findings` hold codes and places only.

    The way: reading (which columns?) -> mapping (the clerk chooses; left out when everything is
    known) -> checking -> previewed -> applying -> applied -> undoing -> undone. The commands go to
    applied at once. The counts are those of the preview, then those of the writing.
    """

    __tablename__ = "roster_imports"
    __table_args__ = (
        CheckConstraint(
            "row_count = new_count + changed_count + same_count + rejected_count",
            name="rows_accounted_for",
        ),
        CheckConstraint(
            "state IN (" + ",".join(f"'{state}'" for state in IMPORT_STATES) + ")",
            name="state_known",
        ),
        Index("ix_roster_imports_batch_id", "batch_id", "created_at"),
        Index(
            "uq_roster_imports_running",
            "batch_id",
            unique=True,
            postgresql_where=text("state IN (" + ",".join(f"'{s}'" for s in RUNNING) + ")"),
        ),
    )

    id: Mapped[uuid_pk]
    batch_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("batches.id"))
    staff_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("staff.id"))
    file_name: Mapped[str]
    file_sha256: Mapped[bytes] = mapped_column(LargeBinary(32))
    file_bytes: Mapped[int]
    storage_key: Mapped[str | None] = mapped_column(comment="the sealed upload, until it is over")
    mapping: Mapped[json_object] = mapped_column(JSONB, comment="field -> column heading")
    columns: Mapped[json_object] = mapped_column(
        JSONB, default=dict, server_default="{}", comment="the clerk's word: column -> field"
    )
    decided: Mapped[json_list] = mapped_column(
        JSONB, default=list, server_default="[]", comment="enrolment columns the file decides"
    )
    sheet: Mapped[str | None]
    header_row: Mapped[int | None]
    proposal: Mapped[object] = mapped_column(
        EncryptedJSON, nullable=True, comment="sheets, headings, sample cells of the mapping form"
    )
    state: Mapped[str]
    row_count: Mapped[int]
    new_count: Mapped[int]
    changed_count: Mapped[int]
    same_count: Mapped[int]
    rejected_count: Mapped[int]
    missing_count: Mapped[int] = mapped_column(
        default=0, server_default="0", comment="enrolments of the batch the file does not name"
    )
    findings: Mapped[json_list] = mapped_column(JSONB, default=list)
    finding_count: Mapped[int] = mapped_column(default=0, server_default="0")
    error: Mapped[json_object | None] = mapped_column(
        JSONB, comment="why it failed: code and params, no personal data"
    )
    previewed_at: Mapped[datetime | None]
    applied_at: Mapped[datetime | None]
    undone_at: Mapped[datetime | None]
    undone_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("staff.id"))
    removed_count: Mapped[int | None] = mapped_column(comment="entries the undo took away")
    restored_count: Mapped[int | None] = mapped_column(comment="entries the undo put back")
    kept: Mapped[json_list] = mapped_column(
        JSONB, default=list, server_default="[]", comment="what the undo kept: entry id, reason"
    )

    batch: Mapped[Batch] = relationship()


class RosterProgress(Base):
    """How far a running import is. A table of its own: written while the import's row is locked."""

    __tablename__ = "roster_progress"

    import_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("roster_imports.id"), primary_key=True)
    stage: Mapped[str]
    done: Mapped[int]
    total: Mapped[int]
    stage_started_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class RosterMapping(Base):
    """What a school last said a heading means: a field, or `-` for none."""

    __tablename__ = "roster_mappings"

    school_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("schools.id"), primary_key=True)
    heading: Mapped[str] = mapped_column(primary_key=True, comment="imports.fields.heading_key")
    field: Mapped[str]
    updated_at: Mapped[datetime]


class RosterValues:
    """The columns a roster decides, in every table that holds such rows."""

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


class StagedRow(RosterValues, Base):
    """A good row of a file that is being previewed; gone once it is written or given up.

    Unlogged: what a crash of the server takes away is made again from the stored file.
    `columns` are those that differ from the enrolment, null where the row is new; `seen` is the
    version (xmin) of the enrolment the preview showed.
    """

    __tablename__ = "roster_rows"
    __table_args__ = ({"prefixes": ["UNLOGGED"]},)

    import_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    row: Mapped[int] = mapped_column(primary_key=True, comment="row of the sheet, from 1")
    student_key: Mapped[str]
    enrolment_id: Mapped[uuid.UUID]
    columns: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    seen: Mapped[int | None]


class MissingRow(Base):
    """An enrolment that a previewed file does not name; nothing happens to it. Unlogged as well."""

    __tablename__ = "roster_missing"
    __table_args__ = ({"prefixes": ["UNLOGGED"]},)

    import_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    enrolment_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)


class ReplacedRow(RosterValues, Base):
    """An enrolment as it was before an import changed it: what an undo puts back."""

    __tablename__ = "roster_replaced"
    __table_args__ = (Index("ix_roster_replaced_enrolment_id", "enrolment_id"),)

    import_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("roster_imports.id"), primary_key=True)
    enrolment_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("enrolments.id", ondelete="CASCADE"), primary_key=True
    )
    updated_at: Mapped[datetime | None] = mapped_column(comment="the enrolment's, before")


class Enrolment(RosterValues, Created, Base):
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
        # Random and looked up by equality only: a tree would be touched all over by every import.
        Index("ix_enrolments_id_index", "id_index", postgresql_using="hash"),
        Index("ix_enrolments_name_index", "name_index", postgresql_using="hash"),
        Index("ix_enrolments_phone_index", "phone_index", postgresql_using="hash"),
        Index(
            "ix_enrolments_student_id",
            "student_id",
            postgresql_where=text("student_id IS NOT NULL"),
        ),
        Index("ix_enrolments_student_no", "student_no", "id"),
        Index("ix_enrolments_created_at", "created_at", "id"),
        Index("ix_enrolments_batch_id_created_at", "batch_id", "created_at", "id"),
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
