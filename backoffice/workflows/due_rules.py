"""When the timers of the order workflows are due, UTC."""

from __future__ import annotations

from datetime import datetime, timedelta

from backoffice.workflows.binding import Context, DueRule


def unpaid_until(context: Context) -> datetime | None:
    """A draft closes when its batch's payment time is over (30 minutes by default: DOMAIN 7)."""
    due: datetime | None = context.order.expires_at
    return due


def received_by_then(context: Context) -> datetime | None:
    """A parcel counts as received some days after shipping (batch policy)."""
    return context.now + timedelta(days=context.order.batch.auto_complete_days)


DUE_RULES: dict[str, DueRule] = {
    "unpaid_until": unpaid_until,
    "received_by_then": received_by_then,
}
