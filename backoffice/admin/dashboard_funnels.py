"""How the open batches stand: from the roster to the approved picture, one small chart each."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup
from sqlalchemy import func, select

from backoffice.admin.charts import Bar, bars
from backoffice.admin.keeping import kept
from backoffice.admin.language import t
from backoffice.admin.people import own_school
from backoffice.db import db
from backoffice.models import Batch, Enrolment, Order
from backoffice.models.vocabulary import BatchState, OrderKind, OrderState
from backoffice.security.tenancy import visible

SHOWN = 6
APPROVED = (OrderState.APPROVED, OrderState.PROCESSING, OrderState.SHIPPED, OrderState.COMPLETED)
SUBMITTED = (OrderState.PENDING_REVIEW, OrderState.REJECTED, *APPROVED)
PAID = (OrderState.PAID, *SUBMITTED)
ORDERED = (OrderState.DRAFT, *PAID)


@dataclass(frozen=True)
class Funnel:
    """One batch and its chart."""

    batch: Batch
    chart: Markup


def funnels() -> Sequence[Funnel]:
    """Return the newest open batches this member may see, in three queries."""
    batches = list(
        db.session.scalars(
            select(Batch)
            .where(Batch.state == BatchState.OPEN, visible(Batch, own_school()))
            .order_by(Batch.created_at.desc())
            .limit(SHOWN)
        )
    )
    ids = [batch.id for batch in batches]
    enrolled = kept("enrolled", lambda: _enrolled(ids), *ids)
    states = kept("batches", lambda: _by_state(ids), *ids)
    return [Funnel(b, _chart(b, enrolled.get(b.id, 0), states.get(b.id, {}))) for b in batches]


def steps_of(states: Mapping[str, int]) -> list[int]:
    """Return how many came at least as far as: ordered, paid, submitted, approved.

    Closed and refunded orders have left the funnel.
    """
    return [
        sum(states.get(s, 0) for s in reached) for reached in (ORDERED, PAID, SUBMITTED, APPROVED)
    ]


def _chart(batch: Batch, enrolled: int, states: Mapping[str, int]) -> Markup:
    ordered, paid, submitted, approved = steps_of(states)
    steps = (
        (t("名单", "Roster"), enrolled, "neutral"),
        (t("已下单", "Ordered"), ordered, "waiting"),
        (t("已付款", "Paid"), paid, "waiting"),
        (t("已提交", "Sent in"), submitted, "working"),
        (t("已通过", "Approved"), approved, "good"),
    )
    rows = [Bar(label, number, _said(number, enrolled), tone) for label, number, tone in steps]
    return bars(
        t(f"{batch.name}：从名单到通过", f"{batch.name}: roster to approval"), rows, narrow=True
    )


def _said(number: int, enrolled: int) -> str:
    share = f" · {number / enrolled:.0%}" if enrolled else ""
    return f"{number:,}{share}"


def _enrolled(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, int]:
    query = (
        select(Enrolment.batch_id, func.count())
        .where(Enrolment.batch_id.in_(ids))
        .group_by(Enrolment.batch_id)
    )
    return {row[0]: int(row[1]) for row in db.session.execute(query)}


def _by_state(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, dict[str, int]]:
    query = (
        select(Order.batch_id, Order.state, func.count())
        .where(Order.batch_id.in_(ids), Order.kind == OrderKind.CAPTURE)
        .group_by(Order.batch_id, Order.state)
    )
    found: dict[uuid.UUID, dict[str, int]] = {}
    for batch_id, state, number in db.session.execute(query):
        found.setdefault(batch_id, {})[state] = int(number)
    return found
