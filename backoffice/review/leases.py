"""Leases: a photo lies on one desk at a time, and a closed laptop gives it back.

A lease lasts three minutes from the last sign of life; its id is the token a decision must bring.
Claiming skips rows that another reviewer is claiming at the same moment (SKIP LOCKED), so any number
of reviewers get different photos. Whoever locks both locks the order first, then its lease.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import Select, Update, func, literal, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningUpdate

from backoffice.db import uuid7
from backoffice.errors import BackofficeError
from backoffice.i18n import Text
from backoffice.models import Order, ReviewLease

LEASE = timedelta(minutes=3)
LOOKED_AT_MOST = timedelta(hours=1)


class LeaseLost(BackofficeError):
    """The reviewer's hold on this photo ended before the decision arrived."""

    code = "lease_lost"
    title = Text("照片已交还队列", "The photo went back to the queue")
    detail = Text(
        "您离开较久，这张照片已交还队列；刚才的决定没有执行，没有任何内容丢失。",
        "You were away for a while and the photo went back; nothing was decided or lost.",
    )


def claim(
    session: Session,
    staff_id: uuid.UUID,
    unheld: Select[uuid.UUID],
    count: int = 1,
    *,
    now: datetime | None = None,
) -> list[tuple[uuid.UUID, uuid.UUID]]:
    """Lease the first `count` orders of `unheld` (an ordered query of ids).

    Returns (order, token) in that order; fewer when others were faster or no more wait. The caller
    commits.
    """
    moment = now or datetime.now(UTC)
    found = _pick(session, staff_id, unheld.limit(count), moment)
    late = take(session, staff_id, [i for i, token in found if token is None], now=moment)
    claimed = [(order_id, token or late.get(order_id)) for order_id, token in found]
    return [(order_id, token) for order_id, token in claimed if token is not None]


def _pick(
    session: Session, staff_id: uuid.UUID, unheld: Select[uuid.UUID], moment: datetime
) -> list[tuple[uuid.UUID, uuid.UUID | None]]:
    """Lock and lease in one statement; None where a lease that ran out has not been ended yet."""
    locked = unheld.with_for_update(of=Order, skip_locked=True, key_share=True).cte("locked")
    picked = select(locked.c.id, func.row_number().over().label("place")).cte("picked")
    leased = select(func.gen_random_uuid(), picked.c.id, literal(staff_id), literal(moment + LEASE))
    taken = (
        insert(ReviewLease)
        .from_select(["id", "order_id", "staff_id", "expires_at"], leased, include_defaults=False)
        .on_conflict_do_nothing(index_elements=["order_id"], index_where=text("ended_at IS NULL"))
        .returning(ReviewLease.order_id, ReviewLease.id)
        .cte("taken")
    )
    rows = session.execute(
        select(picked.c.id, taken.c.id)
        .outerjoin(taken, taken.c.order_id == picked.c.id)
        .order_by(picked.c.place)
    )
    return [(order_id, token) for order_id, token in rows]


def take(
    session: Session,
    staff_id: uuid.UUID,
    order_ids: Sequence[uuid.UUID],
    *,
    now: datetime | None = None,
) -> dict[uuid.UUID, uuid.UUID]:
    """Lease exactly these orders where nobody holds them; returns order -> token."""
    moment = now or datetime.now(UTC)
    if not order_ids:
        return {}
    taken = _insert(session, staff_id, order_ids, moment)
    missing = [i for i in order_ids if i not in taken]
    if missing:  # held by somebody, or by a hold that ran out and that nobody has ended
        over = session.scalars(
            update(ReviewLease)
            .where(
                ReviewLease.order_id.in_(missing),
                ReviewLease.ended_at.is_(None),
                ReviewLease.expires_at <= moment,
            )
            .values(ended_at=moment, outcome="expired")
            .returning(ReviewLease.order_id)
            .execution_options(synchronize_session=False)
        ).all()
        if over:
            taken |= _insert(session, staff_id, over, moment)
    return taken


def _insert(
    session: Session, staff_id: uuid.UUID, order_ids: Sequence[uuid.UUID], moment: datetime
) -> dict[uuid.UUID, uuid.UUID]:
    rows = [
        {"id": uuid7(), "order_id": i, "staff_id": staff_id, "expires_at": moment + LEASE}
        for i in order_ids
    ]
    inserted = session.execute(
        insert(ReviewLease)
        .values(rows)
        .on_conflict_do_nothing(index_elements=["order_id"], index_where=text("ended_at IS NULL"))
        .returning(ReviewLease.order_id, ReviewLease.id)
    )
    return {row.order_id: row.id for row in inserted}


def held(
    session: Session,
    staff_id: uuid.UUID,
    order_id: uuid.UUID,
    token: uuid.UUID,
    *,
    now: datetime | None = None,
) -> ReviewLease | None:
    """Return the lease behind a token, locked: live, or one that ended with this decision.

    The order must be locked before. None: the token is no lease's. Raises LeaseLost for one that
    ran out, was given up, or belongs to another reviewer or order.
    """
    moment = now or datetime.now(UTC)
    lease = session.get(ReviewLease, token, with_for_update=True, populate_existing=True)
    if lease is None:
        return None
    if (lease.staff_id, lease.order_id) != (staff_id, order_id):
        raise LeaseLost()
    if lease.outcome == "decided" or (lease.ended_at is None and lease.expires_at > moment):
        return lease
    raise LeaseLost()


def end(
    session: Session,
    lease: ReviewLease,
    outcome: str,
    *,
    now: datetime | None = None,
    event_sequence: int | None = None,
    looked_ms: int | None = None,
) -> None:
    """End a lease: outcome `decided`, `skipped`, `released` or `escalated`."""
    lease.ended_at, lease.outcome = now or datetime.now(UTC), outcome
    lease.event_sequence = event_sequence
    if looked_ms is not None:
        most = int(LOOKED_AT_MOST.total_seconds() * 1000)
        lease.looked_ms = min(max(looked_ms, 0), most)
    session.flush()


def extending(
    staff_id: uuid.UUID, tokens: Collection[uuid.UUID], now: datetime
) -> ReturningUpdate[tuple[uuid.UUID]]:
    """Return the statement that counts a sign of life and answers with the `token` that hold."""
    return (
        update(ReviewLease)
        .where(
            ReviewLease.id.in_(tokens),
            ReviewLease.staff_id == staff_id,
            ReviewLease.ended_at.is_(None),
            ReviewLease.expires_at > now,
        )
        .values(expires_at=now + LEASE)
        .returning(ReviewLease.id.label("token"))
    )


def giving_up(
    staff_id: uuid.UUID, outcome: str, tokens: Collection[uuid.UUID] | None = None
) -> Update:
    """Return the statement that gives these leases back, or the reviewer's whole desk."""
    query = update(ReviewLease).where(
        ReviewLease.staff_id == staff_id, ReviewLease.ended_at.is_(None)
    )
    if tokens is not None:
        query = query.where(ReviewLease.id.in_(tokens))
    return query.values(ended_at=datetime.now(UTC), outcome=outcome)


def give_up_order(session: Session, staff_id: uuid.UUID, order_id: uuid.UUID) -> None:
    """Give one order back if this reviewer holds it."""
    session.execute(
        update(ReviewLease)
        .where(
            ReviewLease.order_id == order_id,
            ReviewLease.staff_id == staff_id,
            ReviewLease.ended_at.is_(None),
        )
        .values(ended_at=datetime.now(UTC), outcome="released")
        .execution_options(synchronize_session=False)
    )
