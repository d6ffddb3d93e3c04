"""How far an import is, kept where every process sees it at once."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Engine
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backoffice.models.roster import RosterProgress

EVERY_SECONDS = 0.4


class ProgressRow:
    """Writes the progress of one import, each time in a transaction of its own.

    The import itself is one transaction whose rows nobody sees before its end.
    """

    def __init__(self, engine: Engine, import_id: uuid.UUID) -> None:
        self._engine, self._import_id = engine, import_id
        self._stage, self._written_at = "", 0.0

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Write where the import is: at a new stage at once, else a few times a second."""
        moment = time.monotonic()
        if stage == self._stage and moment - self._written_at < EVERY_SECONDS:
            return
        now = datetime.now(UTC)
        values = {"stage": stage, "done": done, "total": total, "updated_at": now}
        if stage != self._stage:
            values["stage_started_at"] = now
        statement = insert(RosterProgress).values(
            import_id=self._import_id, **{"stage_started_at": now, **values}
        )
        with self._engine.begin() as connection:
            connection.execute(
                statement.on_conflict_do_update(index_elements=["import_id"], set_=values)
            )
        self._stage, self._written_at = stage, moment


@dataclass(frozen=True)
class Progress:
    """What a page shows. rate: rows per second; remaining_seconds: of this stage."""

    stage: str
    done: int
    total: int
    rate: float | None
    remaining_seconds: float | None

    @property
    def percent(self) -> int | None:
        """How much of the stage is done; None where it cannot be told."""
        return min(100, 100 * self.done // self.total) if self.total and self.done else None


def progress_of(session: Session, import_id: uuid.UUID) -> Progress | None:
    """Return how far an import is; None before its first step."""
    row = session.get(RosterProgress, import_id)
    if row is None:
        return None
    took = (row.updated_at - row.stage_started_at).total_seconds()
    rate = row.done / took if row.done and took > 0 else None
    left = (row.total - row.done) / rate if rate else None
    return Progress(row.stage, row.done, row.total, rate, left)
