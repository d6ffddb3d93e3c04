"""The borders between schools: one condition per table, so that no list forgets it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, or_, select, true

from backoffice.models import (
    Batch,
    Enrolment,
    Order,
    OrderEvent,
    Payment,
    Photo,
    PhotoStandard,
    Refund,
    RejectionReason,
    RosterImport,
    School,
    Shipment,
    Ticket,
)

Condition = ColumnElement[bool]


def _orders_of(school_id: uuid.UUID) -> Any:
    return select(Order.id).where(Order.school_id == school_id)


def _batches_of(school_id: uuid.UUID) -> Any:
    return select(Batch.id).where(Batch.school_id == school_id)


# Shared by all schools and free of personal data.
COMMON: frozenset[type[Any]] = frozenset({PhotoStandard, RejectionReason})
OWNED: dict[type[Any], Callable[[uuid.UUID], Condition]] = {
    School: lambda s: School.id == s,
    Batch: lambda s: Batch.school_id == s,
    Order: lambda s: Order.school_id == s,
    Enrolment: lambda s: Enrolment.batch_id.in_(_batches_of(s)),
    RosterImport: lambda s: RosterImport.batch_id.in_(_batches_of(s)),
    OrderEvent: lambda s: OrderEvent.order_id.in_(_orders_of(s)),
    Photo: lambda s: Photo.order_id.in_(_orders_of(s)),
    Payment: lambda s: Payment.order_id.in_(_orders_of(s)),
    Refund: lambda s: Refund.order_id.in_(_orders_of(s)),
    Shipment: lambda s: Shipment.order_id.in_(_orders_of(s)),
    # a question about an order goes to that order's school, any other to the schools of the student
    Ticket: lambda s: or_(
        Ticket.order_id.in_(_orders_of(s)),
        Ticket.order_id.is_(None)
        & Ticket.student_id.in_(
            select(Enrolment.student_id).where(
                Enrolment.batch_id.in_(_batches_of(s)), Enrolment.student_id.is_not(None)
            )
        ),
    ),
}


def visible(model: type[Any], school_id: uuid.UUID | None) -> Condition:
    """Return the condition that keeps a query to the rows this school may see.

    school_id: None sees every school. Raises KeyError for a table that names no owner and is
    not common, so that a new list cannot leak by omission.
    """
    if school_id is None or model in COMMON:
        return true()
    return OWNED[model](school_id)
