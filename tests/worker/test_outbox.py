"""Outbox rows through the real queue: once each, whatever dies on the way."""

from __future__ import annotations

import json
import os
import signal
import time
import uuid
import zlib
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
import redis as redis_module
from redis import Redis
from rq.serializers import JSONSerializer
from sqlalchemy import update

from backoffice.db import uuid7
from backoffice.models import Message, OutboxRow
from supervisor.valkey import Valkey
from tests.factories import make_order
from tests.worker.waiting import wait_until
from worker import dispatcher, queues
from worker.jobs import job as job_module
from worker.jobs import run, running
from worker.jobs.job import EffectJob, TryAgain
from worker.leases import lease
from worker.loops import Loop
from worker.rq_worker import OneAtATimeWorker


@pytest.fixture
def effect(monkeypatch):
    """A handler of the test's own under the effect `test.effect`, and what it was given."""
    calls: list = []

    def install(handler=None, **options):
        def called(job) -> None:
            calls.append(job.tries)
            if handler is not None:
                handler(job)

        monkeypatch.setitem(running.EFFECT_JOBS, "test.effect", EffectJob(called, **options))
        return calls

    return install


@pytest.fixture
def add_row(committed):
    def add(effect: str = "test.effect", **values) -> uuid.UUID:
        with committed() as session:
            row = OutboxRow(effect=effect, payload={}, dedupe_key=str(uuid7()), **values)
            session.add(row)
            session.commit()
            return row.id

    return add


@pytest.fixture
def row(committed):
    def read(row_id) -> OutboxRow:
        with committed() as session:
            return session.get(OutboxRow, row_id)

    return read


def burst(client) -> None:
    OneAtATimeWorker(
        [queues.queue(queues.DEFAULT, client)], connection=client, serializer=JSONSerializer
    ).work(burst=True, logging_level="ERROR")


def test_dispatched_worked_and_done(context, publish, redis, effect, add_row, row):
    calls = effect()
    row_id = add_row()
    assert publish() == 1
    assert row(row_id).state == "published"
    assert publish() == 0
    burst(redis)
    assert calls == [1]
    done = row(row_id)
    assert (done.state, done.tries, done.last_error) == ("done", 1, None)
    assert done.done_at is not None


def test_jobs_are_json(context, publish, redis, effect, add_row):
    effect()
    row_id = add_row()
    publish()
    data = zlib.decompress(redis.hget(f"rq:job:{row_id}", "data"))
    assert json.loads(data)[2] == [str(row_id)]


def test_run_twice_it_happens_once(context, publish, effect, add_row, row):
    calls = effect()
    row_id = add_row()
    publish()
    run(str(row_id))
    run(str(row_id))
    assert calls == [1]


def test_a_row_that_was_not_published_does_not_run(context, effect, add_row, row):
    calls = effect()
    row_id = add_row()
    run(str(row_id))
    run(str(uuid.uuid4()))
    assert calls == []
    assert row(row_id).state == "waiting"


def test_two_workers_with_the_same_row_run_it_once(context, publish, database, effect, add_row):
    calls = effect()
    row_id = add_row()
    publish()
    with lease(database, row_id) as held:
        assert held
        run(str(row_id))
    assert calls == []
    run(str(row_id))
    assert calls == [1]


def test_what_the_handler_wrote_is_committed_with_done(context, publish, effect, add_row, row):
    other = add_row("other")

    def write(job) -> None:
        job.session.execute(
            update(OutboxRow).where(OutboxRow.id == other).values(last_error="written")
        )
        raise TryAgain("not_yet")

    effect(write)
    row_id = add_row()
    publish()
    run(str(row_id))
    assert row(other).last_error is None
    assert row(row_id).state == "waiting"


def test_rows_wait_for_their_time(context, publish, add_row, committed):
    add_row(available_at=datetime.now(UTC) + timedelta(hours=1))
    assert publish() == 0


def test_two_dispatchers_share_the_rows(context, committed, redis, add_row):
    from concurrent.futures import ThreadPoolExecutor

    for _ in range(60):
        add_row()

    def dispatch(_) -> int:
        with committed() as session:
            return dispatcher.publish_waiting(session, redis, context.settings)

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(dispatch, range(4))) == 60
    assert queues.depth(queues.DEFAULT, redis) == 60
    assert len(queues.waiting_ids(redis)) == 60


