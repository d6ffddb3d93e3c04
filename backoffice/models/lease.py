"""Review leases: who has which photo on the desk, until when."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from backoffice.db import Base, Created, uuid_pk


class ReviewLease(Created, Base):
    """One reviewer's hold on one order. Its id is the token a decision must bring."""

    __tablename__ = "review_leases"
    __table_args__ = (
        CheckConstraint(
            "outcome IN ('decided','skipped','expired','released')", name="outcome_known"
        ),
        CheckConstraint("(ended_at IS NULL) = (outcome IS NULL)", name="ended_has_outcome"),
        Index(
            "uq_review_leases_live_order",
            "order_id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("ix_review_leases_staff_id", "staff_id", "created_at"),
    )

    id: Mapped[uuid_pk]
    order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("orders.id"))
    staff_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("staff.id"))
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
