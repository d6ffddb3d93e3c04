"""The process that takes jobs from a queue: RQ's SimpleWorker, one job at a time, no fork.

No fork: the models stay warm, and nothing inherits database connections.
"""

from __future__ import annotations

import faulthandler
import logging
import signal
import sys
import time
from typing import Any

import redis
from redis import Redis
from rq import SimpleWorker
from rq.job import Job as RqJob
from rq.queue import Queue
from rq.serializers import JSONSerializer

from backoffice.settings import Settings
from worker import queues
from worker.dispatcher import job_seconds

RECYCLE_AFTER_JOBS = 500  # memory that native libraries do not give back ends with the process
HANG_GRACE_SECONDS = 20
WAIT_MAX_SECONDS = 10.0
RESTART_SECONDS = 0.5
log = logging.getLogger("worker.rq")


class OneAtATimeWorker(SimpleWorker):
    """A SimpleWorker that even a job stuck inside a native library cannot hold for ever.

    RQ's time limit is a Python exception, which C code does not see: some seconds later the whole
    process ends, and the sweeper has the job run again elsewhere.
    """

    asked_to_stop = False
    jobs_done = 0

    def execute_job(self, job: RqJob, queue: Queue) -> None:
        """Run one job under the watchdog."""
        limit = int(job.timeout or queues.JOB_SECONDS) + HANG_GRACE_SECONDS
        faulthandler.dump_traceback_later(limit, exit=True, file=sys.stderr)
        try:
            super().execute_job(job, queue)
        finally:
            faulthandler.cancel_dump_traceback_later()
            self.jobs_done += 1

    def request_stop(self, signum: Any, frame: Any) -> None:
        """Finish the present job, then stop (the first SIGTERM or SIGINT)."""
        self.asked_to_stop = True
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]


def wait_for_queue(client: Redis) -> None:
    """Return when Valkey answers; says once that it does not."""
    pause = 0.2
    while not _answers(client):
        if pause == 0.2:
            log.error("queue not reachable, will retry")
        time.sleep(pause)
        pause = min(pause * 2, WAIT_MAX_SECONDS)


def work(name: str, settings: Settings, *, burst: bool = False) -> None:
    """Take jobs from one queue until SIGTERM (the present job is finished) or recycling.

    When Valkey goes away in the middle of a job, RQ gives up: then begin again when it is back.
    """
    client = Redis.from_url(settings.redis_url)
    recycle = RECYCLE_AFTER_JOBS if name in (queues.PHOTOS, queues.DOCUMENTS) else None
    log.info("started queue=%s limit=%ds", name, job_seconds(name, settings))
    while True:
        signal.signal(signal.SIGTERM, _stop_at_once)  # until RQ installs its own handlers
        wait_for_queue(client)
        if _work_once(name, client, recycle, burst=burst):
            break
        log.error("queue lost, beginning again")
        time.sleep(RESTART_SECONDS)
    log.info("stopped queue=%s", name)


def _work_once(name: str, client: Redis, recycle: int | None, *, burst: bool) -> bool:
    """Run one RQ worker; False if it ended because Valkey went away."""
    worker = None
    try:
        worker = OneAtATimeWorker(
            [queues.queue(name, client)],
            connection=client,
            serializer=JSONSerializer,
            log_job_description=False,
        )
        worker.work(burst=burst, logging_level="ERROR", max_jobs=recycle)
    except redis.RedisError:  # RQ says good-bye to Valkey even when that is why it stops
        pass
    if worker is None:
        return False
    return worker.asked_to_stop or burst or bool(recycle and worker.jobs_done >= recycle)


def _stop_at_once(*_: object) -> None:
    raise SystemExit(0)


def _answers(client: Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
