"""Files made for a batch in the background: asked for, watched, taken, and gone after a day.

A job is a row and an outbox row in one transaction. It may be run again from its beginning at any
time: the file lies under the job's own key.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import BinaryIO

import psycopg
from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from backoffice.batches.progress import Progress
from backoffice.db import uuid7
from backoffice.errors import BackofficeError
from backoffice.i18n import Text
from backoffice.models import Batch, BatchJob, OutboxRow, Staff
from backoffice.models.batch_life import BatchJobKind, BatchJobState
from backoffice.services import services
from backoffice.storage import ObjectMissing, Storage
from backoffice.workflows import timers

EFFECT = "batch.file"
EXPIRE = "batch.file_expire"
QUEUE = "imports"  # whose jobs may take a quarter of an hour and hold up nobody's messages
PART_BYTES = 16 << 20  # a package of pictures is too large to be sealed and sent in one piece
KEPT = timedelta(hours=24)
TELL_SECONDS = 0.5
PERSON_ERASED = "person_erased"
UNDER_WAY = (BatchJobState.WAITING, BatchJobState.RUNNING)


class FileBeingKept(BackofficeError):
    """A prepared file of a batch is being stored at this moment."""

    code = "file_being_kept"
    title = Text("文件正在保存", "A file is being stored")
    detail = Text(
        "该批次有文件正在生成并保存，请稍后再试。",
        "A file of this batch is just being stored; try again in a moment.",
    )


@dataclass(frozen=True)
class MadeFile:
    """What a job has made; `content` is read once, from where it stands."""

    name: str
    media_type: str
    content: BinaryIO


@dataclass(frozen=True)
class JobLine:
    """One job with who asked for it, and how fast it goes."""

    job: BatchJob
    who: str

    @property
    def per_second(self) -> float | None:
        """Pieces a second so far; None before there is anything to tell."""
        if self.job.started_at is None or not self.job.done:
            return None
        end = self.job.finished_at or datetime.now(UTC)
        seconds = (end - self.job.started_at).total_seconds()
        return self.job.done / seconds if seconds > 0 else None

    @property
    def seconds_left(self) -> float | None:
        """Seconds until it is ready, as fast as it went so far; None while nobody knows."""
        pace = self.per_second
        if pace is None or self.job.total is None or self.job.state != BatchJobState.RUNNING:
            return None
        return (self.job.total - self.job.done) / pace


def request_job(
    session: Session,
    batch: Batch,
    staff_id: uuid.UUID,
    kind: BatchJobKind,
    options: Mapping[str, str],
) -> BatchJob:
    """Write a job and its outbox row; the same wish while one is under way returns that one.

    Flushes, does not commit.
    """
    wish = json.dumps([str(batch.id), str(staff_id), kind, dict(options)], sort_keys=True)
    request = hashlib.sha256(wish.encode()).digest()
    job_id = session.scalar(
        insert(BatchJob)
        .values(
            id=uuid7(),
            batch_id=batch.id,
            staff_id=staff_id,
            kind=kind,
            options=dict(options),
            request=request,
        )
        .on_conflict_do_nothing(
            index_elements=["request"], index_where=text("state IN ('waiting','running')")
        )
        .returning(BatchJob.id)
    )
    if job_id is None:
        return session.scalars(
            select(BatchJob).where(BatchJob.request == request, BatchJob.state.in_(UNDER_WAY))
        ).one()
    session.add(
        OutboxRow(
            effect=EFFECT,
            queue=QUEUE,
            payload={"job_id": str(job_id)},
            dedupe_key=f"{EFFECT}/{job_id}",
        )
    )
    session.flush()
    return session.get_one(BatchJob, job_id)


def begin(session: Session, job_id: uuid.UUID) -> BatchJob | None:
    """Mark a job as running and commit; None when it is over or gone."""
    job = session.get(BatchJob, job_id, with_for_update=True, populate_existing=True)
    if job is None or job.state not in UNDER_WAY:
        session.rollback()
        return None
    job.state, job.done, job.total = BatchJobState.RUNNING, 0, None
    job.started_at = datetime.now(UTC)
    session.commit()
    return job


def teller(session: Session, job_id: uuid.UUID) -> Progress:
    """Return what writes a job's progress down, twice a second at most; it commits."""
    told = monotonic()

    def tell(done: int, total: int) -> None:
        nonlocal told
        if done < total and monotonic() - told < TELL_SECONDS:
            return
        told = monotonic()
        session.execute(
            update(BatchJob).where(BatchJob.id == job_id).values(done=done, total=total)
        )
        session.commit()

    return tell


