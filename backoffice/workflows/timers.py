"""Due timers: found, claimed and fired by any number of schedulers, each at most once."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from backoffice.errors import BackofficeError
from backoffice.models import Order, Timer
from backoffice.workflows.actors import TIMER
from backoffice.workflows.engine import Engine


def fire_one_due(session: Session, engine: Engine, now: datetime | None = None) -> uuid.UUID | None:
    """Fire the oldest due timer and return its id; None when nothing is due. The caller commits.

    The order is locked before the timer, as in `Engine.fire`, so the two never deadlock; SKIP
    LOCKED lets other schedulers take the next one. A refusal settles the timer too: the order has
    moved on, and trying again would be refused again.
    """
    moment = now or datetime.now(UTC)
    found = session.execute(
        select(Timer.id, Timer.order_id)
        .join(Order, Order.id == Timer.order_id)
        .where(Timer.state == "waiting", Timer.due_at <= moment)
        .order_by(Timer.due_at)
        .limit(1)
        .with_for_update(of=Order, skip_locked=True)
    ).one_or_none()
    if found is None:
        return None
    timer = session.get_one(Timer, found.id, with_for_update=True, populate_existing=True)
    if timer.state != "waiting":
        return timer.id
    timer.state, timer.settled_at = "fired", moment
    session.flush()
    try:
        with session.begin_nested():
            engine.fire(session, timer.order_id, timer.transition, actor=TIMER)
        timer.outcome = "moved"
    except BackofficeError as error:
        timer.outcome = error.code
    session.flush()
    return timer.id
