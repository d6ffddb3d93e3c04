"""Handing a photo to a senior reviewer: a row, open until the photo is decided."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from backoffice.models import Order, ReviewEscalation, SeniorReviewer
from backoffice.review import leases, second_opinions
from backoffice.review.errors import AlreadyEscalated
from backoffice.review.holds import give_back
from backoffice.workflows.actors import Actor
from backoffice.workflows.engine import Engine
from backoffice.workflows.errors import OrderNotFound
from backoffice.workflows.given_data import MAX_NOTE


def is_senior(session: Session, staff_id: uuid.UUID) -> bool:
    """Return whether this member settles escalations and disagreements."""
    return session.get(SeniorReviewer, staff_id) is not None


def escalate(
    session: Session,
    engine: Engine,
    actor: Actor,
    order_id: uuid.UUID,
    token: uuid.UUID,
    note: str,
) -> None:
    """Hand the photo to a senior reviewer; it leaves the common queue. The caller commits.

    For a second opinion the hold is given back: somebody else answers it. Raises LeaseLost,
    OrderNotFound, AlreadyEscalated.
    """
    staff_id = uuid.UUID(str(actor.id))
    order = locked(session, engine, actor, order_id)
    lease = leases.held(session, staff_id, order_id, token)
    if lease is None:
        if second_opinions.find(session, staff_id, token) is None:
            raise leases.LeaseLost()
        give_back(session, staff_id, tokens={token})
        return
    if lease.ended_at is not None or _open(session, order) is not None:
        raise AlreadyEscalated()
    settle(session, order_id)  # one about an earlier picture
    session.add(
        ReviewEscalation(
            order_id=order_id,
            photo_id=order.photo_id,
            staff_id=staff_id,
            note=note.strip()[:MAX_NOTE] or None,
        )
    )
    leases.end(session, lease, "escalated")


def open_of(session: Session, order_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, ReviewEscalation]:
    """Return the open escalations of these orders."""
    rows = session.scalars(
        select(ReviewEscalation).where(
            ReviewEscalation.order_id.in_(order_ids), ReviewEscalation.settled_at.is_(None)
        )
    )
    return {row.order_id: row for row in rows}


def locked(session: Session, engine: Engine, actor: Actor, order_id: uuid.UUID) -> Order:
    """Return the order under its lock. Raises OrderNotFound for another school's."""
    order: Order = engine.lock(session, order_id)
    if not actor.may_see(order):
        raise OrderNotFound()
    return order


def _open(session: Session, order: Order) -> ReviewEscalation | None:
    return session.scalars(
        select(ReviewEscalation).where(
            ReviewEscalation.order_id == order.id,
            ReviewEscalation.photo_id == order.photo_id,
            ReviewEscalation.settled_at.is_(None),
        )
    ).one_or_none()


def settle(session: Session, order_id: uuid.UUID) -> None:
    """Close what is open for an order: it was decided, or its picture was replaced."""
    session.execute(
        update(ReviewEscalation)
        .where(ReviewEscalation.order_id == order_id, ReviewEscalation.settled_at.is_(None))
        .values(settled_at=datetime.now(UTC))
    )


def take_back(session: Session, order: Order, staff_id: uuid.UUID) -> bool:
    """Take this reviewer's own open escalation back; False if there is none."""
    found = _open(session, order)
    if found is None or found.staff_id != staff_id:
        return False
    found.settled_at = datetime.now(UTC)
    session.flush()
    return True
