"""The record of a batch: who did what to it and when, old and new value of every field."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from backoffice.batches.plans import BatchPlan
from backoffice.models import Batch, BatchChange, Staff
from backoffice.models.batch_life import BatchAction, ChangeSource

Change = dict[str, Any]
PLAIN = (
    "name",
    "kind",
    "mode",
    "roster_mode",
    "legal_basis",
    "standard",
    "reject_policy",
    "opens_at",
    "closes_at",
    "delivery_methods",
    "layouts",
    "requires_capture_code",
    "allow_album",
    "allow_unlisted",
    "unpaid_minutes",
    "max_attempts",
)


@dataclass(frozen=True)
class Author:
    """Who changes a batch: a member of staff, a command, or a timer."""

    source: str
    staff_id: uuid.UUID | None = None


COMMAND, TIMER = Author(ChangeSource.COMMAND), Author(ChangeSource.TIMER)


def by_staff(staff_id: uuid.UUID) -> Author:
    """Return the author of what this member of staff does."""
    return Author(ChangeSource.STAFF, staff_id)


def differences(old: BatchPlan | None, new: BatchPlan) -> list[Change]:
    """Return field, old and new value of everything that differs; None as `old` gives all."""
    before, after = _flat(old) if old else {}, _flat(new)
    names = [*after, *(name for name in before if name not in after)]
    return [
        {"field": name, "old": before.get(name), "new": after.get(name)}
        for name in names
        if before.get(name) != after.get(name)
    ]


def _flat(plan: BatchPlan) -> dict[str, Any]:
    """Return a plan as plain values; a service becomes `price:code`, `name:code`, `required:code`."""
    flat = {name: _plain(getattr(plan, name)) for name in PLAIN}
    for service in plan.services:
        flat[f"name:{service.code}"] = service.name.zh
        flat[f"name_en:{service.code}"] = service.name.en
        flat[f"price:{service.code}"] = service.price_fen
        flat[f"required:{service.code}"] = service.required
    return flat


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds")
    if isinstance(value, (list, tuple)):
        return sorted(value)
    return value


def record_change(
    session: Session,
    batch: Batch,
    action: BatchAction,
    author: Author,
    changes: Sequence[Change] = (),
) -> None:
    """Add one row to the batch's record; flushes."""
    session.add(
        BatchChange(
            batch_id=batch.id,
            action=action,
            source=author.source,
            staff_id=author.staff_id,
            changes=list(changes),
        )
    )
    session.flush()


@dataclass(frozen=True)
class Line:
    """One row of the record with the name of who did it; None for commands and timers."""

    change: BatchChange
    who: str | None


def history(session: Session, batch_id: uuid.UUID, limit: int = 50) -> list[Line]:
    """Return the newest rows of the record, newest first."""
    rows = session.execute(
        select(BatchChange, Staff.name)
        .outerjoin(Staff, Staff.id == BatchChange.staff_id)
        .where(BatchChange.batch_id == batch_id)
        .order_by(BatchChange.created_at.desc(), BatchChange.id.desc())
        .limit(limit)
    )
    return [Line(row.BatchChange, row.name) for row in rows]
