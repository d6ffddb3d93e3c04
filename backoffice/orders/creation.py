"""New capture orders: priced from the batch, delivered one of its ways, one live one each."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backoffice.models import Batch, BatchService, Enrolment, Order, OrderItem, Student
from backoffice.models.vocabulary import DeliveryMethod, OrderKind
from backoffice.orders.errors import (
    AddressRequired,
    DeliveryNotOffered,
    EnrolmentNotConfirmed,
    LayoutNotOffered,
    OrderExists,
    ServiceNotOffered,
)
from backoffice.workflows.orders import engine as process_engine

PRINTS = "prints"
ONE_LIVE_ORDER = "uq_orders_live_enrolment"
NUMBER_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # without 0 O 1 I, which people mix up
NUMBER_RANDOM_LETTERS = 8
CHINA = timedelta(hours=8)


@dataclass(frozen=True, repr=False)
class Wish:
    """What a student orders. `address`: a snapshot of one of their own addresses."""

    services: Sequence[str]
    delivery_method: str
    address: dict[str, Any] | None = None
    layout: str | None = None
    remark: str | None = None


def new_order_number(now: datetime | None = None) -> str:
    """Return a number people can read out: GP, the day in China, eight letters or digits."""
    day = (now or datetime.now(UTC)) + CHINA
    letters = "".join(secrets.choice(NUMBER_ALPHABET) for _ in range(NUMBER_RANDOM_LETTERS))
    return f"GP{day:%Y%m%d}{letters}"


def create_order(session: Session, student: Student, enrolment: Enrolment, wish: Wish) -> Order:
    """Write a draft order and return it; its payment time runs from now. Flushes.

    Required services are added when they were not chosen. The caller has checked that enrolment
    and address are the student's and that the batch is open. Raises EnrolmentNotConfirmed,
    ServiceNotOffered, LayoutNotOffered, DeliveryNotOffered, AddressRequired, OrderExists.
    """
    batch = enrolment.batch
    if enrolment.confirmed_at is None:
        raise EnrolmentNotConfirmed()
    services = _chosen(batch, wish.services)
    has_prints = any(service.code == PRINTS for service in services)
    method = _delivery(batch, wish, has_prints)
    items = [priced_item(service, position) for position, service in enumerate(services)]
    order = Order(
        number=new_order_number(),
        kind=OrderKind.CAPTURE,
        school_id=batch.school_id,
        batch=batch,
        enrolment=enrolment,
        student=student,
        standard_id=batch.standard_id,
        items=items,
        amount_fen=sum(item.amount_fen for item in items),
        delivery_method=method,
        delivery_address=wish.address if method == DeliveryMethod.COURIER else None,
        layout=checked_layout(batch, wish.layout) if has_prints else None,
        remark=wish.remark,
        expires_at=datetime.now(UTC) + timedelta(minutes=batch.unpaid_minutes),
    )
    start(session, order)
    return order


def start(session: Session, order: Order) -> None:
    """Hand a new order to the engine. Raises OrderExists when the database knows a live one."""
    try:
        with session.begin_nested():
            process_engine().start(session, order)
    except IntegrityError as error:
        diagnosis = getattr(error.orig, "diag", None)
        if getattr(diagnosis, "constraint_name", None) == ONE_LIVE_ORDER:
            raise OrderExists() from None
        raise


def priced_item(service: BatchService, position: int = 0, quantity: int = 1) -> OrderItem:
    """Return one line with the batch's present price."""
    return OrderItem(
        service_code=service.code,
        name_zh=service.name_zh,
        name_en=service.name_en,
        quantity=quantity,
        unit_price_fen=service.price_fen,
        amount_fen=service.price_fen * quantity,
        position=position,
    )


def checked_layout(batch: Batch, layout: str | None) -> str | None:
    """Return the layout if the batch offers it, its first one if none was chosen.

    Raises LayoutNotOffered.
    """
    if layout is None:
        return next(iter(batch.layouts), None)
    if layout not in batch.layouts:
        raise LayoutNotOffered(", ".join(batch.layouts))
    return layout


def _chosen(batch: Batch, codes: Sequence[str]) -> list[BatchService]:
    known = {service.code for service in batch.services}
    if not set(codes) <= known:
        raise ServiceNotOffered()
    chosen = [s for s in batch.services if s.required or s.code in codes]
    if not chosen:
        raise ServiceNotOffered()
    return chosen


def _delivery(batch: Batch, wish: Wish, has_prints: bool) -> str:
    """Return how the order is delivered; prints asked for with `digital` wait at the school."""
    if wish.delivery_method not in batch.delivery_methods:
        raise DeliveryNotOffered(", ".join(batch.delivery_methods))
    if wish.delivery_method == DeliveryMethod.COURIER and wish.address is None:
        raise AddressRequired()
    if wish.delivery_method != DeliveryMethod.DIGITAL or not has_prints:
        return wish.delivery_method
    if DeliveryMethod.SCHOOL not in batch.delivery_methods:
        raise DeliveryNotOffered(DeliveryMethod.COURIER)
    return DeliveryMethod.SCHOOL
