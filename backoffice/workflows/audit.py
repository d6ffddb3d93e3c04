"""Checking the event chains: what was written is what is there."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from backoffice.models import Order, OrderEvent
from backoffice.workflows.events import event_hash, note_digest


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
    """Return the first break in the chain of `order`, or None."""
    events = session.scalars(
        select(OrderEvent).where(OrderEvent.order_id == order.id).order_by(OrderEvent.sequence)
    )
    return verify_chain(order, events)
