"""Which photos wait for this reviewer, in which order: one ordered query, driven by an index.

The partial indexes `ix_orders_review_queue…` hold only what waits, so a claim costs the same among
ten thousand orders and among a million.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import ColumnElement, Select, and_, exists, false, func, not_, select, true

from backoffice.models import (
    Enrolment,
    Order,
    Photo,
    ReviewDecision,
    ReviewEscalation,
    ReviewLease,
    ReviewRule,
    Staff,
)
from backoffice.models.vocabulary import OrderKind, OrderState

KEPT_FOR = timedelta(hours=24)  # then a resubmission no longer waits for its first reviewer
COUNTED_UP_TO = 2000  # beyond that the exact number helps nobody and costs every page


@dataclass(frozen=True)
class Reviewer:
    """Who sits at the desk. school_id set: sees this school only."""

    staff_id: uuid.UUID
    school_id: uuid.UUID | None = None
    senior: bool = False


@dataclass(frozen=True)
class QueueFilter:
    """What the reviewer wants to see. Empty: everything that waits, oldest first.

    class_name counts within a batch only. older_hours: waiting at least so long. escalated: what
    was handed to a senior, and nothing else.
    """

    school_id: uuid.UUID | None = None
    batch_id: uuid.UUID | None = None
    class_name: str = ""
    attempt: Literal["", "first", "again", "mine"] = ""
    checks: Literal["", "clean", "flagged"] = ""
    older_hours: int = 0
    newest_first: bool = False
    escalated: bool = False


def of_school(school_id: uuid.UUID | None) -> ColumnElement[bool]:
    """Return the condition that keeps orders to one school; None sees every school."""
    return true() if school_id is None else Order.school_id == school_id


def waiting(who: Reviewer, wanted: QueueFilter, now: datetime) -> Select[uuid.UUID]:
    """Return the ids of what waits for this reviewer, whether or not it lies on a desk."""
    query = select(Order.id).where(
        Order.state == OrderState.PENDING_REVIEW,
        Order.kind == OrderKind.CAPTURE,
        Order.photo_id.is_not(None),
        of_school(who.school_id),
        _escalated() if wanted.escalated and who.senior else not_(_escalated()),
        not_(_kept_for_another(who.staff_id, now)),
    )
    for condition in _wanted(who, wanted, now):
        query = query.where(condition)
    return query


def unheld(
    who: Reviewer, wanted: QueueFilter, now: datetime, skipped: tuple[uuid.UUID, ...] = ()
) -> Select[uuid.UUID]:
    """Return what lies on no desk, in the order it is reviewed. `skipped`: not these."""
    held = exists().where(
        ReviewLease.order_id == Order.id,
        ReviewLease.ended_at.is_(None),
        ReviewLease.expires_at > now,
    )
    query = waiting(who, wanted, now).where(~held)
    if skipped:
        query = query.where(Order.id.not_in(skipped))
    if wanted.newest_first:
        return query.order_by(Order.entered_at.desc(), Order.id.desc())
    return query.order_by(Order.entered_at, Order.id)


def counted(who: Reviewer, wanted: QueueFilter, now: datetime) -> Select[int]:
    """Return the query for how many wait, at most COUNTED_UP_TO."""
    some = waiting(who, wanted, now).limit(COUNTED_UP_TO).subquery()
    return select(func.count()).select_from(some)


def oldest(school_id: uuid.UUID | None) -> Select[datetime | None]:
    """Return the query for the moment since which the oldest photo waits."""
    return (
        select(Order.entered_at)
        .where(
            Order.state == OrderState.PENDING_REVIEW,
            Order.kind == OrderKind.CAPTURE,
            of_school(school_id),
        )
        .order_by(Order.entered_at, Order.id)
        .limit(1)
    )


def _wanted(who: Reviewer, wanted: QueueFilter, now: datetime) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.school_id is not None:
        found.append(Order.school_id == wanted.school_id)
    if wanted.batch_id is not None:
        found.append(Order.batch_id == wanted.batch_id)
        if wanted.class_name:
            found.append(_in_class(wanted.batch_id, wanted.class_name))
    if wanted.older_hours:
        found.append(Order.entered_at <= now - timedelta(hours=wanted.older_hours))
    if wanted.attempt == "mine":
        found.append(_rejected(ReviewDecision.staff_id == who.staff_id))
    elif wanted.attempt:
        again = exists().where(Photo.id == Order.photo_id, Photo.attempt > 1)
        found.append(again if wanted.attempt == "again" else ~again)
    if wanted.checks:
        flagged = exists().where(
            Photo.id == Order.photo_id, Photo.checks.contains([{"passed": False}])
        )
        found.append(flagged if wanted.checks == "flagged" else ~flagged)
    return found


def _in_class(batch_id: uuid.UUID, class_name: str) -> ColumnElement[bool]:
    return Order.enrolment_id.in_(
        select(Enrolment.id).where(
            Enrolment.batch_id == batch_id, Enrolment.class_name == class_name
        )
    )


def _escalated() -> ColumnElement[bool]:
    """The photo now before the reviewers (not an earlier one) was handed to a senior."""
    return exists().where(
        ReviewEscalation.order_id == Order.id,
        ReviewEscalation.photo_id == Order.photo_id,
        ReviewEscalation.settled_at.is_(None),
    )


def _rejected(by: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(
        ReviewDecision.order_id == Order.id,
        ReviewDecision.decision == "reject",
        ReviewDecision.undone_at.is_(None),
        by,
    )


def _kept_for_another(staff_id: uuid.UUID, now: datetime) -> ColumnElement[bool]:
    """A fresh resubmission in a batch that keeps reviewers, rejected by others but not by me."""
    keeps = exists().where(
        ReviewRule.batch_id == Order.batch_id, ReviewRule.keep_reviewer.is_(True)
    )
    # a scalar subquery: as EXISTS the planner would hash the whole table of decisions
    others = (
        select(func.bool_or(Staff.active) & not_(func.bool_or(ReviewDecision.staff_id == staff_id)))
        .select_from(ReviewDecision)
        .join(Staff, Staff.id == ReviewDecision.staff_id)
        .where(
            ReviewDecision.order_id == Order.id,
            ReviewDecision.decision == "reject",
            ReviewDecision.undone_at.is_(None),
        )
        .correlate(Order)
        .scalar_subquery()
    )
    return and_(Order.entered_at > now - KEPT_FOR, keeps, func.coalesce(others, false()))
