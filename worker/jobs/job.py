"""What a job handler is given, and how it says that it must run again."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from backoffice.services import Services


@dataclass
class Job:
    """One claimed outbox row. `tries` counts this run.

    The handler may commit in between; what it leaves uncommitted is committed together with the
    row's `done`. It must be safe to run again from its beginning after any of its commits.
    """

    outbox_id: uuid.UUID
    effect: str
    order_id: uuid.UUID | None
    payload: dict[str, Any]
    tries: int
    session: Session
    services: Services


class TryAgain(Exception):
    """The outside world was not ready; the row waits and runs again. `code` has no personal data."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


@dataclass(frozen=True)
class EffectJob:
    """How one effect is worked: the handler, and what to do when its tries are used up.

    max_tries: runs that may fail by a fault of ours; outside trouble (storage, database, provider)
    always has OUTSIDE_TRIES.
    """

    handler: Callable[[Job], None]
    give_up: Callable[[Job, str], None] | None = None
    max_tries: int = 8
    first_delay_seconds: float = 2.0


OUTSIDE_TRIES = 8
DELAY_MAX_SECONDS = 3600.0


def retry_delay(entry: EffectJob, tries: int) -> float:
    """Seconds until the next try: doubling from the first delay, at most an hour."""
    return float(min(entry.first_delay_seconds * 2 ** max(0, tries - 1), DELAY_MAX_SECONDS))
