"""A decision at the desk: bound to the lease and the picture, in one transaction, possible to undo."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Interval, Select, String, case, cast, func, literal, select, union_all
from sqlalchemy.orm import Session

from backoffice.models import (
    Enrolment,
    Order,
    OutboxRow,
    ReviewDecision,
    SecondOpinion,
)
from backoffice.models.vocabulary import OrderState
from backoffice.review import escalations, leases, second_opinions
from backoffice.review.errors import PhotoReplaced
from backoffice.review.escalations import locked
from backoffice.review.reason_order import count_uses
from backoffice.workflows.actors import Actor
from backoffice.workflows.engine import Engine

DECISIONS = ("approve", "reject")
UNDO_AT_MOST = 10
LOOKED_BACK = timedelta(hours=1)  # longer than any undo window: keeps the look-up short


@dataclass(frozen=True)
class Choice:
    """What the page sends: the photo it showed, the hold it had, and what the reviewer decided.

    data: `reasons` and `note`. looked_ms: from the picture on the screen to the key.
    """

    order_id: uuid.UUID
    photo_id: uuid.UUID
    token: uuid.UUID
    version: int
    decision: str
    data: Mapping[str, Any]
    looked_ms: int | None = None


@dataclass(frozen=True)
class Policy:
    """The house's settings a decision depends on."""

    second_opinion_percent: float
    undo_seconds: float


@dataclass(frozen=True)
class Undoable:
    """A decision of this reviewer that can still be taken back, until when."""

    order_id: uuid.UUID
    number: str
    name_masked: str
    decision: str
    until: datetime


def decide(session: Session, engine: Engine, actor: Actor, choice: Choice, policy: Policy) -> None:
    """Decide the photo the reviewer looked at. The caller commits.

    The same choice sent again changes nothing. A second opinion is answered instead, without
    moving the order. Raises OrderNotFound, LeaseLost, PhotoReplaced and what `Engine.fire` raises.
    """
    staff_id = uuid.UUID(str(actor.id))
    order = locked(session, engine, actor, choice.order_id)
    lease = leases.held(session, staff_id, order.id, choice.token)
    if lease is None:
        _answer(session, staff_id, order, choice)
        return
    if lease.ended_at is None:
        _same_photo(order.photo_id, choice, order)
    event = engine.fire(
        session,
        order.id,
        choice.decision,
        actor=actor,
        data=choice.data,
        expected_version=choice.version,
        idempotency_key=f"desk/{choice.token}",
    )
    if lease.ended_at is None:
        leases.end(
            session,
            lease,
            "decided",
            event_sequence=event.sequence,
            looked_ms=choice.looked_ms,
        )
        after_decision(session, order, event, policy)


def _answer(session: Session, staff_id: uuid.UUID, order: Order, choice: Choice) -> None:
    """Take the choice as a second opinion's verdict. Raises LeaseLost if the token is none."""
    opinion = second_opinions.find(session, staff_id, choice.token)
    if opinion is None or opinion.order_id != order.id:
        raise leases.LeaseLost()
    _same_photo(opinion.photo_id, choice, order)
    second_opinions.answer(
        session, opinion, choice.decision, choice.data, looked_ms=choice.looked_ms
    )


def after_decision(session: Session, order: Order, event: Any, policy: Policy) -> None:
    """Do what a reviewer's decision means for the desk, whichever page it came from."""
    if event.transition not in DECISIONS:
        return
    count_uses(session, order.batch_id, event.reasons)
    escalations.settle(session, order.id)
    second_opinions.sample(
        session,
        event,
        house_percent=policy.second_opinion_percent,
        undo_seconds=policy.undo_seconds,
    )


