"""Reading a student's orders: always by owner, so that a foreign id is simply not there."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session, joinedload, selectinload

from backoffice.models import Order, OrderEvent, Photo, ReviewDecision, Shipment, Student
from backoffice.models.vocabulary import OrderState
from backoffice.workflows.errors import OrderNotFound

# While the newest decision is a rejection, these states show it; a new submission hides it.
SHOWS_REJECTION = (
    OrderState.REJECTED,
    OrderState.PAID,
    OrderState.REFUNDING,
    OrderState.REFUNDED,
)


@dataclass(frozen=True)
class OrderFacts:
    """An order with what is shown beside it."""

    order: Order
    photo: Photo | None
    rejection: ReviewDecision | None
    shipment: Shipment | None


def find_order(session: Session, student: Student, order_id: uuid.UUID) -> Order:
    """Return one order of this student. Raises OrderNotFound."""
    order = session.scalars(
        select(Order)
        .where(Order.id == order_id, Order.student_id == student.id)
        .options(joinedload(Order.batch))
    ).one_or_none()
    if order is None:
        raise OrderNotFound()
    return order


def page_of_orders(
    session: Session, student: Student, limit: int, before: uuid.UUID | None
) -> list[Order]:
    """Return up to `limit` orders, newest first, older than `before`. Ids are time-ordered."""
    query = (
        select(Order)
        .where(Order.student_id == student.id)
        .options(joinedload(Order.batch), selectinload(Order.items))
        .order_by(Order.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(Order.id < before)
    return list(session.scalars(query))


def facts_of(session: Session, orders: Sequence[Order]) -> list[OrderFacts]:
    """Return the orders with newest picture, rejection and shipment: three queries in all."""
    ids = [order.id for order in orders]
    photos = session.scalars(
        select(Photo)
        .where(Photo.order_id.in_(ids))
        .ext(distinct_on(Photo.order_id))
        .order_by(Photo.order_id, Photo.attempt.desc())
    )
    decisions = session.scalars(
        select(ReviewDecision)
        .where(ReviewDecision.order_id.in_(ids))
        .ext(distinct_on(ReviewDecision.order_id))
        .options(selectinload(ReviewDecision.reasons))
        .order_by(ReviewDecision.order_id, ReviewDecision.event_sequence.desc())
    )
    shipments = session.scalars(select(Shipment).where(Shipment.order_id.in_(ids)))
    by_photo = {photo.order_id: photo for photo in photos}
    by_decision = {decision.order_id: decision for decision in decisions}
    by_shipment = {shipment.order_id: shipment for shipment in shipments}
    return [
        OrderFacts(
            order,
            by_photo.get(order.id),
            _rejection(order, by_decision.get(order.id)),
            by_shipment.get(order.id),
        )
        for order in orders
    ]


def events_of(session: Session, order: Order, after: int = 0) -> list[OrderEvent]:
    """Return the order's history from the event after sequence `after` on, oldest first."""
    return list(
        session.scalars(
            select(OrderEvent)
            .where(OrderEvent.order_id == order.id, OrderEvent.sequence > after)
            .order_by(OrderEvent.sequence)
        )
    )


def version_of(session: Session, order_id: uuid.UUID) -> int:
    """Return the sequence of the order's newest event, 0 while there is none."""
    return session.scalar(select(Order.version).where(Order.id == order_id)) or 0


def _rejection(order: Order, newest: ReviewDecision | None) -> ReviewDecision | None:
    if newest is None or newest.decision != "reject" or order.state not in SHOWS_REJECTION:
        return None
    return newest
