"""Bulk moves: a result per order, chunks, resumption, and nobody stops the rest."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from backoffice.db import uuid7
from backoffice.models import BulkItem, BulkRun, Order, OrderEvent, OutboxRow
from backoffice.workflows import bulk
from backoffice.workflows.orders import build_engine
from tests.factories import actor_for, make_batch, make_order, make_staff

engine = build_engine()


def test_each_order_has_its_own_result(session):
    operator = actor_for(make_staff(session, "operator"))
    good = [make_order(session, state="approved").id for _ in range(3)]
    bad = make_order(session, state="paid").id
    ghost = uuid7()
    outcomes = bulk.fire_many(
        session, engine, [*good, bad, ghost], "start_processing", actor=operator
    )
    codes = {o.order_id: o.code for o in outcomes}
    assert codes == {
        **dict.fromkeys(good),
        bad: "transition_not_allowed",
        ghost: "order_not_found",
    }
    assert {session.get_one(Order, i).state for i in good} == {"processing"}
    assert session.get_one(Order, bad).state == "paid"


def test_the_same_key_moves_nothing_twice(session):
    operator = actor_for(make_staff(session, "operator"))
    order = make_order(session, state="approved")
    for _ in range(2):
        (outcome,) = bulk.fire_many(
            session, engine, [order.id], "start_processing", actor=operator, key="run"
        )
        assert outcome.moved
    count = select(func.count()).where(
        OrderEvent.order_id == order.id, OrderEvent.transition == "start_processing"
    )
    assert session.scalar(count) == 1


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(bulk, "CHUNK", 2)


def test_a_run_goes_on_after_a_crash(committed, small_chunks):
    with committed() as session:
        staff = make_staff(session, "operator")
        batch = make_batch(session)
        ids = [make_order(session, batch, "approved").id for _ in range(4)]
        ids.append(make_order(session, batch, "draft").id)
        run = bulk.start_run(session, staff.id, "start_processing", ids)
        actor, run_id = actor_for(staff), run.id
        session.commit()
    with committed() as session:
        assert bulk.run_chunk(session, engine, run_id, actor) == bulk.Progress(5, 2, 0)
        session.commit()
    with committed() as session:  # dies before the commit: nothing of the chunk remains
        bulk.run_chunk(session, engine, run_id, actor)
        session.rollback()
    with committed() as session:
        assert bulk.progress(session, run_id) == bulk.Progress(5, 2, 0)
        while bulk.run_chunk(session, engine, run_id, actor).left:
            session.commit()
        session.commit()
    with committed() as session:
        assert bulk.progress(session, run_id) == bulk.Progress(5, 4, 1)
        assert session.get_one(BulkRun, run_id).state == "finished"
        refused = session.scalars(select(BulkItem).where(BulkItem.outcome == "refused")).one()
        assert (refused.order_id, refused.code) == (ids[-1], "transition_not_allowed")
        versions = set(session.scalars(select(Order.version).where(Order.id.in_(ids[:4]))))
        assert versions == {4}


def test_an_order_that_fails_by_a_fault_stops_nobody(session, caplog):
    operator = actor_for(make_staff(session, "operator"))
    broken, *good = (make_order(session, state="approved") for _ in range(3))
    broken.workflow_version = 99  # no such definition: a KeyError deep inside
    session.flush()
    outcomes = bulk.fire_many(
        session, engine, [o.id for o in (broken, *good)], "start_processing", actor=operator
    )
    codes = {o.order_id: o.code for o in outcomes}
    assert codes == {broken.id: "internal_error", good[0].id: None, good[1].id: None}
    assert "KeyError" in caplog.text


def test_the_same_form_sent_twice_starts_one_run(session):
    staff = make_staff(session, "operator")
    ids = [make_order(session, state="approved").id for _ in range(2)]
    run_id = uuid7()
    runs = [
        bulk.start_run(session, staff.id, "start_processing", ids, run_id=run_id) for _ in range(2)
    ]
    assert [r.id for r in runs] == [run_id, run_id]
    assert bulk.progress(session, run_id) == bulk.Progress(2, 0, 0)
    effects = select(func.count()).where(OutboxRow.dedupe_key == f"bulk/{run_id}")
    assert session.scalar(effects) == 1
