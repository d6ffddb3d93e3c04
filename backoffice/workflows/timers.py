"""Due timers: found, claimed and fired by any number of schedulers, each at most once."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backoffice.db import uuid7
from backoffice.errors import BackofficeError
from backoffice.models import Order, Timer
from backoffice.workflows.actors import TIMER
from backoffice.workflows.engine import Engine
from backoffice.workflows.errors import OrderBusy

RETRY_AFTER = timedelta(minutes=5)
log = logging.getLogger(__name__)

# What an action timer does: session, subject, now -> a word for the timer's outcome.
Action = Callable[[Session, uuid.UUID, datetime], str]


def fire_one_due(
    session: Session,
    engine: Engine,
    actions: Mapping[str, Action] | None = None,
    now: datetime | None = None,
) -> uuid.UUID | None:
    """Fire one due timer and return its id; None when nothing is due. The caller commits.

    A timer that fails for a reason nobody foresaw waits five minutes and does not hold up others.
    """
    moment = now or datetime.now(UTC)
    found = _claim_order_timer(session, moment) or _claim_action_timer(
        session, moment, list(actions or ())
    )
    if found is None or found.state != "waiting":
        return found.id if found else None
    found.state, found.settled_at = "fired", moment
    session.flush()
    try:
        with session.begin_nested():
            found.outcome = _run(session, engine, found, actions or {}, moment)
    except OrderBusy as error:
        _again(found, error.code, moment)
    except BackofficeError as error:
        # refused: the order has moved on, and trying again would be refused again
        found.outcome = error.code
    except Exception as error:
        _again(found, type(error).__name__, moment)
    session.flush()
    return found.id


def _again(timer: Timer, why: str, now: datetime) -> None:
    log.error("timer %s failed: %s; again in %s", timer.name, why, RETRY_AFTER)
    timer.state, timer.settled_at = "waiting", None
    timer.outcome, timer.due_at = why, now + RETRY_AFTER


def _run(
    session: Session, engine: Engine, timer: Timer, actions: Mapping[str, Action], now: datetime
) -> str:
    if timer.order_id is not None and timer.transition is not None:
        engine.fire(session, timer.order_id, timer.transition, actor=TIMER)
        return "moved"
    assert timer.action is not None
    assert timer.subject_id is not None
    return actions[timer.action](session, timer.subject_id, now)


def _claim_order_timer(session: Session, now: datetime) -> Timer | None:
    """Return the oldest due timer of an order nobody is moving, both rows locked.

    The order is locked before the timer, as in `Engine.fire`, so the two never deadlock; SKIP
    LOCKED lets other schedulers take the next one.
    """
    found = session.execute(
        select(Timer.id)
        .join(Order, Order.id == Timer.order_id)
        .where(Timer.state == "waiting", Timer.due_at <= now)
        .order_by(Timer.due_at)
        .limit(1)
        .with_for_update(of=Order, skip_locked=True)
    ).scalar_one_or_none()
    if found is None:
        return None
    return session.get_one(Timer, found, with_for_update=True, populate_existing=True)


def _claim_action_timer(session: Session, now: datetime, actions: list[str]) -> Timer | None:
    if not actions:
        return None
    return session.scalars(
        select(Timer)
        .where(Timer.state == "waiting", Timer.due_at <= now, Timer.action.in_(actions))
        .order_by(Timer.due_at)
        .limit(1)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).one_or_none()


def arm(session: Session, action: str, subject_id: uuid.UUID, due_at: datetime) -> None:
    """Let `action` run on its subject at `due_at`; a waiting timer of the same is moved there."""
    row = insert(Timer).values(
        id=uuid7(),
        name=action,
        action=action,
        subject_id=subject_id,
        armed_sequence=0,
        due_at=due_at,
        state="waiting",
    )
    session.execute(
        row.on_conflict_do_update(
            index_elements=["action", "subject_id"],
            index_where=text("state = 'waiting' AND action IS NOT NULL"),
            set_={"due_at": due_at},
        )
    )


def disarm(session: Session, action: str, subject_id: uuid.UUID) -> None:
    """Cancel the waiting timer of an action on a subject, if there is one."""
    session.execute(
        update(Timer)
        .where(Timer.action == action, Timer.subject_id == subject_id, Timer.state == "waiting")
        .values(state="cancelled", settled_at=datetime.now(UTC))
    )
