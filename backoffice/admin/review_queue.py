"""What the reviewer's desk reads: the next photo, what the machine thought, earlier attempts."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Select, func, select, tuple_
from sqlalchemy.orm import joinedload, selectinload

from backoffice.db import db
from backoffice.models import Order, Photo, ReviewDecision
from backoffice.models.vocabulary import OrderKind, OrderState
from backoffice.review import leases
from backoffice.security.tenancy import visible

SEVERITY_ORDER = {"refuse": 0, "warn": 1, "note": 2}


@dataclass(frozen=True)
class Attempt:
    """One earlier decision about this order, with the picture it was about."""

    photo: Photo
    decision: ReviewDecision


@dataclass(frozen=True)
class Case:
    """One photo on the desk. `following` is the next one's order, to fetch its pictures early."""

    order: Order
    photo: Photo
    checks: Sequence[dict[str, Any]]
    attempts: Sequence[Attempt]
    suggested: frozenset[str]
    following: Order | None
    waiting: int


def next_case(
    staff_id: uuid.UUID,
    school_id: uuid.UUID | None,
    batch_id: uuid.UUID | None,
    after: uuid.UUID | None,
    first: uuid.UUID | None = None,
) -> Case | None:
    """Lease and return the photo that has waited longest, or the one behind `after` (skipped).

    What lies on other reviewers' desks is passed over. The caller commits.
    first: an order that comes before all others if it waits (its decision was taken back).
    """
    query = _waiting(school_id, batch_id)
    if after is not None:
        query = _behind(query, after)
    if first is not None:
        query = query.order_by((Order.id == first).desc())
    query = query.options(
        joinedload(Order.enrolment), joinedload(Order.batch), joinedload(Order.standard)
    )
    query = query.order_by(Order.entered_at, Order.id)
    order = leases.claim_next(db.session(), staff_id, query)
    if order is None:
        return None
    others = leases.free_for(query, staff_id, datetime.now(UTC)).where(Order.id != order.id)
    following = db.session.scalars(others.limit(1)).first()
    return _case(order, following, waiting(school_id, batch_id))


def waiting(school_id: uuid.UUID | None, batch_id: uuid.UUID | None = None) -> int:
    """Return how many photos wait for a decision."""
    inner = _waiting(school_id, batch_id).with_only_columns(Order.id).subquery()
    return db.session.scalar(select(func.count()).select_from(inner)) or 0


def oldest_waiting(school_id: uuid.UUID | None) -> datetime | None:
    """Return since when the oldest photo waits."""
    return db.session.scalar(
        _waiting(school_id, None).with_only_columns(func.min(Order.entered_at))
    )


def _waiting(school_id: uuid.UUID | None, batch_id: uuid.UUID | None) -> Select[Order]:
    query = select(Order).where(
        Order.state == OrderState.PENDING_REVIEW,
        Order.kind == OrderKind.CAPTURE,
        Order.photo_id.is_not(None),
        visible(Order, school_id),
    )
    return query if batch_id is None else query.where(Order.batch_id == batch_id)


def _behind(query: Select[Order], after: uuid.UUID) -> Select[Order]:
    skipped = db.session.execute(
        select(Order.entered_at, Order.id).where(Order.id == after)
    ).one_or_none()
    if skipped is None:
        return query
    return query.where(tuple_(Order.entered_at, Order.id) > tuple_(*skipped))


def _case(order: Order, following: Order | None, count: int) -> Case:
    photo = db.session.get_one(Photo, order.photo_id)
    checks = worst_first(photo.checks)
    return Case(
        order=order,
        photo=photo,
        checks=checks,
        attempts=_attempts(order),
        suggested=frozenset(
            str(c["rejection_code"]) for c in checks if not c["passed"] and c.get("rejection_code")
        ),
        following=following,
        waiting=count,
    )


def worst_first(checks: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the automatic checks, failed ones first and the gravest of them on top."""
    return sorted(
        checks, key=lambda c: (bool(c.get("passed")), SEVERITY_ORDER.get(c.get("severity", ""), 3))
    )


def _attempts(order: Order) -> list[Attempt]:
    rows = db.session.execute(
        select(Photo, ReviewDecision)
        .join(ReviewDecision, ReviewDecision.photo_id == Photo.id)
        .where(ReviewDecision.order_id == order.id)
        .options(selectinload(ReviewDecision.reasons))
        .order_by(ReviewDecision.event_sequence.desc())
        .limit(6)
    )
    return [Attempt(row.Photo, row.ReviewDecision) for row in rows]
