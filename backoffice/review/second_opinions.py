"""Second opinions: a sampled share of decisions is looked at again by somebody who does not know.

Why approvals and rejections are sampled, why the second verdict moves nothing, and who settles a
disagreement: docs/decisions/0007-a-second-opinion-is-blind-and-moves-nothing.md.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Update,
    exists,
    func,
    literal,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningUpdate

from backoffice.db import uuid7
from backoffice.models import Order, Photo, ReviewDecision, ReviewRule, SecondOpinion
from backoffice.models.vocabulary import OrderState
from backoffice.review.errors import OpinionClosed
from backoffice.review.leases import LEASE, LOOKED_AT_MOST, LeaseLost
from backoffice.review.queue import QueueFilter, Reviewer, of_school
from backoffice.workflows.actors import Actor
from backoffice.workflows.capture_order import CAPTURE_ORDER
from backoffice.workflows.engine import Engine
from backoffice.workflows.given_data import cleaned_data
from backoffice.workflows.guards import UnknownReason, unknown_reasons

SAMPLED = ("approve", "reject")


def sample(session: Session, event: Any, *, house_percent: float, undo_seconds: float) -> None:
    """Put a staff member's decision into the sample, by the share of its batch (or the house's).

    The draw is the first bytes of the event's hash: as good as chance, and the same when repeated.
    Waits until the undo window has closed.
    """
    if event.transition not in SAMPLED or event.actor_kind != "staff":
        return
    draw = int.from_bytes(event.hash[:4]) / 2**32 * 100
    share = func.coalesce(ReviewRule.second_opinion_percent, house_percent)
    due_at = event.at + timedelta(seconds=undo_seconds)
    chosen = (
        select(
            literal(uuid7()),
            Order.id,
            Order.photo_id,
            literal(event.sequence),
            literal(event.transition),
            literal(uuid.UUID(event.actor_id)),
            literal(due_at),
        )
        .outerjoin(ReviewRule, ReviewRule.batch_id == Order.batch_id)
        .where(Order.id == event.order_id, Order.photo_id.is_not(None), share > draw)
    )
    columns = (
        "id", "order_id", "photo_id", "event_sequence", "first_decision", "first_staff_id", "due_at",
    )  # fmt: skip
    drawn = insert(SecondOpinion).from_select(columns, chosen, include_defaults=False)
    session.execute(drawn.on_conflict_do_nothing())


def claim(
    session: Session, who: Reviewer, wanted: QueueFilter, *, now: datetime | None = None
) -> SecondOpinion | None:
    """Hold the oldest sampled decision this reviewer had no part in; None when there is none."""
    moment = now or datetime.now(UTC)
    opinion = session.scalars(
        select(SecondOpinion)
        .join(Order, Order.id == SecondOpinion.order_id)
        .where(
            SecondOpinion.answered_at.is_(None),
            SecondOpinion.due_at <= moment,
            SecondOpinion.first_staff_id != who.staff_id,
            (SecondOpinion.held_until.is_(None)) | (SecondOpinion.held_until <= moment),
            of_school(who.school_id),
            _in(wanted),
            _stands(),
            ~_known_to(who.staff_id),
        )
        .order_by(SecondOpinion.due_at, SecondOpinion.id)
        .limit(1)
        .with_for_update(of=SecondOpinion, skip_locked=True)
    ).first()
    if opinion is not None:
        _hold(session, opinion, who.staff_id, moment)
    return opinion


def _hold(session: Session, opinion: SecondOpinion, staff_id: uuid.UUID, now: datetime) -> None:
    opinion.token, opinion.staff_id, opinion.held_until = uuid7(), staff_id, now + LEASE
    session.flush()


def extending(
    staff_id: uuid.UUID, tokens: Collection[uuid.UUID], now: datetime
) -> ReturningUpdate[tuple[uuid.UUID | None]]:
    """Return the statement that counts a sign of life and answers with the `token` that hold."""
    return (
        update(SecondOpinion)
        .where(
            SecondOpinion.token.in_(tokens),
            SecondOpinion.staff_id == staff_id,
            SecondOpinion.answered_at.is_(None),
            SecondOpinion.held_until > now,
        )
        .values(held_until=now + LEASE)
        .returning(SecondOpinion.token)
    )


def giving_up(staff_id: uuid.UUID, tokens: Collection[uuid.UUID] | None = None) -> Update:
    """Return the statement that lets others have what this reviewer holds: these tokens, or all."""
    query = update(SecondOpinion).where(
        SecondOpinion.staff_id == staff_id, SecondOpinion.answered_at.is_(None)
    )
    if tokens is not None:
        query = query.where(SecondOpinion.token.in_(tokens))
    return query.values(token=None, held_until=None, staff_id=None)


def find(session: Session, staff_id: uuid.UUID, token: uuid.UUID) -> SecondOpinion | None:
    """Return the second opinion behind a token of this reviewer, locked; None if there is none."""
    return session.scalars(
        select(SecondOpinion)
        .where(SecondOpinion.token == token, SecondOpinion.staff_id == staff_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


def answer(
    session: Session,
    opinion: SecondOpinion,
    verdict: str,
    data: Mapping[str, Any],
    *,
    looked_ms: int | None = None,
    now: datetime | None = None,
) -> None:
    """Write the second verdict down; the order does not move. A repeated one changes nothing.

    Raises what the first decision would raise: LeaseLost, TransitionDataMissing, UnknownReason.
    """
    moment = now or datetime.now(UTC)
    if opinion.answered_at is not None:
        if opinion.verdict != verdict:
            raise LeaseLost()
        return
    if opinion.held_until is None or opinion.held_until <= moment:
        raise LeaseLost()
    given = cleaned_data(CAPTURE_ORDER.by_name[verdict], data)
    reasons = given.get("reasons", [])
    unknown = unknown_reasons(session, reasons, opinion.order.standard_id)
    if unknown:
        raise UnknownReason(codes=", ".join(code[:10] for code in unknown))
    opinion.verdict, opinion.answered_at = verdict, moment
    opinion.reasons, opinion.note = reasons, given.get("note")
    if looked_ms is not None:
        opinion.looked_ms = min(max(looked_ms, 0), int(LOOKED_AT_MOST.total_seconds() * 1000))
    session.flush()


def reopen(
    session: Session,
    staff_id: uuid.UUID,
    order_id: uuid.UUID,
    *,
    within_seconds: float,
    now: datetime | None = None,
) -> SecondOpinion | None:
    """Take this reviewer's newest verdict on an order back and hold it again; None if too late."""
    moment = now or datetime.now(UTC)
    opinion = session.scalars(
        select(SecondOpinion)
        .where(
            SecondOpinion.order_id == order_id,
            SecondOpinion.staff_id == staff_id,
            SecondOpinion.answered_at > moment - timedelta(seconds=within_seconds),
            SecondOpinion.settled_at.is_(None),
        )
        .order_by(SecondOpinion.answered_at.desc())
        .limit(1)
        .with_for_update()
    ).first()
    if opinion is None:
        return None
    opinion.verdict = opinion.answered_at = opinion.note = opinion.looked_ms = None
    opinion.reasons = []
    _hold(session, opinion, staff_id, moment)
    return opinion


