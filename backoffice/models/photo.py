"""Photos (each row is one attempt), review decisions, and the catalogue of rejection reasons."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    Column,
    Computed,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship
from sqlalchemy.types import Text

from backoffice.db import Base, Created, EncryptedText, json_list, json_object, uuid_pk
from backoffice.models.vocabulary import PhotoStatus, one_of

# Five numbered bands of the 64-bit fingerprint: pictures that differ in at most four bits share at
# least one, which the GIN index finds (photos.duplicates.bands computes the same).
LOOK_BANDS = (
    "CASE WHEN octet_length(perceptual_hash) = 8 THEN ARRAY["
    "(get_byte(perceptual_hash, 0) << 5) | (get_byte(perceptual_hash, 1) >> 3), "
    "8192 + (((get_byte(perceptual_hash, 1) & 7) << 10) | (get_byte(perceptual_hash, 2) << 2)"
    " | (get_byte(perceptual_hash, 3) >> 6)), "
    "16384 + (((get_byte(perceptual_hash, 3) & 63) << 7) | (get_byte(perceptual_hash, 4) >> 1)), "
    "24576 + (((get_byte(perceptual_hash, 4) & 1) << 12) | (get_byte(perceptual_hash, 5) << 4)"
    " | (get_byte(perceptual_hash, 6) >> 4)), "
    "32768 + (((get_byte(perceptual_hash, 6) & 15) << 8) | get_byte(perceptual_hash, 7))"
    "] END"
)

GONE = "erased"  # in place of a storage key: the files were deleted, nobody can use the picture


class Photo(Created, Base):
    """One uploaded picture and what the machine made and thought of it.

    Storage keys name the encrypted files of the original and the finished picture.
    """

    __tablename__ = "photos"
    __table_args__ = (
        UniqueConstraint("order_id", "attempt"),
        one_of("status", PhotoStatus),
        CheckConstraint("source IN ('camera','album')", name="source_known"),
        CheckConstraint("attempt >= 1", name="attempt_positive"),
        CheckConstraint("octet_length(original_sha256) = 32", name="original_sha256_length"),
        CheckConstraint(
            "status <> 'passed' OR (result_key IS NOT NULL AND result_sha256 IS NOT NULL)",
            name="passed_has_result",
        ),
        Index("ix_photos_original_sha256", "original_sha256"),
        # the purge asks for every file whose it is
        Index("ix_photos_original_key", "original_key"),
        Index("ix_photos_result_key", "result_key"),
        Index("ix_photos_status", "status", "created_at", "id"),
        Index("ix_photos_created_at", "created_at", "id"),
        Index("ix_photos_look_bands", "look_bands", postgresql_using="gin"),
    )

    id: Mapped[uuid_pk]
    order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("orders.id"))
    attempt: Mapped[int]
    status: Mapped[str] = mapped_column(default=PhotoStatus.QUEUED)
    source: Mapped[str]
    standard_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("photo_standards.id"))
    original_key: Mapped[str]
    original_type: Mapped[str] = mapped_column(comment="media type by content, not by name")
    original_bytes: Mapped[int]
    original_sha256: Mapped[bytes] = mapped_column(LargeBinary(32))
    result_key: Mapped[str | None]
    result_bytes: Mapped[int | None]
    result_sha256: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    perceptual_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    look_bands: Mapped[list[int] | None] = mapped_column(
        ARRAY(Integer), Computed(LOOK_BANDS, persisted=True), deferred=True
    )
    quality: Mapped[int | None] = mapped_column(comment="JPEG quality of the result")
    checks: Mapped[json_list] = mapped_column(JSONB, default=list, server_default="[]")
    geometry: Mapped[json_object] = mapped_column(JSONB, default=dict, server_default="{}")
    edits: Mapped[json_list] = mapped_column(JSONB, default=list, server_default="[]")
    making: Mapped[json_object] = mapped_column(
        JSONB,
        default=dict,
        server_default="{}",
        comment="how the result was made: crop, scale, background, standard, pipeline, models",
    )
    failure_code: Mapped[str | None]
    processing_ms: Mapped[int | None]
    processed_at: Mapped[datetime | None]


class RejectionReason(Base):
    """One coded reason of DOMAIN section 8; retired, never deleted."""

    __tablename__ = "rejection_reasons"
    __table_args__ = (CheckConstraint("code ~ '^[A-Z][0-9]{2}$'", name="code_shape"),)

    code: Mapped[str] = mapped_column(primary_key=True)
    message_zh: Mapped[str]
    message_en: Mapped[str]
    advice_zh: Mapped[str]
    advice_en: Mapped[str]
    position: Mapped[int]
    standards: Mapped[list[str]] = mapped_column(
        ARRAY(Text),
        default=list,
        server_default="{}",
        comment="names of the standards it is for; empty: all",
    )
    retired_at: Mapped[datetime | None]

    def __str__(self) -> str:
        return f"{self.code} {self.message_zh}"


review_decision_reasons = Table(
    "review_decision_reasons",
    Base.metadata,
    Column("decision_id", ForeignKey("review_decisions.id"), primary_key=True),
    Column("reason_code", ForeignKey("rejection_reasons.code"), primary_key=True),
)


class ReviewDecision(Created, Base):
    """What a reviewer decided about one photo; written in the transition's own transaction."""

    __tablename__ = "review_decisions"
    __table_args__ = (
        CheckConstraint("decision IN ('approve','reject','revoke')", name="decision_known"),
        Index("ix_review_decisions_order_id", "order_id", "created_at"),
        Index("ix_review_decisions_staff_id", "staff_id", "created_at"),
        UniqueConstraint("order_id", "event_sequence"),
    )

    id: Mapped[uuid_pk]
    order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("orders.id"))
    photo_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("photos.id"))
    event_sequence: Mapped[int]
    staff_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("staff.id"))
    decision: Mapped[str]
    note: Mapped[str | None] = mapped_column(EncryptedText)
    undone_at: Mapped[datetime | None] = mapped_column(comment="taken back in the undo window")

    reasons: Mapped[list[RejectionReason]] = relationship(
        secondary=review_decision_reasons, order_by="RejectionReason.position"
    )
