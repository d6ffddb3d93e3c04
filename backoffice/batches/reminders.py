"""Before a batch closes, students who ordered but have not finished are told once."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from backoffice.models import Batch, Order, OutboxRow
from backoffice.models.vocabulary import BatchState, OrderKind, OrderState
from backoffice.workflows import timers

REMIND = "batch.remind"
EFFECT = "notify.reminder"
BEFORE_CLOSING = timedelta(days=3)
UNFINISHED = (OrderState.DRAFT, OrderState.PAID, OrderState.REJECTED)


def arm_reminder(session: Session, batch: Batch) -> None:
    """Let the batch remind three days before it closes; not at all if that is over already."""
    due = batch.closes_at - BEFORE_CLOSING
    if due > datetime.now(UTC):
        timers.arm(session, REMIND, batch.id, due)
    else:
        timers.disarm(session, REMIND, batch.id)


def remind_unfinished(session: Session, batch_id: uuid.UUID, now: datetime) -> str:
    """Write one reminder per unfinished order into the outbox; a moved window is waited for."""
    batch = session.get_one(Batch, batch_id, populate_existing=True)
    if batch.state != BatchState.OPEN:
        return "not_open"
    if batch.closes_at - BEFORE_CLOSING > now:
        arm_reminder(session, batch)
        return "extended"
    orders = session.execute(
        select(Order.id, Order.version).where(
            Order.batch_id == batch.id,
            Order.kind == OrderKind.CAPTURE,
            Order.state.in_(UNFINISHED),
        )
    ).all()
    rows = [
        {
            "order_id": order_id,
            "effect": EFFECT,
            "payload": {"order_id": str(order_id), "sequence": version},
            "dedupe_key": f"{order_id}/remind/{batch.closes_at:%Y%m%d%H%M}",
        }
        for order_id, version in orders
    ]
    if rows:
        session.execute(insert(OutboxRow), rows)
    return f"reminded {len(rows)}"
