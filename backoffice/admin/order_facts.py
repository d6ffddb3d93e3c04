"""What the order page shows beside the order itself, read in a handful of queries."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from backoffice.admin.labels import word
from backoffice.db import db
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


@dataclass(frozen=True)
class TimelineEntry:
    """One event with the name of who did it."""

    event: OrderEvent
    who: str
    reasons: Sequence[RejectionReason]


@dataclass(frozen=True)
class OrderFacts:
    """Everything around one order."""

    photo: Photo | None
    photos: Sequence[Photo]
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
    """Return the order's events, newest first, with names and worded reasons."""
    events = _all(
        select(OrderEvent)
        .where(OrderEvent.order_id == order.id)
        .order_by(OrderEvent.sequence.desc())
    )
    names = _staff_names([e.actor_id for e in events if e.actor_kind == "staff" and e.actor_id])
    codes = {code for event in events for code in event.reasons}
    known = {
        reason.code: reason
        for reason in _all(select(RejectionReason).where(RejectionReason.code.in_(codes)))
    }
    return [
        TimelineEntry(
            event,
            names.get(event.actor_id or "", word("actor", event.actor_kind)),
            [known[code] for code in event.reasons if code in known],
        )
        for event in events
    ]


def _staff_names(ids: Sequence[str]) -> dict[str, str]:
    if not ids:
        return {}
    query = select(Staff.id, Staff.name).where(Staff.id.in_([uuid.UUID(i) for i in ids]))
    return {str(row.id): row.name for row in db.session.execute(query)}


def _all(query: Any) -> list[Any]:
    return list(db.session.scalars(query))
