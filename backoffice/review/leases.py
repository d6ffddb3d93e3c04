"""Leases: a photo lies on one desk at a time, and a closed laptop gives it back.

A lease lasts three minutes from the last sign of life. Claiming skips rows that another reviewer is
claiming at the same moment (SKIP LOCKED), so any number of reviewers get different photos.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

from sqlalchemy import Select, exists, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backoffice.errors import BackofficeError
from backoffice.i18n import Text
from backoffice.models import Order, ReviewLease
from backoffice.workflows import timers

LEASE = timedelta(minutes=3)
EXPIRE = "review.lease_expire"


class LeaseLost(BackofficeError):
    """The reviewer's hold on this photo ended before the decision arrived."""

    code = "lease_lost"
    title = Text("照片已交还队列", "The photo went back to the queue")
    detail = Text(
        "您离开较久，这张照片已交还队列；刚才的决定没有执行，没有任何内容丢失。",
        "You were away for a while and the photo went back; nothing was decided or lost.",
    )


def free_for(waiting: Select[Order], staff_id: uuid.UUID, now: datetime) -> Select[Order]:
    """Return `waiting` without what lies on other reviewers' desks."""
    held_by_others = exists().where(
        ReviewLease.order_id == Order.id,
        ReviewLease.ended_at.is_(None),
        ReviewLease.expires_at > now,
        ReviewLease.staff_id != staff_id,
    )
    return waiting.where(~held_by_others)


def claim_next(
    session: Session, staff_id: uuid.UUID, waiting: Select[Order], *, now: datetime | None = None
) -> Order | None:
    """Lease the first order of `waiting` (an ordered query) that nobody holds, and return it.

    What this reviewer holds already and still fits the query is returned again, with a fresh lease:
    a reload shows the same photo. The caller commits.
    """
    moment = now or datetime.now(UTC)
    mine = exists().where(
        ReviewLease.order_id == Order.id,
        ReviewLease.ended_at.is_(None),
        ReviewLease.staff_id == staff_id,
    )
    free = free_for(waiting, staff_id, moment).limit(1)
    free = free.with_for_update(of=Order, skip_locked=True)
    order = session.scalars(free.where(mine)).first() or session.scalars(free).first()
    if order is not None:
        _take(session, order.id, staff_id, moment)
    return order


def _take(session: Session, order_id: uuid.UUID, staff_id: uuid.UUID, now: datetime) -> None:
    live = _live(session, order_id)
    if live is not None and live.staff_id != staff_id:
        _end(session, live, "expired", now)
        live = None
    if live is None:
        live = ReviewLease(order_id=order_id, staff_id=staff_id, expires_at=now + LEASE)
        try:
            with session.begin_nested():
                session.add(live)
        except IntegrityError:  # somebody took it in this very moment
            raise LeaseLost() from None
    live.expires_at = now + LEASE
    session.flush()
    timers.arm(session, EXPIRE, live.id, live.expires_at)


def extend(
    session: Session, staff_id: uuid.UUID, order_id: uuid.UUID, *, now: datetime | None = None
) -> datetime:
    """Count a sign of life and return until when the photo is held now. Raises LeaseLost."""
    moment = now or datetime.now(UTC)
    lease = _held(session, staff_id, order_id, moment)
    lease.expires_at = moment + LEASE
    session.flush()
    return lease.expires_at


def require(
    session: Session, staff_id: uuid.UUID, order_id: uuid.UUID, *, now: datetime | None = None
) -> None:
    """Check that nobody else holds the photo, and that the reviewer's own hold has not run out.

    What lies on no desk at all is taken now. Raises LeaseLost.
    """
    moment = now or datetime.now(UTC)
    if _live(session, order_id) is None:
        _take(session, order_id, staff_id, moment)
    else:
        _held(session, staff_id, order_id, moment)


def give_up(session: Session, staff_id: uuid.UUID, order_id: uuid.UUID, outcome: str) -> None:
    """End this reviewer's hold: outcome `decided`, `skipped` or `released`. Nothing held: no-op."""
    lease = _live(session, order_id)
    if lease is not None and lease.staff_id == staff_id:
        _end(session, lease, outcome, datetime.now(UTC))


def clear_desk(session: Session, staff_id: uuid.UUID) -> None:
    """Give back everything this reviewer holds."""
    held = session.scalars(
        select(ReviewLease)
        .where(ReviewLease.staff_id == staff_id, ReviewLease.ended_at.is_(None))
        .with_for_update()
    ).all()
    for lease in held:
        _end(session, lease, "released", datetime.now(UTC))


def expire(session: Session, lease_id: uuid.UUID, now: datetime) -> str:
    """End a lease without a sign of life; one that was extended is waited for (timer action)."""
    lease = session.get_one(ReviewLease, lease_id, with_for_update=True, populate_existing=True)
    if lease.ended_at is not None:
        return "ended_before"
    if lease.expires_at > now:
        timers.arm(session, EXPIRE, lease.id, lease.expires_at)
        return "extended"
    lease.ended_at, lease.outcome = now, "expired"
    session.flush()
    return "expired"


def _held(session: Session, staff_id: uuid.UUID, order_id: uuid.UUID, now: datetime) -> ReviewLease:
    lease = _live(session, order_id)
    if lease is None or lease.staff_id != staff_id or lease.expires_at <= now:
        raise LeaseLost()
    return lease


def _live(session: Session, order_id: uuid.UUID) -> ReviewLease | None:
    return session.scalars(
        select(ReviewLease)
        .where(ReviewLease.order_id == order_id, ReviewLease.ended_at.is_(None))
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


def _end(session: Session, lease: ReviewLease, outcome: str, now: datetime) -> None:
    lease.ended_at, lease.outcome = now, outcome
    session.flush()
    timers.disarm(session, EXPIRE, lease.id)
