"""Figures over the history of orders: how long they stay in each state."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Integer, extract, func, select
from sqlalchemy.orm import Session, aliased

from backoffice.models import Order, OrderEvent
from backoffice.workflows.definition import UNDO


@dataclass(frozen=True)
class ServiceTime:
    """How long orders of one workflow stayed in one state, over `count` finished stays, seconds."""

    workflow: str
    state: str
    count: int
    p50_seconds: float
    p95_seconds: float


def service_times(
    session: Session, batch_ids: Collection[uuid.UUID] | None = None, newest: int | None = None
) -> list[ServiceTime]:
    """Return median and 95th percentile of the stays in each state that have ended.

    batch_ids: the batches to look at; None looks at all. newest: look at so many orders only, the
    ones made last, so that a page costs the same after years. A stay begins when the order enters the
    state (the first one when it was made) and ends when it leaves it; events that stay in the same
    state do not end it, and a decision that was taken back never happened.
    """
    stay = _stays(batch_ids, newest).subquery()
    seconds = extract("epoch", stay.c.until - stay.c.since)
    query = (
        select(
            stay.c.workflow,
            stay.c.state,
            func.count(),
            func.percentile_cont(0.5).within_group(seconds),
            func.percentile_cont(0.95).within_group(seconds),
        )
        .group_by(stay.c.workflow, stay.c.state)
        .order_by(stay.c.workflow, stay.c.state)
    )
    return [
        ServiceTime(workflow, state, count, float(half), float(most))
        for workflow, state, count, half, most in session.execute(query)
    ]


def _stays(batch_ids: Collection[uuid.UUID] | None, newest: int | None) -> Any:
    """One row per finished stay: workflow, state, since, until."""
    event, undo = OrderEvent, aliased(OrderEvent)
    taken_back = (
        select(undo.id)
        .where(
            undo.order_id == event.order_id,
            undo.transition == UNDO,
            event.sequence.between(undo.data["undoes"].astext.cast(Integer), undo.sequence),
        )
        .exists()
    )
    orders = select(Order.id, Order.created_at)
    if batch_ids is not None:
        orders = orders.where(Order.batch_id.in_(batch_ids))
    if newest is not None:
        orders = orders.order_by(Order.id.desc()).limit(newest)  # ids of version 7 carry the time
    made = orders.subquery()
    entered = func.lag(event.at).over(partition_by=event.order_id, order_by=event.sequence)
    return (
        select(
            event.workflow,
            event.from_state.label("state"),
            func.coalesce(entered, made.c.created_at).label("since"),
            event.at.label("until"),
        )
        .join(made, made.c.id == event.order_id)
        .where(event.from_state != event.to_state, ~taken_back)
    )
