"""Throwing away what has done its work: dead tokens, answers kept for repetitions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, delete, select
from sqlalchemy.orm import Session

from backoffice.models import IdempotencyRecord, StudentToken

AT_ONCE = 5000
# A spent refresh token is kept until it would have died anyway, so that its reuse is noticed.
KEEP_DEAD_TOKENS = timedelta(days=1)


def purge_tokens(session: Session, now: datetime | None = None) -> int:
    """Delete tokens that died a day ago, at most AT_ONCE; return how many. The caller commits."""
    limit = (now or datetime.now(UTC)) - KEEP_DEAD_TOKENS
    return _delete(session, StudentToken, StudentToken.expires_at < limit)


def purge_answers(session: Session, hours: int, now: datetime | None = None) -> int:
    """Delete answers to Idempotency-Keys older than `hours`; return how many. The caller commits.

    From then on the same key is a new act.
    """
    limit = (now or datetime.now(UTC)) - timedelta(hours=hours)
    return _delete(session, IdempotencyRecord, IdempotencyRecord.created_at < limit)


def _delete(session: Session, table: type[StudentToken | IdempotencyRecord], condition: Any) -> int:
    """Delete a bounded number of rows; rows another purge holds are left to it."""
    chosen = select(table.id).where(condition).limit(AT_ONCE).with_for_update(skip_locked=True)
    done = session.execute(
        delete(table)
        .where(table.id.in_(chosen.scalar_subquery()))
        .execution_options(synchronize_session=False)
    )
    return cast("CursorResult[Any]", done).rowcount
