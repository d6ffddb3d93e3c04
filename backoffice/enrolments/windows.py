"""Whether a batch takes students now."""

from __future__ import annotations

from datetime import UTC, datetime

from backoffice.enrolments.errors import BatchNotOpen
from backoffice.models import Batch
from backoffice.models.vocabulary import BatchState


def batch_phase(batch: Batch, now: datetime | None = None) -> str:
    """Return `draft`, `upcoming`, `open` or `closed`, as students see the batch."""
    moment = now or datetime.now(UTC)
    if batch.state == BatchState.DRAFT:
        return "draft"
    if batch.state != BatchState.OPEN or moment >= batch.closes_at:
        return "closed"
    return "open" if moment >= batch.opens_at else "upcoming"


def require_open(batch: Batch, now: datetime | None = None) -> None:
    """Raise BatchNotOpen unless the batch is within its window."""
    if batch_phase(batch, now) != "open":
        raise BatchNotOpen()
