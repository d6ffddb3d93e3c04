"""What the order page shows beside the order itself, read in a handful of queries."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from backoffice.admin.labels import word
from backoffice.admin.photo_making import making_of
from backoffice.db import db
from backoffice.i18n import Text
from backoffice.models import (
    Message,
    Order,
    OrderEvent,
    Payment,
    Photo,
    Refund,
    RejectionReason,
    Shipment,
    Staff,
)
from backoffice.services import services
from backoffice.workflows.definition import State


@dataclass(frozen=True)
class TimelineEntry:
    """One event: who, when, and how long the order then stayed as it was.

    event: None for the ordering itself. source: None where there was no state before.
    seconds: until the next event, or until now when `running`; None behind a final state.
    """

    event: OrderEvent | None
    at: datetime
    who: str
    source: State | None
    target: State
    reasons: Sequence[RejectionReason]
    seconds: float | None
    running: bool


@dataclass(frozen=True)
class OrderFacts:
    """Everything around one order."""

    photo: Photo | None
    photos: Sequence[Photo]
    making: Sequence[tuple[Text, Text]]
    timeline: Sequence[TimelineEntry]
    payments: Sequence[Payment]
    refunds: Sequence[Refund]
    shipment: Shipment | None
    messages: Sequence[Message]


def facts_of(order: Order) -> OrderFacts:
    """Read the order's surroundings; newest attempts and events first."""
    photos = _all(select(Photo).where(Photo.order_id == order.id).order_by(Photo.attempt.desc()))
    shown = next((p for p in photos if p.id == order.photo_id), photos[0] if photos else None)
    return OrderFacts(
        photo=shown,
        photos=photos,
        making=making_of(shown),
        timeline=timeline_of(order),
        payments=_all(select(Payment).where(Payment.order_id == order.id)),
        refunds=_all(select(Refund).where(Refund.order_id == order.id)),
        shipment=db.session.scalars(
            select(Shipment).where(Shipment.order_id == order.id)
        ).one_or_none(),
        messages=_all(
            select(Message).where(Message.order_id == order.id).order_by(Message.created_at)
        ),
    )


def timeline_of(order: Order) -> list[TimelineEntry]:
    """Return the order's events, newest first, with names, worded reasons and durations."""
    events = _all(
        select(OrderEvent).where(OrderEvent.order_id == order.id).order_by(OrderEvent.sequence)
    )
    names = _staff_names([e.actor_id for e in events if e.actor_kind == "staff" and e.actor_id])
    codes = {code for event in events for code in event.reasons}
    known = {
        reason.code: reason
        for reason in _all(select(RejectionReason).where(RejectionReason.code.in_(codes)))
    }
    ends = [*(event.at for event in events), None]
    entries = [_ordered(order, events[0].from_state if events else order.state, ends[0])]
    for event, end in zip(events, ends[1:], strict=True):
        states = _states_of(event.workflow, event.workflow_version)
        target = states[event.to_state]
        entries.append(
            TimelineEntry(
                event,
                event.at,
                names.get(event.actor_id or "", word("actor", event.actor_kind)),
                # an event that adopts a version may come from a state this version does not have
                states.get(event.from_state),
                target,
                [known[code] for code in event.reasons if code in known],
                _seconds(event.at, end, target),
                end is None and not target.terminal,
            )
        )
    return entries[::-1]


def _ordered(order: Order, state: str, end: datetime | None) -> TimelineEntry:
    first = _states_of(order.workflow, order.workflow_version)[state]
    at = order.created_at
    who = word("actor", "student")
    return TimelineEntry(None, at, who, None, first, [], _seconds(at, end, first), end is None)


def _states_of(workflow: str, version: int) -> dict[str, State]:
    return services().engine.binding.definitions[(workflow, version)].states_by_name


def _seconds(since: datetime, end: datetime | None, state: State) -> float | None:
    if end is None and state.terminal:
        return None
    return max(0.0, ((end or datetime.now(UTC)) - since).total_seconds())


def _staff_names(ids: Sequence[str]) -> dict[str, str]:
    if not ids:
        return {}
    query = select(Staff.id, Staff.name).where(Staff.id.in_([uuid.UUID(i) for i in ids]))
    return {str(row.id): row.name for row in db.session.execute(query)}


def _all(query: Any) -> list[Any]:
    return list(db.session.scalars(query))
