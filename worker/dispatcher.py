"""Carries waiting outbox rows into the queues.

The backlog stays in PostgreSQL: a queue is kept short, so a lost Valkey loses little and the
sweeper puts it back quickly.
"""

from __future__ import annotations

import logging
import uuid
from datetime import UTC, datetime, timedelta

import redis
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from backoffice.models import OutboxRow
from backoffice.settings import Settings
from worker import queues
from worker.leases import nobody_runs

QUEUE_LENGTH = 200  # jobs waiting in Valkey at most, per queue
POLL_SECONDS = 0.2
log = logging.getLogger("worker.dispatcher")


def job_seconds(name: str, settings: Settings) -> int:
    """Return the time limit of a queue's jobs."""
    if name == queues.DOCUMENTS:
        return queues.DOCUMENT_SECONDS
    if name == queues.IMPORTS:
        return queues.IMPORT_SECONDS
    return settings.photo_job_seconds if name == queues.PHOTOS else queues.JOB_SECONDS


def publish_waiting(session: Session, client: redis.Redis, settings: Settings) -> int:
    """Publish what is due, as far as the queues have room; return how many. Commits.

    Any number of dispatchers may run: SKIP LOCKED shares the rows. Marked first, enqueued second:
    a crash in between leaves a published row without a job, which the sweeper finds.
    Raises redis.ConnectionError with the rows put back to waiting.
    """
    published = 0
    for name in queues.QUEUES:
        room = QUEUE_LENGTH - queues.depth(name, client)
        if room <= 0:
            continue
        ids = _claim(session, name, room)
        if not ids:
            continue
        try:
            queues.enqueue(name, [str(i) for i in ids], client, job_seconds(name, settings))
        except redis.RedisError:
            _put_back(session, ids)
            raise
        published += len(ids)
    return published


def _claim(session: Session, name: str, room: int) -> list[uuid.UUID]:
    due = (
        select(OutboxRow.id)
        .where(
            OutboxRow.state == "waiting",
            OutboxRow.available_at <= datetime.now(UTC),
            OutboxRow.queue == name,
        )
        .order_by(OutboxRow.available_at)
        .limit(room)
        .with_for_update(skip_locked=True)
    )
    rows = session.scalars(
        update(OutboxRow)
        .where(OutboxRow.id.in_(due.scalar_subquery()))
        .values(state="published", published_at=datetime.now(UTC))
        .returning(OutboxRow.id)
        .execution_options(synchronize_session=False)
    ).all()
    session.commit()
    return sorted(rows)


def _put_back(session: Session, ids: list[uuid.UUID]) -> None:
    session.execute(
        update(OutboxRow)
        .where(OutboxRow.id.in_(ids), OutboxRow.state == "published")
        .values(state="waiting", published_at=None)
        .execution_options(synchronize_session=False)
    )
    session.commit()


def sweep(session: Session, client: redis.Redis, grace_seconds: float, limit: int = 500) -> int:
    """Put back published rows that neither wait in a queue nor run; return how many. Commits.

    Those whose worker was killed, and those a Valkey without its data has forgotten. Rows younger
    than `grace_seconds` are left alone: they may be on their way between queue and worker.
    """
    before = datetime.now(UTC) - timedelta(seconds=grace_seconds)
    old = (
        select(OutboxRow)
        .where(OutboxRow.state == "published", OutboxRow.published_at <= before)
        .order_by(OutboxRow.published_at)
        .limit(limit)
    )
    any_old = session.scalars(old.limit(1)).first() is not None
    session.commit()
    if not any_old:
        return 0
    # Valkey is asked without a lock or a transaction. Asked first, it is as good as asked second:
    # rows that old are not on their way into a queue, and one that left it meanwhile is running.
    in_queue = queues.waiting_ids(client)
    swept = 0
    for row in session.scalars(old.with_for_update(skip_locked=True)).all():
        if str(row.id) not in in_queue and nobody_runs(session, row.id):
            row.state, row.published_at = "waiting", None
            row.available_at = datetime.now(UTC)
            swept += 1
    session.commit()
    if swept:
        log.warning("outbox rows=%d put back: their worker or queue entry was gone", swept)
    return swept
