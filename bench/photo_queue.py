"""What the queue costs: the same pictures by direct calls and through RQ, in one warm process."""

from __future__ import annotations

import logging
import statistics
import time
from pathlib import Path

from redis import Redis
from rq.serializers import JSONSerializer

from backoffice.photos.pipeline import PhotoEngine, process
from backoffice.photos.standards import CHSI_BLUE
from backoffice.photos.warming import warm
from backoffice.settings import Settings
from worker import queues
from worker.rq_worker import OneAtATimeWorker

ROUNDS, PICTURES = 5, 4
QUEUE = "bench-photos"
_engine: PhotoEngine | None = None


def one(path: str) -> None:
    """Work one picture: the direct call, and the job."""
    assert _engine is not None
    assert process(Path(path).read_bytes(), CHSI_BLUE, _engine).jpeg is not None


def compare(settings: Settings, models: Path, picture: Path) -> float:
    """Return CPU time through the queue over direct calls, the median of rounds; direct calls before and after."""
    global _engine
    _engine = PhotoEngine(models)
    warm(_engine)
    client = Redis.from_url(settings.redis_url)
    logging.getLogger("rq.worker").setLevel(logging.ERROR)
    ratios = []
    for _ in range(ROUNDS):
        before = _direct(picture)
        queue = queues.queue(QUEUE, client)
        for _ in range(PICTURES):
            queue.enqueue_call("bench.photo_queue.one", args=(str(picture),), result_ttl=0)
        worker = OneAtATimeWorker(
            [queue], connection=client, serializer=JSONSerializer, log_job_description=False
        )
        started = time.process_time()
        worker.work(burst=True, logging_level="ERROR")
        assert worker.jobs_done == PICTURES
        queued = time.process_time() - started
        ratios.append(queued / statistics.mean((before, _direct(picture))))
    return statistics.median(ratios)


def _direct(picture: Path) -> float:
    """Return the CPU seconds of the same pictures without a queue."""
    started = time.process_time()
    for _ in range(PICTURES):
        one(str(picture))
    return time.process_time() - started
