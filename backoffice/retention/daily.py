"""What retention does once a day, as one job: however many schedulers run, or start again."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backoffice.db import uuid7
from backoffice.models import OutboxRow

EFFECT = "retention.daily"


def ask_daily(session: Session, now: datetime | None = None) -> None:
    """Write today's outbox row unless it is there (days of UTC). The caller commits."""
    day = (now or datetime.now(UTC)).date().isoformat()
    session.execute(
        insert(OutboxRow)
        .values(id=uuid7(), effect=EFFECT, payload={}, dedupe_key=f"{EFFECT}/{day}")
        .on_conflict_do_nothing(index_elements=["dedupe_key"])
    )
