"""Timers of batches and other subjects, and timers that fail."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from backoffice.batches.closing import CLOSE, arm_closing, close_when_over
from backoffice.batches.operations import create_batch
from backoffice.batches.plans import BatchPlan
from backoffice.models import Order, Timer
from backoffice.workflows import timers
from backoffice.workflows.errors import OrderBusy
from backoffice.workflows.orders import build_engine
from tests.factories import make_batch, make_order, make_school

engine = build_engine()
ACTIONS = {CLOSE: close_when_over}


def run_all(session, now, actions=ACTIONS):
    fired = 0
    while timers.fire_one_due(session, engine, actions, now=now):
        fired += 1
    return fired


def outcomes(session, subject_id):
    query = select(Timer.state, Timer.outcome).where(
        Timer.subject_id == subject_id, Timer.action == CLOSE
    )
    return [tuple(row) for row in session.execute(query.order_by(Timer.id))]


def test_a_batch_closes_when_its_window_is_over(session):
    batch = create_batch(session, make_school(session), BatchPlan(name="2027届"))
    assert run_all(session, batch.closes_at - timedelta(seconds=1)) == 0
    assert batch.state == "open"
    assert run_all(session, batch.closes_at) == 1
    assert batch.state == "closed"
    assert outcomes(session, batch.id) == [("fired", "closed")]


def test_an_extended_window_is_waited_for(session):
    batch = create_batch(session, make_school(session), BatchPlan(name="2027届"))
    first_end = batch.closes_at
    batch.closes_at = first_end + timedelta(days=7)
    session.flush()
    run_all(session, first_end)
    assert batch.state == "open"
    run_all(session, batch.closes_at)
    assert batch.state == "closed"
    assert outcomes(session, batch.id) == [("fired", "extended"), ("fired", "closed")]


def test_a_batch_closed_by_hand_stays_as_it_is(session):
    batch = create_batch(session, make_school(session), BatchPlan(name="2027届"))
    batch.state = "archived"
    run_all(session, batch.closes_at)
    assert batch.state == "archived"


def test_arming_again_moves_the_one_timer_and_disarming_cancels_it(session):
    batch = make_batch(session)
    for _ in range(3):
        arm_closing(session, batch)
    assert outcomes(session, batch.id) == [("waiting", None)]
    timers.disarm(session, CLOSE, batch.id)
    assert run_all(session, batch.closes_at + timedelta(days=1)) == 0
    assert batch.state == "open"


def test_a_failing_timer_waits_and_holds_up_nobody(session):
    now = datetime.now(UTC)
    broken, good = make_batch(session), make_order(session, expires_at=now)
    timers.arm(session, "breaks", broken.id, now - timedelta(hours=1))

    def breaks(*_):
        raise ZeroDivisionError

    actions = ACTIONS | {"breaks": breaks}
    run_all(session, now, actions)
    assert session.get_one(Order, good.id).state == "closed"
    timer = session.scalars(select(Timer).where(Timer.action == "breaks")).one()
    assert (timer.state, timer.outcome) == ("waiting", "ZeroDivisionError")
    assert timer.due_at == now + timers.RETRY_AFTER


def test_an_unknown_action_is_left_for_a_scheduler_that_knows_it(session):
    batch = make_batch(session)
    arm_closing(session, batch)
    assert run_all(session, batch.closes_at, {}) == 0
    assert outcomes(session, batch.id) == [("waiting", None)]


def test_a_timer_that_met_a_busy_order_comes_again(session):
    now, batch = datetime.now(UTC), make_batch(session)
    timers.arm(session, "waits", batch.id, now)

    def waits(*_):
        raise OrderBusy

    assert run_all(session, now, {"waits": waits}) == 1
    assert run_all(session, now + timers.RETRY_AFTER, {"waits": lambda *_: "done"}) == 1
    timer = session.scalars(select(Timer).where(Timer.action == "waits")).one()
    assert (timer.state, timer.outcome) == ("fired", "done")


@pytest.mark.parametrize("column", ["action", "subject_id"])
def test_a_half_timer_is_refused_by_the_database(session, column):
    from sqlalchemy.exc import IntegrityError

    values = {"action": "x", "subject_id": make_batch(session).id} | {column: None}
    session.add(Timer(name="x", armed_sequence=0, due_at=datetime.now(UTC), **values))
    with pytest.raises(IntegrityError, match="ck_timers_order_or_action"):
        session.flush()
