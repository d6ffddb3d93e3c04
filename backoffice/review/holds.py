"""What lies on one reviewer's desk, plain reviews and second opinions alike, in one statement each.

A token names either a lease or a held second opinion; the desk does not know which.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import UTC, datetime

from sqlalchemy import select, union_all
from sqlalchemy.orm import Session

from backoffice.review import leases, second_opinions


def extend(
    session: Session,
    staff_id: uuid.UUID,
    tokens: Collection[uuid.UUID],
    *,
    now: datetime | None = None,
) -> set[uuid.UUID]:
    """Count a sign of life for these tokens and return those that still hold."""
    if not tokens:
        return set()
    moment = now or datetime.now(UTC)
    kept = leases.extending(staff_id, tokens, moment).cte("leases")
    held = second_opinions.extending(staff_id, tokens, moment).cte("opinions")
    return set(session.scalars(union_all(select(kept.c.token), select(held.c.token))))


def give_back(
    session: Session,
    staff_id: uuid.UUID,
    outcome: str = "released",
    tokens: Collection[uuid.UUID] | None = None,
) -> None:
    """Let others have what this reviewer holds: these tokens, or the whole desk.

    outcome: `released` or `skipped`.
    """
    plain = leases.giving_up(staff_id, outcome, tokens).cte("leases")
    opinions = second_opinions.giving_up(staff_id, tokens).add_cte(plain)
    session.execute(opinions.execution_options(synchronize_session=False))
