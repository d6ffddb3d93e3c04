"""Checking the event chains: what was written is what is there."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from sqlalchemy import select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, defer

from backoffice.crypto import DecryptionFailed
from backoffice.models import Order, OrderEvent
from backoffice.workflows.events import event_hash, note_digest

CHUNK = 500
UNREADABLE = "it cannot be read"
log = logging.getLogger(__name__)
_UNREADABLE = (DecryptionFailed, SQLAlchemyError, ValueError, TypeError, AttributeError)


@dataclass(frozen=True)
class BrokenChain:
    """The first event of an order that does not fit, and why."""

    order_id: uuid.UUID
    sequence: int
    why: str


def verify_chain(order: Order, events: Iterable[OrderEvent]) -> BrokenChain | None:
    """Return the first break in one order's chain, or None if it is whole.

    Checks numbering, hashes, notes, that each event starts where the one before ended, and that
    the order stands where its last event left it.
    """
    previous: OrderEvent | None = None
    for expected, event in enumerate(events, start=1):
        why = _flaw(event, previous, expected)
        if why:
            return BrokenChain(order.id, event.sequence, why)
        previous = event
    last, state = (previous.sequence, previous.to_state) if previous else (0, "draft")
    if order.version != last:
        return BrokenChain(order.id, last, "the order's version is not its last event's")
    if order.last_hash != (previous.hash if previous else None):
        return BrokenChain(order.id, last, "the order's head is not its last event's hash")
    if order.state != state:
        return BrokenChain(order.id, last, "the order's state is not where its last event led")
    return None


def _flaw(event: OrderEvent, previous: OrderEvent | None, expected: int) -> str | None:
    flaws = {
        "an event is missing": event.sequence != expected,
        "it does not start where the one before ended": event.from_state
        != (previous.to_state if previous else "draft"),
        "the previous hash differs": event.previous_hash != (previous.hash if previous else None),
        "the note was altered": event.note is not None
        and event.note_digest != note_digest(event.order_id, event.sequence, event.note),
        "the hash does not fit the content": event.hash != event_hash(event),
    }
    return next((why for why, wrong in flaws.items() if wrong), None)


def verify_order(session: Session, order: Order) -> BrokenChain | None:
    """Return the first break in the chain of `order`, or None.

    An event that cannot even be read (a note that does not open, a value no reader takes) is a
    break as well, named like the others.
    """
    events = select(OrderEvent).where(OrderEvent.order_id == order.id).order_by(OrderEvent.sequence)
    try:
        with session.begin_nested():
            return verify_chain(order, session.scalars(events).all())
    except _UNREADABLE:
        return BrokenChain(order.id, _first_unreadable(session, order), UNREADABLE)


def verify_all(session: Session) -> Iterator[BrokenChain | None]:
    """Yield what `verify_order` says of every order, by id, all as of one moment.

    Begins the transaction itself: one snapshot, so an order that moves meanwhile is not taken for
    a broken one; nothing is locked and nothing written. A break is one log line.
    """
    session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
    after = uuid.UUID(int=0)
    while orders := session.scalars(
        select(Order)
        .where(Order.id > after)
        .order_by(Order.id)
        .limit(CHUNK)
        .options(defer(Order.delivery_address), defer(Order.remark))
    ).all():
        after = orders[-1].id
        for broken in _verify(session, orders):
            if broken:
                log.error(
                    "chain broken order=%s event=%d: %s",
                    broken.order_id, broken.sequence, broken.why,
                )  # fmt: skip
            yield broken
        session.expunge_all()


def _verify(session: Session, orders: Sequence[Order]) -> list[BrokenChain | None]:
    """Return what each order's chain looks like; all events are read at once if they can be."""
    query = (
        select(OrderEvent)
        .where(OrderEvent.order_id.in_([order.id for order in orders]))
        .order_by(OrderEvent.order_id, OrderEvent.sequence)
    )
    try:
        with session.begin_nested():
            found = groupby(session.scalars(query), key=lambda event: event.order_id)
            chains = {order_id: list(events) for order_id, events in found}
        return [verify_chain(order, chains.get(order.id, ())) for order in orders]
    except _UNREADABLE:
        return [verify_order(session, order) for order in orders]


def _first_unreadable(session: Session, order: Order) -> int:
    numbers = select(OrderEvent.sequence).where(OrderEvent.order_id == order.id)
    for number in session.scalars(numbers.order_by(OrderEvent.sequence)).all():
        event = select(OrderEvent).where(
            OrderEvent.order_id == order.id, OrderEvent.sequence == number
        )
        try:
            with session.begin_nested():
                event_hash(session.scalars(event).one())
        except _UNREADABLE:
            return number
    return order.version
