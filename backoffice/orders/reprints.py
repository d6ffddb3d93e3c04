"""Extra prints (加洗) of an approved picture: orders of kind `reprint`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from backoffice.models import Order, Student
from backoffice.models.vocabulary import DeliveryMethod, OrderKind, OrderState
from backoffice.orders.creation import PRINTS, checked_layout, new_order_number, priced_item, start
from backoffice.orders.errors import (
    AddressRequired,
    DeliveryNotOffered,
    ReprintNotPossible,
    ServiceNotOffered,
)

REPRINT = "reprint"  # a price of its own, where the batch has one; else that of the first prints
FINISHED_STATES = (
    OrderState.APPROVED,
    OrderState.PROCESSING,
    OrderState.SHIPPED,
    OrderState.COMPLETED,
)


def create_reprint(
    session: Session,
    student: Student,
    parent: Order,
    *,
    layout: str,
    copies: int,
    address: dict[str, Any] | None,
) -> Order:
    """Write a draft reprint order and return it. Without an address the school hands it out.

    The caller has checked that order and address are the student's. Flushes. Raises
    ReprintNotPossible, ServiceNotOffered, LayoutNotOffered, AddressRequired, DeliveryNotOffered.
    """
    if parent.kind != OrderKind.CAPTURE or parent.state not in FINISHED_STATES:
        raise ReprintNotPossible()
    batch = parent.batch
    prices = {service.code: service for service in batch.services}
    service = prices.get(REPRINT) or prices.get(PRINTS)
    if service is None:
        raise ServiceNotOffered("order_id")
    method = DeliveryMethod.COURIER if address else DeliveryMethod.SCHOOL
    if method not in batch.delivery_methods:
        raise AddressRequired("address_id") if address is None else DeliveryNotOffered("school")
    item = priced_item(service, quantity=copies)
    order = Order(
        number=new_order_number(),
        kind=OrderKind.REPRINT,
        workflow="reprint_order",
        parent_id=parent.id,
        school_id=parent.school_id,
        batch=batch,
        enrolment=parent.enrolment,
        student=student,
        standard_id=parent.standard_id,
        photo_id=parent.photo_id,
        items=[item],
        amount_fen=item.amount_fen,
        delivery_method=method,
        delivery_address=address,
        layout=checked_layout(batch, layout),
        expires_at=datetime.now(UTC) + timedelta(minutes=batch.unpaid_minutes),
    )
    start(session, order)
    return order
