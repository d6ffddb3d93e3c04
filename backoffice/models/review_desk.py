"""What the review desk keeps besides decisions: rules, reason counts, escalations, second opinions."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship
from sqlalchemy.types import Text

from backoffice.db import Base, Created, EncryptedText, uuid_pk
from backoffice.models.order import Order
from backoffice.models.photo import Photo
from backoffice.models.staff import Staff


class SeniorReviewer(Created, Base):
    """A reviewer who settles escalations and disagreements."""

    __tablename__ = "senior_reviewers"

    staff_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("staff.id", ondelete="CASCADE"), primary_key=True
    )
    named_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("staff.id"))


class ReviewRule(Base):
    """How a batch is reviewed where it differs from the house's settings."""

    __tablename__ = "review_rules"
    __table_args__ = (
        CheckConstraint(
            "second_opinion_percent BETWEEN 0 AND 100", name="second_opinion_percent_range"
        ),
    )

    batch_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("batches.id", ondelete="CASCADE"), primary_key=True
    )
    second_opinion_percent: Mapped[int | None] = mapped_column(comment="null: the house's setting")
    keep_reviewer: Mapped[bool] = mapped_column(
        default=False,
        server_default="false",
        comment="resubmissions wait for who rejected them first",
    )


class ReasonUse(Base):
    """How often a reason was chosen in a batch: the order of the number keys."""

    __tablename__ = "reason_uses"

    batch_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("batches.id", ondelete="CASCADE"), primary_key=True
    )
    reason_code: Mapped[str] = mapped_column(ForeignKey("rejection_reasons.code"), primary_key=True)
    uses: Mapped[int] = mapped_column(default=0)


class ReviewEscalation(Created, Base):
    """A photo a reviewer handed to a senior; it leaves the common queue until it is settled."""

    __tablename__ = "review_escalations"
    __table_args__ = (
        Index(
            "uq_review_escalations_open_order",
            "order_id",
            unique=True,
            postgresql_where=text("settled_at IS NULL"),
        ),
        Index("ix_review_escalations_order_id", "order_id", "created_at"),
    )

    id: Mapped[uuid_pk]
    order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("orders.id"))
    photo_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("photos.id"))
    staff_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("staff.id"))
    note: Mapped[str | None] = mapped_column(EncryptedText)
    settled_at: Mapped[datetime | None]


class SecondOpinion(Created, Base):
    """A sampled decision, looked at again by somebody who does not know how it was decided.

    It never moves the order. Disagreement about an approval waits for a senior, who lets it stand
    (`upheld`) or takes it back (`revoked`).
    """

    __tablename__ = "second_opinions"
    __table_args__ = (
        UniqueConstraint("order_id", "event_sequence"),
        CheckConstraint("first_decision IN ('approve','reject')", name="first_decision_known"),
        CheckConstraint("verdict IN ('approve','reject')", name="verdict_known"),
        CheckConstraint("(verdict IS NULL) = (answered_at IS NULL)", name="verdict_has_time"),
        CheckConstraint("verdict IS NULL OR staff_id IS NOT NULL", name="verdict_has_reviewer"),
        CheckConstraint("staff_id <> first_staff_id", name="another_reviewer"),
        CheckConstraint("outcome IN ('upheld','revoked')", name="outcome_known"),
        CheckConstraint("(outcome IS NULL) = (settled_at IS NULL)", name="outcome_has_time"),
        CheckConstraint("looked_ms BETWEEN 0 AND 3600000", name="looked_ms_range"),
        Index(
            "ix_second_opinions_waiting",
            "due_at",
            "id",
            postgresql_where=text("answered_at IS NULL"),
        ),
        Index(
            "ix_second_opinions_disputed",
            "answered_at",
            "id",
            postgresql_where=text(
                "verdict = 'reject' AND first_decision = 'approve' AND settled_at IS NULL"
            ),
        ),
        Index("ix_second_opinions_answered_at", "answered_at"),
    )

    id: Mapped[uuid_pk]
    order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("orders.id"))
    photo_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("photos.id"))
    event_sequence: Mapped[int] = mapped_column(comment="the sampled decision")
    first_decision: Mapped[str]
    first_staff_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("staff.id"))
    due_at: Mapped[datetime] = mapped_column(comment="not before the undo window has closed")
    token: Mapped[uuid.UUID | None] = mapped_column(comment="the present hold, as a lease's id")
    staff_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("staff.id"), comment="who holds it or answered it"
    )
    held_until: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    verdict: Mapped[str | None]
    reasons: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default="{}")
    note: Mapped[str | None] = mapped_column(EncryptedText)
    looked_ms: Mapped[int | None]
    settled_at: Mapped[datetime | None]
    settled_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("staff.id"))
    outcome: Mapped[str | None]

    order: Mapped[Order] = relationship()
    photo: Mapped[Photo] = relationship()
    first_staff: Mapped[Staff] = relationship(foreign_keys=[first_staff_id])
    staff: Mapped[Staff | None] = relationship(foreign_keys=[staff_id])