def undo(
    session: Session, engine: Engine, actor: Actor, order_id: uuid.UUID, policy: Policy
) -> uuid.UUID:
    """Take this reviewer's last decision about an order back; returns the token of the new hold.

    Works for a verdict of a second opinion and for an escalation too. Raises what `Engine.undo`
    raises, and LeaseLost when another reviewer holds the photo by now.
    """
    staff_id = uuid.UUID(str(actor.id))
    order = locked(session, engine, actor, order_id)
    opinion = second_opinions.reopen(
        session, staff_id, order_id, within_seconds=policy.undo_seconds
    )
    if opinion is not None and opinion.token is not None:
        return opinion.token
    if not escalations.take_back(session, order, staff_id):
        engine.undo(session, order_id, actor=actor)
    taken = leases.take(session, staff_id, [order_id])
    if order_id not in taken:
        raise leases.LeaseLost()
    return taken[order_id]


def hold_again(session: Session, engine: Engine, actor: Actor, choice: Choice) -> uuid.UUID | None:
    """Return a new hold on the photo of a choice whose hold ran out; None when it is elsewhere.

    A hold the same reviewer has on another page gives way: the photo is decided once anyway.
    """
    staff_id = uuid.UUID(str(actor.id))
    order = locked(session, engine, actor, choice.order_id)
    still = order.state == OrderState.PENDING_REVIEW and order.photo_id == choice.photo_id
    if not still or order.version != choice.version:
        return None
    leases.give_up_order(session, staff_id, order.id)
    return leases.take(session, staff_id, [order.id]).get(order.id)


def undoable(
    session: Session, staff_id: uuid.UUID, policy: Policy, now: datetime | None = None
) -> list[Undoable]:
    """Return this reviewer's decisions that can still be taken back, newest first, at most ten."""
    moment = now or datetime.now(UTC)
    window = timedelta(seconds=policy.undo_seconds)
    both = union_all(
        _undoable_moves(staff_id, moment), _undoable_opinions(staff_id, moment, window)
    )
    newest = both.subquery()
    rows = session.execute(select(newest).order_by(newest.c.until.desc()).limit(UNDO_AT_MOST))
    return [Undoable(*row) for row in rows]


def _undoable_moves(staff_id: uuid.UUID, now: datetime) -> Select[*tuple[Any, ...]]:
    """A decision can be undone while its message still waits in the outbox."""
    effect = case(
        (ReviewDecision.decision == "approve", "notify.approved"), else_="notify.rejected"
    )
    order_id = cast(ReviewDecision.order_id, String)
    sequence = cast(ReviewDecision.event_sequence, String)
    key = func.concat(order_id, "/", sequence, "/", effect)
    return (
        select(
            Order.id,
            Order.number,
            Enrolment.name_masked,
            ReviewDecision.decision,
            OutboxRow.available_at.label("until"),
        )
        .select_from(ReviewDecision)
        .join(Order, Order.id == ReviewDecision.order_id)
        .join(Enrolment, Enrolment.id == Order.enrolment_id)
        .join(OutboxRow, OutboxRow.dedupe_key == key)
        .where(
            ReviewDecision.staff_id == staff_id,
            ReviewDecision.created_at > now - LOOKED_BACK,
            ReviewDecision.decision.in_(DECISIONS),
            ReviewDecision.undone_at.is_(None),
            OutboxRow.state == "waiting",
            OutboxRow.available_at > now,
        )
    )


def _undoable_opinions(
    staff_id: uuid.UUID, now: datetime, window: timedelta
) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Order.id,
            Order.number,
            Enrolment.name_masked,
            SecondOpinion.verdict,
            SecondOpinion.answered_at + literal(window, Interval),
        )
        .join(Order, Order.id == SecondOpinion.order_id)
        .join(Enrolment, Enrolment.id == Order.enrolment_id)
        .where(
            SecondOpinion.staff_id == staff_id,
            SecondOpinion.answered_at > now - window,
            SecondOpinion.settled_at.is_(None),
        )
    )


def _same_photo(photo_id: uuid.UUID | None, choice: Choice, order: Order) -> None:
    if photo_id != choice.photo_id:
        raise PhotoReplaced(expected=choice.version, actual=order.version)
