"""Running one outbox row: claim, work, settle. Running it twice does it once."""

from __future__ import annotations

import logging
import time
import uuid
from datetime import UTC, datetime, timedelta

from redis.exceptions import RedisError
from rq.timeouts import BaseTimeoutException
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from backoffice.db import db
from backoffice.models import OutboxRow
from backoffice.payments.errors import PaymentProviderUnavailable
from backoffice.services import services
from backoffice.storage import StorageUnavailable
from backoffice.workflows.errors import OrderBusy
from worker import runtime
from worker.jobs.job import OUTSIDE_TRIES, EffectJob, Job, TryAgain, retry_delay
from worker.jobs.table import EFFECT_JOBS
from worker.leases import lease
from worker.logs import describe, error_code

OUTSIDE = (
    TryAgain,
    OrderBusy,
    StorageUnavailable,
    PaymentProviderUnavailable,
    OperationalError,
    RedisError,
)
log = logging.getLogger("worker.jobs")


class JobInterrupted(Exception):
    """The job could not even be settled (the database went away); the sweeper finds the row.

    Raised in place of the cause, whose text RQ would keep and log: it may hold a row's values.
    """


def run(outbox_id: str) -> None:
    """Work one outbox row. Nothing happens if it is done, or running in another process.

    Raises JobInterrupted.
    """
    with runtime.app().app_context():
        try:
            with lease(db.engine, uuid.UUID(outbox_id)) as held:
                if held:
                    _run_leased(uuid.UUID(outbox_id))
        except Exception as error:
            log.error("job id=%s interrupted %s", outbox_id, describe(error))
            raise JobInterrupted(error_code(error)) from None
        finally:
            db.session.remove()


def _run_leased(outbox_id: uuid.UUID) -> None:
    session = db.session()
    job = _claim(session, outbox_id)
    if job is None:
        return
    entry = EFFECT_JOBS.get(job.effect)
    if entry is None:
        _settle(session, job, "dead", error="unknown_effect")
        log.error("job effect=%s id=%s dead why=unknown_effect", job.effect, job.outbox_id)
        return
    if job.tries > max(entry.max_tries, OUTSIDE_TRIES):
        _give_up(session, job, entry, "worker_died")
        return
    _work(session, job, entry)


def _work(session: Session, job: Job, entry: EffectJob) -> None:
    started = time.monotonic()
    try:
        entry.handler(job)
        _settle(session, job, "done")
    except Exception as error:
        session.rollback()
        _failed(session, job, entry, error)
        return
    took = (time.monotonic() - started) * 1000
    log.info("job effect=%s id=%s done ms=%.0f", job.effect, job.outbox_id, took)


def _claim(session: Session, outbox_id: uuid.UUID) -> Job | None:
    """Count the try and commit, so that a job that kills its worker is not run for ever."""
    row = session.get(OutboxRow, outbox_id, with_for_update=True, populate_existing=True)
    if row is None or row.state != "published":
        session.rollback()
        return None
    row.tries += 1
    job = Job(row.id, row.effect, row.order_id, dict(row.payload), row.tries, session, services())
    session.commit()
    return job


def _settle(
    session: Session, job: Job, state: str, *, error: str | None = None, delay: float = 0.0
) -> None:
    """Write the row's new state and commit, together with what the handler left."""
    row = session.get_one(OutboxRow, job.outbox_id, with_for_update=True, populate_existing=True)
    now = datetime.now(UTC)
    row.state, row.last_error = state, error
    row.done_at = now if state == "done" else None
    if state == "waiting":
        row.published_at = None
        row.available_at = now + timedelta(seconds=delay)
    session.commit()


def _failed(session: Session, job: Job, entry: EffectJob, error: Exception) -> None:
    timed_out = isinstance(error, BaseTimeoutException)
    code = "job_timeout" if timed_out else _code(error)
    tries = OUTSIDE_TRIES if isinstance(error, OUTSIDE) else entry.max_tries
    last = job.tries >= tries or (timed_out and entry.give_up is not None)
    log.warning(
        "job effect=%s id=%s failed try=%d %s",
        job.effect, job.outbox_id, job.tries, describe(error),
    )  # fmt: skip
    if last:
        _give_up(session, job, entry, code)
    else:
        _settle(session, job, "waiting", error=code, delay=retry_delay(entry, job.tries))


def _give_up(session: Session, job: Job, entry: EffectJob, code: str) -> None:
    if entry.give_up is not None:
        entry.give_up(job, code)
    _settle(session, job, "dead", error=code)
    log.error("job effect=%s id=%s dead why=%s", job.effect, job.outbox_id, code)


def _code(error: Exception) -> str:
    return error.code if isinstance(error, TryAgain) else error_code(error)
