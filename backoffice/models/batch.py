"""Batches (collection rounds of one school) and their services."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship
from sqlalchemy.types import Text

from backoffice.db import Base, Created, fen, uuid_pk
from backoffice.models.school import School
from backoffice.models.standard import PhotoStandard
from backoffice.models.vocabulary import (
    BatchKind,
    BatchMode,
    BatchState,
    RejectPolicy,
    RosterMode,
    one_of,
)


class Batch(Created, Base):
    """One collection round. Students reach it by its feature code (特征码)."""

    __tablename__ = "batches"
    __table_args__ = (
        UniqueConstraint("feature_code"),
        CheckConstraint("feature_code ~ '^[0-9A-Z]{4,8}$'", name="feature_code_shape"),
        one_of("kind", BatchKind),
        one_of("mode", BatchMode),
        one_of("roster_mode", RosterMode),
        one_of("reject_policy", RejectPolicy),
        one_of("state", BatchState),
        CheckConstraint("unpaid_minutes BETWEEN 1 AND 10080", name="unpaid_minutes_range"),
        CheckConstraint("max_attempts BETWEEN 1 AND 1000", name="max_attempts_range"),
        CheckConstraint("auto_complete_days BETWEEN 1 AND 365", name="auto_complete_days_range"),
        CheckConstraint("closes_at > opens_at", name="window_order"),
        CheckConstraint(
            "cardinality(delivery_methods) >= 1 AND "
            "delivery_methods <@ ARRAY['digital','school','courier']",
            name="delivery_methods_known",
        ),
        Index("ix_batches_school_id", "school_id"),
    )

    id: Mapped[uuid_pk]
    school_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("schools.id"))
    feature_code: Mapped[str] = mapped_column(comment="upper case; matched case-insensitively")
    name: Mapped[str]
    kind: Mapped[str]
    mode: Mapped[str]
    roster_mode: Mapped[str]
    legal_basis: Mapped[str | None] = mapped_column(comment="why a full roster may be held")
    standard_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("photo_standards.id"))
    reject_policy: Mapped[str] = mapped_column(default=RejectPolicy.RESUBMIT)
    state: Mapped[str] = mapped_column(default=BatchState.OPEN)
    opens_at: Mapped[datetime]
    closes_at: Mapped[datetime]
    requires_capture_code: Mapped[bool] = mapped_column(default=True)
    allow_album: Mapped[bool] = mapped_column(default=True)
    allow_unlisted: Mapped[bool] = mapped_column(default=False)
    unpaid_minutes: Mapped[int] = mapped_column(default=30)
    max_attempts: Mapped[int] = mapped_column(default=30, comment="uploads per order")
    auto_complete_days: Mapped[int] = mapped_column(default=15)
    delivery_methods: Mapped[list[str]] = mapped_column(ARRAY(Text))
    layouts: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default="{}")

    school: Mapped[School] = relationship()
    standard: Mapped[PhotoStandard] = relationship()
    services: Mapped[list[BatchService]] = relationship(
        back_populates="batch", order_by="BatchService.position", cascade="all, delete-orphan"
    )

    def __str__(self) -> str:
        return f"{self.name} ({self.feature_code})"


class BatchService(Base):
    """Something a student can order in a batch, with its price."""

    __tablename__ = "batch_services"
    __table_args__ = (
        UniqueConstraint("batch_id", "code"),
        CheckConstraint("price_fen BETWEEN 0 AND 10000000", name="price_fen_range"),
    )

    id: Mapped[uuid_pk]
    batch_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("batches.id", ondelete="CASCADE"))
    code: Mapped[str] = mapped_column(
        comment="`portrait` is the picture itself; `prints` the paper"
    )
    name_zh: Mapped[str]
    name_en: Mapped[str]
    price_fen: Mapped[fen]
    required: Mapped[bool] = mapped_column(default=False, server_default="false")
    position: Mapped[int] = mapped_column(default=0, server_default="0")

    batch: Mapped[Batch] = relationship(back_populates="services")