def test_the_queue_is_kept_short(context, publish, monkeypatch, redis, add_row):
    monkeypatch.setattr(dispatcher, "QUEUE_LENGTH", 3)
    for _ in range(5):
        add_row()
    assert publish() == 3
    assert publish() == 0
    redis.lpop("rq:queue:default")
    assert publish() == 1


def test_failures_wait_longer_and_longer_then_die(
    context, publish, effect, add_row, row, committed
):
    def fail(job) -> None:
        raise ValueError("吴小兰 13800000000")

    effect(fail, max_tries=3, first_delay_seconds=10)
    row_id = add_row()
    delays = []
    for _ in range(3):
        publish()
        run(str(row_id))
        failed = row(row_id)
        delays.append(round((failed.available_at - datetime.now(UTC)).total_seconds()))
        with committed() as session:
            session.execute(update(OutboxRow).values(available_at=datetime.now(UTC)))
            session.commit()
    assert delays[:2] == [10, 20]
    assert (failed.state, failed.tries, failed.last_error) == ("dead", 3, "ValueError")
    assert publish() == 0


def test_outside_trouble_gets_more_tries(context, publish, effect, add_row, row, committed):
    def fail(job) -> None:
        raise TryAgain("provider_down")

    effect(fail, max_tries=1, first_delay_seconds=0)
    row_id = add_row()
    for _ in range(job_module.OUTSIDE_TRIES):
        assert row(row_id).state == "waiting"
        publish()
        run(str(row_id))
    assert (row(row_id).state, row(row_id).last_error) == ("dead", "provider_down")


def test_giving_up_is_part_of_the_same_transaction(context, publish, effect, add_row, row):
    given_up = []
    effect(lambda job: 1 / 0, max_tries=1, give_up=lambda job, code: given_up.append(code))
    row_id = add_row()
    publish()
    run(str(row_id))
    assert given_up == ["ZeroDivisionError"]
    assert row(row_id).state == "dead"


def test_an_effect_nobody_knows_is_dead_at_once(context, publish, add_row, row):
    row_id = add_row("no.such.effect")
    publish()
    run(str(row_id))
    assert (row(row_id).state, row(row_id).last_error) == ("dead", "unknown_effect")


def test_logs_hold_no_personal_data(context, publish, effect, add_row, caplog):
    def fail(job) -> None:
        raise ValueError("吴小兰 13800000000")

    effect(fail)
    row_id = add_row()
    publish()
    run(str(row_id))
    assert "13800000000" not in caplog.text
    assert "ValueError" in caplog.text


# -- the sweeper --------------------------------------------------------------------------


def sweep(committed, client, grace: float = 0.0) -> int:
    with committed() as session:
        return dispatcher.sweep(session, client, grace)


def test_rows_a_lost_queue_forgot_come_back(
    context, publish, committed, redis, effect, add_row, row
):
    calls = effect()
    row_id = add_row()
    publish()
    assert sweep(committed, redis) == 0  # it waits in the queue
    redis.flushdb()
    assert sweep(committed, redis, grace=60) == 0  # too young to be called lost
    assert sweep(committed, redis) == 1
    assert row(row_id).state == "waiting"
    publish()
    burst(redis)
    assert calls == [1]


def test_a_running_job_is_not_swept(context, publish, committed, redis, database, add_row, row):
    row_id = add_row()
    publish()
    redis.flushdb()
    with lease(database, row_id):
        assert sweep(committed, redis) == 0
    assert sweep(committed, redis) == 1


def test_a_row_that_kills_its_workers_dies(context, publish, effect, add_row, row, committed):
    calls = effect()
    row_id = add_row(tries=job_module.OUTSIDE_TRIES)
    publish()
    run(str(row_id))
    assert calls == []
    assert (row(row_id).state, row(row_id).last_error) == ("dead", "worker_died")


# -- Valkey away ---------------------------------------------------------------------------


def test_without_valkey_rows_wait(context, committed, add_row, row):
    row_id = add_row()
    away = Redis(unix_socket_path="/nowhere/valkey.sock")
    with committed() as session, pytest.raises(redis_module.ConnectionError):
        dispatcher.publish_waiting(session, away, context.settings)
    assert row(row_id).state == "waiting"


