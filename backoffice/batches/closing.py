"""Batches close by themselves when their window is over."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy.orm import Session

from backoffice.batches.changes import TIMER, record_change
from backoffice.batches.reminders import arm_reminder
from backoffice.models import Batch
from backoffice.models.batch_life import BatchAction
from backoffice.models.vocabulary import BatchState
from backoffice.workflows import timers

CLOSE = "batch.close"


def arm_closing(session: Session, batch: Batch) -> None:
    """Let the batch remind and close by its window; call it again when the window changes."""
    timers.arm(session, CLOSE, batch.id, batch.closes_at)
    arm_reminder(session, batch)


def close_when_over(session: Session, batch_id: uuid.UUID, now: datetime) -> str:
    """Close an open batch whose window is over; a window that was extended is waited for."""
    batch = session.get_one(Batch, batch_id, with_for_update=True, populate_existing=True)
    if batch.state != BatchState.OPEN:
        return "not_open"
    if batch.closes_at > now:
        arm_closing(session, batch)
        return "extended"
    batch.state = BatchState.CLOSED
    change = {"field": "state", "old": BatchState.OPEN, "new": BatchState.CLOSED}
    record_change(session, batch, BatchAction.CLOSE, TIMER, [change])
    return "closed"
