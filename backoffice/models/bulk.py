"""Bulk runs: one transition for many orders, with what became of each."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from backoffice.db import Base, Created, EncryptedJSON, uuid_pk


class BulkRun(Created, Base):
    """A request to move many orders. Its items say how far it is."""

    __tablename__ = "bulk_runs"
    __table_args__ = (
        CheckConstraint("state IN ('running','finished')", name="state_known"),
        Index("ix_bulk_runs_staff_id", "staff_id", "created_at"),
    )

    id: Mapped[uuid_pk]
    staff_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("staff.id"))
    transition: Mapped[str]
    data: Mapped[Any] = mapped_column(EncryptedJSON, comment="what the transition is given")
    state: Mapped[str] = mapped_column(default="running")
    finished_at: Mapped[datetime | None]


class BulkItem(Base):
    """One order of a bulk run; `outcome` is null until it has been tried."""

    __tablename__ = "bulk_items"
    __table_args__ = (
        CheckConstraint("outcome IN ('moved','refused')", name="outcome_known"),
        CheckConstraint("(outcome = 'refused') = (code IS NOT NULL)", name="refused_has_code"),
        Index("ix_bulk_items_open", "run_id", "order_id", postgresql_where=text("outcome IS NULL")),
    )

    run_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("bulk_runs.id"), primary_key=True)
    order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    outcome: Mapped[str | None]
    code: Mapped[str | None] = mapped_column(comment="why the engine refused")
