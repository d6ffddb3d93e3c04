"""One transition for many orders: a result for each, in chunks, resumable after any crash.

Orders are taken in id order, so two runs over the same orders never wait for each other in a
circle. One order that is refused, or even fails, never stops the rest.
"""

from __future__ import annotations

import logging
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.orm import Session

from backoffice.crypto import DecryptionFailed
from backoffice.db import uuid7
from backoffice.errors import BackofficeError
from backoffice.models import BulkItem, BulkRun, OutboxRow
from backoffice.workflows.actors import Actor
from backoffice.workflows.engine import Engine

CHUNK = 50
FAILED = "internal_error"  # the code of an order that failed by a fault of ours
# Such faults, and not every Exception: a job's time limit ends the job.
FAULTS = (
    SQLAlchemyError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    DecryptionFailed,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What became of one order: `code` says why it was refused, None when it moved."""

    order_id: uuid.UUID
    code: str | None

    @property
    def moved(self) -> bool:
        """True when the order moved (now, or under the same key before)."""
        return self.code is None


@dataclass(frozen=True)
class Progress:
    """How far a run is."""

    total: int
    moved: int
    refused: int

    @property
    def left(self) -> int:
        """Orders not tried yet."""
        return self.total - self.moved - self.refused


def fire_many(
    session: Session,
    engine: Engine,
    order_ids: Iterable[uuid.UUID],
    name: str,
    *,
    actor: Actor,
    data: Mapping[str, Any] | None = None,
    key: str | None = None,
) -> list[Outcome]:
    """Fire one transition for each order, each in its own savepoint; the caller commits.

    With `key`, an order that already moved under it counts as moved and does not move again.
    """
    outcomes = []
    for order_id in sorted(set(order_ids)):
        code = None
        try:
            with session.begin_nested():
                engine.fire(session, order_id, name, actor=actor, data=data, idempotency_key=key)
        except BackofficeError as error:
            code = error.code
        except FAULTS as error:
            if isinstance(error, DBAPIError) and error.connection_invalidated:
                raise
            log.error("order %s failed in bulk: %s", order_id, type(error).__name__)
            code = FAILED
        outcomes.append(Outcome(order_id, code))
    return outcomes


def start_run(
    session: Session,
    staff_id: uuid.UUID,
    name: str,
    order_ids: Iterable[uuid.UUID],
    data: Mapping[str, Any] | None = None,
    run_id: uuid.UUID | None = None,
) -> BulkRun:
    """Write a run and its items, and the outbox row of the job that carries it out. Flushes.

    run_id: asking twice with the same id (a form sent twice) starts one run and returns it.
    """
    run_id = run_id or uuid7()
    row = insert(BulkRun).values(
        id=run_id, staff_id=staff_id, transition=name, data=dict(data or {}), state="running"
    )
    started = session.scalar(
        row.on_conflict_do_nothing(index_elements=["id"]).returning(BulkRun.id)
    )
    run = session.get_one(BulkRun, run_id)
    if started is None:
        return run
    items = [{"run_id": run.id, "order_id": order_id} for order_id in sorted(set(order_ids))]
    if items:
        session.execute(insert(BulkItem), items)
    session.add(
        OutboxRow(effect="bulk.run", payload={"run_id": str(run.id)}, dedupe_key=f"bulk/{run.id}")
    )
    session.flush()
    return run


def run_chunk(session: Session, engine: Engine, run_id: uuid.UUID, actor: Actor) -> Progress:
    """Try the next orders of a run and return how far it is; the caller commits after each chunk.

    A crash before the commit repeats the chunk; the idempotency key keeps orders from moving twice.
    """
    run = session.get_one(BulkRun, run_id, with_for_update=True, populate_existing=True)
    items = session.scalars(
        select(BulkItem)
        .where(BulkItem.run_id == run.id, BulkItem.outcome.is_(None))
        .order_by(BulkItem.order_id)
        .limit(CHUNK)
    ).all()
    by_order = {item.order_id: item for item in items}
    for outcome in fire_many(
        session, engine, by_order, run.transition, actor=actor, data=run.data, key=f"bulk/{run.id}"
    ):
        item = by_order[outcome.order_id]
        item.outcome, item.code = ("moved" if outcome.moved else "refused"), outcome.code
    session.flush()
    found = progress(session, run.id)
    if found.left == 0 and run.state == "running":
        run.state, run.finished_at = "finished", session.scalar(select(func.now()))
        session.flush()
    return found


def progress(session: Session, run_id: uuid.UUID) -> Progress:
    """Return how far a run is."""
    return progress_of(session, [run_id])[run_id]


def progress_of(session: Session, run_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Progress]:
    """Return how far each of several runs is, in one query."""
    ids = list(run_ids)
    counts: dict[uuid.UUID, Counter[str | None]] = {run_id: Counter() for run_id in ids}
    rows = session.execute(
        select(BulkItem.run_id, BulkItem.outcome, func.count())
        .where(BulkItem.run_id.in_(ids))
        .group_by(BulkItem.run_id, BulkItem.outcome)
    )
    for run_id, outcome, count in rows:
        counts[run_id][outcome] = count
    return {
        run_id: Progress(sum(count.values()), count["moved"], count["refused"])
        for run_id, count in counts.items()
    }
