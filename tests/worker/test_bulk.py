"""Bulk runs through the worker: every order once, whatever happens on the way."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from backoffice.models import BulkItem, BulkRun, Order, OrderEvent, OutboxRow, Role, Staff
from backoffice.workflows import bulk
from tests.factories import make_batch, make_order, make_school, make_staff
from worker.jobs import bulk as bulk_job
from worker.jobs import run, running


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(bulk, "CHUNK", 2)


@pytest.fixture
def start(committed, context):
    """Start a run of five approved orders and return (run, staff, order ids)."""

    def begin():
        with committed() as session:
            batch = make_batch(session)
            ids = [make_order(session, batch, "approved").id for _ in range(5)]
            staff = make_staff(session, "operator")
            started = bulk.start_run(session, staff.id, "start_processing", ids)
            session.commit()
            return started.id, staff.id, ids

    return begin


def outcomes(committed, run_id):
    with committed() as session:
        rows = session.execute(
            select(BulkItem.outcome, BulkItem.code).where(BulkItem.run_id == run_id)
        )
        return sorted(((r.outcome, r.code) for r in rows), key=str)


def moves_of(committed, ids):
    with committed() as session:
        return session.scalar(
            select(func.count()).where(
                OrderEvent.order_id.in_(ids), OrderEvent.transition == "start_processing"
            )
        )


def outbox_of(committed, run_id) -> OutboxRow:
    with committed() as session:
        return session.scalars(
            select(OutboxRow).where(OutboxRow.dedupe_key == f"bulk/{run_id}")
        ).one()


def test_a_run_is_carried_out_and_named_after_its_starter(start, committed, publish):
    run_id, staff_id, _ = start()
    publish()
    run(str(outbox_of(committed, run_id).id))
    assert outcomes(committed, run_id) == [("moved", None)] * 5
    with committed() as session:
        assert session.get_one(BulkRun, run_id).state == "finished"
        actors = set(
            session.scalars(
                select(OrderEvent.actor_id).where(OrderEvent.transition == "start_processing")
            )
        )
        assert actors == {str(staff_id)}
    assert outbox_of(committed, run_id).state == "done"


def test_a_worker_that_dies_in_the_middle_loses_and_repeats_nothing(
    start, committed, publish, monkeypatch
):
    run_id, _, ids = start()
    publish()
    real, calls = bulk.run_chunk, []

    def dies(*args):
        calls.append(args)
        if len(calls) == 2:
            real(*args)  # the chunk was worked, but not committed
            raise ConnectionError
        return real(*args)

    monkeypatch.setattr(bulk_job.bulk, "run_chunk", dies)
    row_id = outbox_of(committed, run_id).id
    run(str(row_id))
    assert outcomes(committed, run_id) == sorted(
        [(None, None)] * 3 + [("moved", None)] * 2, key=str
    )
    with committed() as session:
        session.get_one(OutboxRow, row_id).state = "published"
        session.commit()
    run(str(row_id))
    assert outcomes(committed, run_id) == [("moved", None)] * 5
    assert moves_of(committed, ids) == 5


def test_running_it_again_moves_nothing(start, committed, publish):
    _, _, ids = start()
    for _ in range(2):
        with committed() as session:
            row = session.scalars(select(OutboxRow).where(OutboxRow.effect == "bulk.run")).one()
            row.state = "published"
            session.commit()
        run(str(row.id))
    assert moves_of(committed, ids) == 5


def test_roles_taken_away_on_the_way_count_from_the_next_chunk(
    start, committed, publish, monkeypatch
):
    run_id, staff_id, _ = start()
    publish()
    real = bulk.run_chunk

    def demoting(*args):
        found = real(*args)
        with committed() as session:
            staff = session.get_one(Staff, staff_id)
            staff.roles = [session.scalars(select(Role).where(Role.name == "reviewer")).one()]
            session.commit()
        return found

    monkeypatch.setattr(bulk_job.bulk, "run_chunk", demoting)
    run(str(outbox_of(committed, run_id).id))
    assert outcomes(committed, run_id) == sorted(
        [("moved", None)] * 2 + [("refused", "transition_forbidden")] * 3, key=str
    )


def test_a_closed_account_moves_nothing(start, committed, publish):
    run_id, staff_id, _ = start()
    with committed() as session:
        session.get_one(Staff, staff_id).active = False
        session.commit()
    publish()
    run(str(outbox_of(committed, run_id).id))
    assert outcomes(committed, run_id) == [("refused", "transition_forbidden")] * 5


def test_staff_bound_to_a_school_since_move_only_its_orders(start, committed, publish):
    run_id, staff_id, ids = start()
    with committed() as session:
        session.get_one(Staff, staff_id).school_id = make_school(session).id
        session.commit()
    publish()
    run(str(outbox_of(committed, run_id).id))
    assert outcomes(committed, run_id) == [("refused", "order_not_found")] * 5
    with committed() as session:
        assert set(session.scalars(select(Order.state).where(Order.id.in_(ids)))) == {"approved"}


def test_a_dead_run_goes_on_after_replay(start, committed, publish, monkeypatch):
    run_id, _, _ = start()
    publish()
    row_id = outbox_of(committed, run_id).id
    with monkeypatch.context() as broken:
        broken.setattr(bulk_job.bulk, "run_chunk", lambda *a: 1 / 0)
        with committed() as session:
            session.get_one(OutboxRow, row_id).tries = 7
            session.commit()
        run(str(row_id))
    assert outbox_of(committed, run_id).state == "dead"
    with committed() as session:  # what the button of the back office writes
        row = session.get_one(OutboxRow, row_id)
        row.state, row.tries = "waiting", 0
        session.commit()
    assert publish() == 1
    run(str(row_id))
    assert outcomes(committed, run_id) == [("moved", None)] * 5
    assert running.EFFECT_JOBS["bulk.run"].give_up is None
