"""Review leases: who has which photo on the desk, until when."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from backoffice.db import Base, Created, uuid_pk


class ReviewLease(Created, Base):
    """One reviewer's hold on one order. Its id is the token a decision must bring.

    A hold that ran out (`expires_at`) counts as ended; whoever claims the photo next writes it down.
    """

    __tablename__ = "review_leases"
    __table_args__ = (
        CheckConstraint(
            "outcome IN ('decided','skipped','expired','released','escalated')",
            name="outcome_known",
        ),
        CheckConstraint("(ended_at IS NULL) = (outcome IS NULL)", name="ended_has_outcome"),
        CheckConstraint("looked_ms BETWEEN 0 AND 3600000", name="looked_ms_range"),
        Index(
            "uq_review_leases_live_order",
            "order_id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("ix_review_leases_live_staff", "staff_id", postgresql_where=text("ended_at IS NULL")),
        Index("ix_review_leases_staff_id", "staff_id", "created_at"),
        Index(
            "ix_review_leases_decided",
            "order_id",
            "event_sequence",
            postgresql_where=text("outcome = 'decided'"),
        ),
    )

    id: Mapped[uuid_pk]
    order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("orders.id"))
    staff_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("staff.id"))
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    event_sequence: Mapped[int | None] = mapped_column(comment="the decision made under this hold")
    looked_ms: Mapped[int | None] = mapped_column(
        comment="from the picture on the screen to the decision, as the page measured it"
    )
