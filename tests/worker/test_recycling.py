"""A photo worker ends after so many jobs, so that what native libraries keep ends with it."""

from __future__ import annotations

import signal

import pytest

from worker import __main__ as worker_main
from worker import queues, rq_worker, runtime


@pytest.fixture
def signals():
    """Workers install handlers: put the test process's back."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


def sleeps(redis, name, count):
    queue = queues.queue(name, redis)
    for _ in range(count):
        queue.enqueue_call("time.sleep", args=(0,), result_ttl=0, timeout=30)
    return queue


def test_a_photo_worker_stops_after_its_jobs(settings, redis, monkeypatch, signals):
    monkeypatch.setattr(rq_worker, "RECYCLE_AFTER_JOBS", 2)
    queue = sleeps(redis, queues.PHOTOS, 3)
    try:
        rq_worker.work(queues.PHOTOS, settings)  # returns: the supervisor starts the next process
        assert queue.count == 1
    finally:
        queue.empty()


def test_other_workers_go_on(settings, redis, monkeypatch, signals):
    monkeypatch.setattr(rq_worker, "RECYCLE_AFTER_JOBS", 2)
    queue = sleeps(redis, queues.DEFAULT, 3)
    rq_worker.work(queues.DEFAULT, settings, burst=True)
    assert queue.count == 0


def test_a_photo_worker_is_warm_before_it_takes_a_job(worker_app, settings, monkeypatch):
    from backoffice.photos import warming

    done = []
    monkeypatch.setattr(runtime, "photo_engine", lambda: "engine")
    monkeypatch.setattr(warming, "warm", lambda engine: done.append(f"warm {engine}"))
    monkeypatch.setattr(rq_worker, "work", lambda name, settings: done.append(name))
    worker_main.run_photos(worker_app, settings)
    assert done == ["warm engine", queues.PHOTOS]