def disputed(school_id: uuid.UUID | None) -> ColumnElement[bool]:
    """Return the condition of an approval the second reviewer would not have given, not settled."""
    orders = select(Order.id).where(of_school(school_id))
    return (
        (SecondOpinion.first_decision == "approve")
        & (SecondOpinion.verdict == "reject")
        & SecondOpinion.settled_at.is_(None)
        & (SecondOpinion.order_id.in_(orders))
    )


def settle(
    session: Session,
    engine: Engine,
    opinion_id: uuid.UUID,
    outcome: str,
    *,
    actor: Actor,
    note: str,
    now: datetime | None = None,
) -> None:
    """A senior lets the approval stand (`upheld`) or takes it back (`revoked`, through the engine).

    Raises OpinionClosed, and what `revoke` raises (no note; production has begun).
    """
    opinion = session.scalars(
        select(SecondOpinion)
        .where(SecondOpinion.id == opinion_id, disputed(actor.school_id))
        .with_for_update()
    ).one_or_none()
    if opinion is None:
        raise OpinionClosed()
    if outcome == "revoked":
        engine.fire(session, opinion.order_id, "revoke", actor=actor, data={"note": note})
    opinion.outcome, opinion.settled_at = outcome, now or datetime.now(UTC)
    opinion.settled_by = uuid.UUID(str(actor.id))
    session.flush()


def still_approved(order: Order) -> bool:
    """Return whether a disputed approval can still be taken back."""
    return order.state == OrderState.APPROVED


def _in(wanted: QueueFilter) -> ColumnElement[bool]:
    found: ColumnElement[bool] = exists().where(
        Photo.id == SecondOpinion.photo_id, Photo.result_key.is_not(None)
    )
    if wanted.school_id is not None:
        found = found & (Order.school_id == wanted.school_id)
    if wanted.batch_id is not None:
        found = found & (Order.batch_id == wanted.batch_id)
    return found


def _stands() -> ColumnElement[bool]:
    """The sampled decision was not taken back in the undo window."""
    return exists().where(
        ReviewDecision.order_id == SecondOpinion.order_id,
        ReviewDecision.event_sequence == SecondOpinion.event_sequence,
        ReviewDecision.undone_at.is_(None),
    )


def _known_to(staff_id: uuid.UUID) -> ColumnElement[bool]:
    """Whether this reviewer has decided about the same order before."""
    return exists().where(
        ReviewDecision.order_id == SecondOpinion.order_id, ReviewDecision.staff_id == staff_id
    )
