"""The numbers behind the dashboard: bounded in time or number, and kept for a minute.

So the first page opens at once after years of orders, whoever opens it.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import redis
from sqlalchemy import ColumnElement, case, func, select

from backoffice.admin.keeping import kept
from backoffice.admin.language import zone
from backoffice.admin.people import own_school
from backoffice.db import db
from backoffice.models import Order, OrderEvent, OutboxRow, Payment, Refund
from backoffice.security.tenancy import visible
from backoffice.services import services

HOURS, DAYS, REASON_DAYS = 24, 14, 30
NEWEST_REJECTIONS = 5_000  # the newest tell what is going wrong; more only cost time
AGES = (1, 4, 24, 72)  # hours: the borders of the queue's ages


def orders_by_state() -> dict[str, int]:
    """Return the number of visible orders in each state."""

    def read() -> dict[str, int]:
        query = select(Order.state, func.count()).where(visible(Order, own_school()))
        return {str(r[0]): int(r[1]) for r in db.session.execute(query.group_by(Order.state))}

    return kept("states", read)


def per_hour() -> tuple[list[datetime], list[int], list[int]]:
    """Return the last hours, photos that came in each, and decisions made in each."""
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    hours = [now - timedelta(hours=HOURS - 1 - n) for n in range(HOURS)]

    def read() -> dict[tuple[str, datetime], int]:
        hour = func.date_trunc("hour", OrderEvent.at)
        query = (
            select(OrderEvent.transition, hour, func.count())
            .where(
                OrderEvent.transition.in_(("submit", "approve", "reject")),
                OrderEvent.at >= hours[0],
                visible(OrderEvent, own_school()),
            )
            .group_by(OrderEvent.transition, hour)
        )
        return {(r[0], r[1].astimezone(UTC)): int(r[2]) for r in db.session.execute(query)}

    found = kept("hours", read)
    arrived = [found.get(("submit", hour), 0) for hour in hours]
    decided = [found.get(("approve", h), 0) + found.get(("reject", h), 0) for h in hours]
    return hours, arrived, decided


def ages_of_queue() -> list[int]:
    """Return how many photos have waited for up to 1, 4, 24, 72 hours, and longer."""

    def read() -> list[int]:
        now = datetime.now(UTC)
        since = func.coalesce(Order.entered_at, Order.created_at)
        place = case(
            *((since > now - timedelta(hours=age), n) for n, age in enumerate(AGES)),
            else_=len(AGES),
        )
        query = select(place, func.count()).where(
            Order.state == "pending_review", visible(Order, own_school())
        )
        found = {int(r[0]): int(r[1]) for r in db.session.execute(query.group_by(place))}
        return [found.get(n, 0) for n in range(len(AGES) + 1)]

    return kept("ages", read)


def rejection_reasons() -> list[tuple[str, int]]:
    """Return the commonest reasons of the newest rejections of the last month."""

    def read() -> list[tuple[str, int]]:
        newest = (
            select(OrderEvent.reasons)
            .where(
                OrderEvent.transition == "reject",
                OrderEvent.at >= datetime.now(UTC) - timedelta(days=REASON_DAYS),
                visible(OrderEvent, own_school()),
            )
            .order_by(OrderEvent.at.desc())
            .limit(NEWEST_REJECTIONS)
            .subquery()
        )
        code = func.unnest(newest.c.reasons).label("code")
        each = select(code).subquery()
        query = select(each.c.code, func.count()).group_by(each.c.code)
        rows = db.session.execute(query.order_by(func.count().desc(), each.c.code).limit(8))
        return [(str(r[0]), int(r[1])) for r in rows]

    return kept("reasons", read)


def money_per_day() -> tuple[list[datetime], list[float], list[float]]:
    """Return the last days (local), yuan received and yuan refunded on each."""
    today = datetime.now(zone()).replace(hour=0, minute=0, second=0, microsecond=0)
    days = [today - timedelta(days=DAYS - 1 - n) for n in range(DAYS)]

    def read() -> tuple[list[float], list[float]]:
        paid = _by_day(Payment, Payment.paid_at, Payment.status == "succeeded", days)
        back = _by_day(Refund, Refund.settled_at, Refund.status == "succeeded", days)
        return paid, back

    paid, back = kept("money", read, days[0].date())
    return days, paid, back


def _by_day(
    model: Any, at: Any, condition: ColumnElement[bool], days: Sequence[datetime]
) -> list[float]:
    day = func.date_trunc("day", func.timezone(services().settings.timezone, at))
    query = select(day, func.sum(model.amount_fen)).where(
        condition, at.is_not(None), at >= days[0], visible(model, own_school())
    )
    found = {r[0].date(): int(r[1]) / 100 for r in db.session.execute(query.group_by(day))}
    return [found.get(d.date(), 0.0) for d in days]


@dataclass(frozen=True)
class Health:
    """How the background work stands. workers: None when Valkey does not answer."""

    waiting: int
    published: int
    dead: int
    oldest: datetime | None
    workers: int | None


def health() -> Health:
    """Return the state of the outbox and how many worker processes are there."""

    def read() -> Health:
        counts = {
            state: db.session.scalar(
                select(func.count()).select_from(OutboxRow).where(OutboxRow.state == state)
            )
            or 0
            for state in ("waiting", "published", "dead")
        }
        oldest = db.session.scalar(
            select(func.min(OutboxRow.available_at)).where(OutboxRow.state == "waiting")
        )
        return Health(counts["waiting"], counts["published"], counts["dead"], oldest, _workers())

    return kept("health", read)


def _workers() -> int | None:
    try:
        return int(services().redis.scard("rq:workers"))
    except redis.RedisError:
        return None


def count_of(name: str, query: Any, *more: uuid.UUID) -> int:
    """Return a count that may be a minute old."""
    return kept(name, lambda: int(db.session.scalar(query) or 0), *more)