def test_valkey_lost_between_claim_and_enqueue(
    context, committed, redis, monkeypatch, add_row, row
):
    row_id = add_row()

    def broken(*_: object) -> None:
        raise redis_module.ConnectionError

    monkeypatch.setattr(queues, "enqueue", broken)
    with committed() as session, pytest.raises(redis_module.ConnectionError):
        dispatcher.publish_waiting(session, redis, context.settings)
    assert row(row_id).state == "waiting"


def test_a_loop_in_trouble_says_so_once_backs_off_and_recovers(caplog):
    caplog.set_level("INFO")
    answers = iter([redis_module.ConnectionError(), redis_module.ConnectionError(), False, True])

    def tick() -> bool:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    loop = Loop("test", tick, 0.2)
    assert [loop.step() for _ in range(4)] == [0.4, 0.8, 0.2, 0.0]
    assert caplog.text.count("in trouble") == 1
    assert caplog.text.count("recovered after=2") == 1


# -- real processes ------------------------------------------------------------------------

SLOW_WORKER = """
import sys, time
import worker.jobs.running as running
from worker.jobs.job import EffectJob
from worker.__main__ import main

def slow(job):
    open(sys.argv[1], "a").write("run\\n")
    if job.tries == 1:
        time.sleep(60)

running.EFFECT_JOBS["test.slow"] = EffectJob(slow)
sys.exit(main(["jobs"]))
"""


def test_a_worker_killed_in_the_middle_loses_nothing(
    context, committed, redis, processes, add_row, row, publish, tmp_path
):
    script, ran = tmp_path / "slow_worker.py", tmp_path / "ran.txt"
    script.write_text(f"import sys; sys.path.insert(0, {os.getcwd()!r})\n" + SLOW_WORKER)
    row_id = add_row("test.slow")
    publish()
    first = processes.start(str(script), str(ran))
    wait_until(ran.exists)
    assert sweep(committed, redis) == 0  # it runs
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert wait_until(lambda: sweep(committed, redis)) == 1
    publish()
    processes.start(str(script), str(ran))
    wait_until(lambda: row(row_id).state == "done")
    assert row(row_id).tries == 2
    assert ran.read_text().split() == ["run", "run"]


def test_all_roles_together_send_a_message_once_and_stop_cleanly(
    context, committed, redis, processes
):
    with committed() as session:
        order = make_order(session, state="approved")
        session.commit()
    running = [
        processes.start("-m", "worker", role) for role in ("dispatcher", "jobs", "scheduler")
    ]

    def all_done() -> bool:
        with committed() as session:
            states = [s for (s,) in session.query(OutboxRow.state).filter_by(order_id=order.id)]
            return states == ["done"] * len(states) and len(states) == 2

    wait_until(all_done)
    with committed() as session:
        sent = session.query(Message).filter_by(order_id=order.id).all()
    assert sorted(m.template for m in sent) == ["approved", "paid"]
    assert {m.status for m in sent} == {"sent"}
    for process in running:
        process.send_signal(signal.SIGTERM)
    assert [p.wait(timeout=15) for p in running] == [0, 0, 0]
    assert "Traceback" not in processes.log()


def test_valkey_killed_and_back(context, committed, processes, row, tmp_path_factory):
    """Rows wait while Valkey is dead; the same processes carry on when it is back."""
    var = tmp_path_factory.mktemp("v")
    server = Valkey(var)
    server.start()
    try:
        with committed() as session:
            first = make_order(session, state="paid")
            session.commit()
        roles = [
            processes.start("-m", "worker", role, REDIS_URL=server.url())
            for role in ("dispatcher", "jobs", "scheduler")
        ]
        states = partial(outbox_states, committed)
        wait_until(lambda: states(first) == ["done"])
        server._process.kill()  # as the kernel would, without a word
        server._process.wait()
        with committed() as session:
            second = make_order(session, state="paid")
            session.commit()
        time.sleep(1.5)
        assert states(second) == ["waiting"]
        server.start()
        wait_until(lambda: states(second) == ["done"], 60)
        assert [p.poll() for p in roles] == [None] * 3
        with committed() as session:
            assert session.query(Message).count() == 2
    finally:
        processes.end()
        server.stop()


def outbox_states(committed, order) -> list[str]:
    with committed() as session:
        return [s for (s,) in session.query(OutboxRow.state).filter_by(order_id=order.id)]


def test_unknown_role(processes):
    assert processes.start("-m", "worker", "dancer").wait(timeout=30) == 2