def keep_file(session: Session, storage: Storage, job_id: uuid.UUID, made: MadeFile) -> None:
    """Store what was made, sealed, and mark the job ready. Flushes, does not commit."""
    job = session.get_one(BatchJob, job_id, with_for_update=True, populate_existing=True)
    if job.state != BatchJobState.RUNNING:
        return
    key, size, number = f"batches/{job.batch_id}/{job.id}", 0, 0
    while part := made.content.read(PART_BYTES):
        storage.put(_part_key(key, number), part, made.media_type)
        size, number = size + len(part), number + 1
    now = datetime.now(UTC)
    job.state, job.finished_at, job.storage_key = BatchJobState.READY, now, key
    job.file_name, job.file_bytes = made.name, size
    job.done = job.total = max(job.total or 1, 1)
    timers.arm(session, EXPIRE, job.id, now + KEPT)
    session.flush()


def read_file(storage: Storage, job: BatchJob) -> Iterator[bytes]:
    """Return the file of a ready job, piece by piece. Raises ObjectMissing before the first."""
    keys = _part_keys(job)
    if not all(storage.exists(key) for key in keys):
        raise ObjectMissing
    return map(storage.get, keys)


def _part_keys(job: BatchJob) -> list[str]:
    if job.storage_key is None or job.file_bytes is None:
        raise ObjectMissing
    parts = max(1, -(-job.file_bytes // PART_BYTES))
    return [_part_key(job.storage_key, number) for number in range(parts)]


def _part_key(key: str, number: int) -> str:
    return f"{key}.{number}" if number else key


def fail_job(session: Session, job_id: uuid.UUID, code: str) -> None:
    """Mark a job as failed for good; flushes."""
    job = session.get(BatchJob, job_id, with_for_update=True, populate_existing=True)
    if job is not None and job.state in UNDER_WAY:
        job.state, job.error, job.finished_at = BatchJobState.FAILED, code, datetime.now(UTC)
        session.flush()


def expire_file(session: Session, job_id: uuid.UUID, now: datetime) -> str:
    """Delete the file of a job whose day is over: a timer's action."""
    job = session.get(BatchJob, job_id, with_for_update=True, populate_existing=True)
    if job is None or job.storage_key is None:
        return "gone"
    for key in _part_keys(job):
        services().storage.delete(key)
    job.state, job.storage_key = BatchJobState.EXPIRED, None
    session.flush()
    return "deleted"


def forget_files(session: Session, batch_ids: Collection[uuid.UUID]) -> None:
    """Let the prepared files that may name a person of these batches go at once, by their timers.

    What is being made has read that person already and is given up; its staff ask again. Flushes.
    Raises FileBeingKept when one is just being stored.
    """
    try:
        jobs = _locked_files(session, batch_ids)
    except OperationalError as error:
        if isinstance(error.orig, psycopg.errors.LockNotAvailable):
            raise FileBeingKept() from error
        raise
    for job in jobs:
        if job.state == BatchJobState.READY:
            timers.arm(session, EXPIRE, job.id, datetime.now(UTC))
        elif job.state == BatchJobState.RUNNING:  # one that waits begins when this lock is gone
            fail_job(session, job.id, PERSON_ERASED)
    session.flush()


def _locked_files(session: Session, batch_ids: Collection[uuid.UUID]) -> Sequence[BatchJob]:
    return session.scalars(
        select(BatchJob)
        .where(
            BatchJob.batch_id.in_(batch_ids),
            BatchJob.kind != BatchJobKind.MINI_PROGRAM_CODE,
            BatchJob.state.in_((BatchJobState.READY, *UNDER_WAY)),
        )
        .order_by(BatchJob.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


def recent_jobs(
    session: Session,
    batch_id: uuid.UUID,
    kinds: Collection[BatchJobKind],
    options: Mapping[str, str] | None = None,
    limit: int = 6,
) -> list[JobLine]:
    """Return the newest jobs of a batch of some kinds, newest first; options: what they must say."""
    rows = session.execute(
        select(BatchJob, Staff.name)
        .join(Staff, Staff.id == BatchJob.staff_id)
        .where(
            BatchJob.batch_id == batch_id,
            BatchJob.kind.in_(kinds),
            BatchJob.options.contains(dict(options or {})),
        )
        .order_by(BatchJob.created_at.desc(), BatchJob.id.desc())
        .limit(limit)
    )
    return [JobLine(row.BatchJob, row.name) for row in rows]
