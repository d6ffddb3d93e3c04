"""The jobs that follow transitions, by name; `worker/jobs` holds what each does.

A name here is written into the outbox; its row carries ids only.
"""

from __future__ import annotations

from backoffice.workflows.binding import Context, Effect
from backoffice.workflows.guards import settled_money

REFUND_RETRY_FIRST_SECONDS = 60
REFUND_RETRY_MAX_SECONDS = 6 * 3600


def _refund_retry_delay(context: Context) -> float:
    """Seconds before a failed refund is tried again: 1, 2, 4 … minutes, at most six hours."""
    refund = settled_money(context).refund
    assert refund is not None, "the guard refund_failed holds"
    doubled = REFUND_RETRY_FIRST_SECONDS * 2 ** max(0, refund.tries - 1)
    return float(min(doubled, REFUND_RETRY_MAX_SECONDS))


def build_effects(undo_seconds: int = 0) -> dict[str, Effect]:
    """Return every effect. `undo_seconds` holds back what a reviewer may still take back."""

    def undo(_: Context) -> float:
        return float(undo_seconds)

    return {
        "notify.paid": Effect(),
        "notify.approved": Effect(delay=undo),
        "notify.rejected": Effect(delay=undo),
        "notify.shipped": Effect(),
        "notify.refunded": Effect(),
        "refund.send": Effect(delay=undo),
        "refund.retry": Effect(delay=_refund_retry_delay),
    }
