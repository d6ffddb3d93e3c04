"""Reading a student's orders: always by owner, so that a foreign id is simply not there."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session, joinedload, selectinload

from backoffice.models import Batch, Order, OrderEvent, Photo, ReviewDecision, Shipment, Student
from backoffice.models.vocabulary import OrderState
from backoffice.workflows.errors import OrderNotFound
from backoffice.workflows.known import Known, read_known

# While the newest decision is a rejection, these states show it; a new submission hides it.
SHOWS_REJECTION = (
    OrderState.REJECTED,
    OrderState.PAID,
    OrderState.REFUNDING,
    OrderState.REFUNDED,
)


POSTED = (OrderState.SHIPPED, OrderState.COMPLETED)
_SHOWN_WITH = (joinedload(Order.batch), joinedload(Order.standard))
_OF_STUDENT = (
    select(Order)
    .where(Order.id == bindparam("order_id"), Order.student_id == bindparam("student_id"))
    .options(*_SHOWN_WITH, joinedload(Order.items))
)


@dataclass(frozen=True)
class OrderFacts:
    """An order with what is shown beside it."""

    order: Order
    known: Known
    shipment: Shipment | None

    @property
    def photo(self) -> Photo | None:
        """The newest picture."""
        return next(iter(self.known.pictures.photos), None)

    @property
    def rejection(self) -> ReviewDecision | None:
        """The newest decision, while it is a rejection that stands."""
        newest = next(iter(self.known.pictures.decisions), None)
        if newest is None or newest.decision != "reject":
            return None
        return newest if self.order.state in SHOWS_REJECTION else None


def find_order(session: Session, student: Student, order_id: uuid.UUID) -> Order:
    """Return one order of this student. Raises OrderNotFound."""
    given = {"order_id": order_id, "student_id": student.id}
    order = session.scalars(_OF_STUDENT, given).unique().one_or_none()
    if order is None:
        raise OrderNotFound()
    return order


def read_again(session: Session, order: Order) -> Order:
    """Flush, and return the order as it is now in the database, with what is shown with it."""
    session.flush()
    given = {"order_id": order.id, "student_id": order.student_id}
    fresh = {"populate_existing": True}
    return session.scalars(_OF_STUDENT, given, execution_options=fresh).unique().one()


def page_of_orders(
    session: Session, student: Student, limit: int, before: uuid.UUID | None
) -> list[Order]:
    """Return up to `limit` orders, newest first, older than `before`. Ids are time-ordered."""
    query = (
        select(Order)
        .where(Order.student_id == student.id)
        .options(
            *_SHOWN_WITH,
            selectinload(Order.items),
            joinedload(Order.batch).selectinload(Batch.services),
        )
        .order_by(Order.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(Order.id < before)
    return list(session.scalars(query))


def facts_of(session: Session, orders: Sequence[Order]) -> list[OrderFacts]:
    """Return the orders with what is shown beside them: a few statements for any number."""
    known = read_known(session, [order.id for order in orders])
    posted = [order.id for order in orders if order.state in POSTED]
    by_order = {}
    if posted:
        query = select(Shipment).where(Shipment.order_id.in_(posted))
        by_order = {shipment.order_id: shipment for shipment in session.scalars(query)}
    return [OrderFacts(order, known[order.id], by_order.get(order.id)) for order in orders]


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
