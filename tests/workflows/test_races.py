"""Several connections at once, on real PostgreSQL."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, text

from backoffice.errors import BackofficeError
from backoffice.models import Order, OrderEvent, OutboxRow, Timer
from backoffice.workflows.actors import student_actor
from backoffice.workflows.audit import verify_order
from backoffice.workflows.errors import OrderBusy, TransitionNotAllowed
from backoffice.workflows.orders import build_engine
from backoffice.workflows.timers import fire_one_due
from tests.factories import actor_for, add_payment, make_order, make_staff

engine = build_engine()


def fire_in_own_connection(committed, order_id, transition, actor, barrier, data=None):
    with committed() as session:
        barrier.wait(timeout=10)
        try:
            event = engine.fire(session, order_id, transition, actor=actor, data=data)
            session.commit()
            return event.transition
        except BackofficeError as error:
            session.rollback()
            return error.code


@pytest.fixture
def waiting(committed):
    """A committed order that waits for review, and two reviewers."""
    with committed() as session:
        order = make_order(session, state="pending_review")
        actors = [actor_for(make_staff(session, "reviewer")) for _ in range(2)]
        session.commit()
        return order.id, actors


def run_both(committed, order_id, jobs):
    barrier = threading.Barrier(len(jobs))
    with ThreadPoolExecutor(len(jobs)) as pool:
        futures = [
            pool.submit(fire_in_own_connection, committed, order_id, name, actor, barrier, data)
            for name, actor, data in jobs
        ]
        return [f.result(timeout=30) for f in futures]


def test_two_reviewers_approve_at_once(committed, waiting):
    order_id, (one, two) = waiting
    outcomes = run_both(committed, order_id, [("approve", one, None), ("approve", two, None)])
    assert sorted(outcomes) == ["approve", "transition_not_allowed"]
    with committed() as session:
        order = session.get_one(Order, order_id)
        approvals = select(func.count()).where(
            OrderEvent.order_id == order_id, OrderEvent.transition == "approve"
        )
        notices = select(func.count()).where(
            OutboxRow.order_id == order_id, OutboxRow.effect == "notify.approved"
        )
        assert (order.state, order.version) == ("approved", 3)
        assert session.scalar(approvals) == session.scalar(notices) == 1
        assert verify_order(session, order) is None


def test_approve_and_withdraw_at_once(committed, waiting):
    order_id, (one, _) = waiting
    with committed() as session:
        student = student_actor(session.get_one(Order, order_id).student_id)
    outcomes = run_both(committed, order_id, [("approve", one, None), ("withdraw", student, None)])
    assert outcomes.count("transition_not_allowed") == 1
    with committed() as session:
        order = session.get_one(Order, order_id)
        assert order.state in ("approved", "paid")
        assert verify_order(session, order) is None


def test_a_held_lock_ends_in_order_busy(committed, waiting):
    order_id, (one, _) = waiting
    with committed() as holder, committed() as session:
        engine.lock(holder, order_id)
        session.execute(text("SET lock_timeout = '200ms'"))
        with pytest.raises(OrderBusy):
            engine.fire(session, order_id, "approve", actor=one)


def test_the_unpaid_timer_and_the_payment_at_once(committed):
    now = datetime.now(UTC)
    with committed() as session:
        order = make_order(session, expires_at=now - timedelta(seconds=1))
        add_payment(session, order)
        session.commit()
        order_id = order.id
    from backoffice.workflows.actors import PAYMENT_PROVIDER

    barrier = threading.Barrier(2)

    def expire():
        with committed() as session:
            barrier.wait(timeout=10)
            # SKIP LOCKED passes over an order that is being paid right now: try until settled
            for _ in range(100):
                if fire_one_due(session, engine):
                    break
                session.rollback()
                time.sleep(0.01)
            session.commit()

    with ThreadPoolExecutor(2) as pool:
        paying = pool.submit(
            fire_in_own_connection, committed, order_id, "pay", PAYMENT_PROVIDER, barrier
        )
        pool.submit(expire).result(timeout=30)
        outcome = paying.result(timeout=30)
    with committed() as session:
        order = session.get_one(Order, order_id)
        assert (outcome, order.state) in (("pay", "paid"), ("transition_not_allowed", "closed"))
        assert order.version == 1
        assert verify_order(session, order) is None


def test_any_number_of_schedulers_fire_each_timer_once(committed):
    past = datetime.now(UTC) - timedelta(hours=1)  # the scheduler slept for an hour
    with committed() as session:
        ids = [make_order(session, expires_at=past).id for _ in range(6)]
        later = make_order(session, expires_at=past + timedelta(hours=2)).id
        session.commit()

    def scheduler():
        fired = 0
        with committed() as session:
            while fire_one_due(session, engine):
                session.commit()
                fired += 1
        return fired

    with ThreadPoolExecutor(3) as pool:
        total = sum(f.result(timeout=30) for f in [pool.submit(scheduler) for _ in range(3)])
    # a scheduler that finds only locked orders stops; what is left is fired at the next second
    total += scheduler()
    assert total == len(ids)
    with committed() as session:
        for order_id in ids:
            order = session.get_one(Order, order_id)
            assert (order.state, order.version) == ("closed", 1)
        assert session.get_one(Order, later).state == "draft"
        states = set(session.scalars(select(Timer.state).where(Timer.order_id.in_(ids))))
        assert states == {"fired"}


def test_a_refused_move_leaves_nothing_behind(committed, waiting):
    order_id, (one, _) = waiting
    with committed() as session, pytest.raises(TransitionNotAllowed):
        engine.fire(session, order_id, "revoke", actor=one, data={"note": "x"})
    with committed() as session:
        assert session.get_one(Order, order_id).state == "pending_review"


def test_the_same_key_at_the_same_time_moves_once(committed, waiting):
    """The second call waits for the first one's lock and returns its event."""
    order_id, (one, _) = waiting
    barrier = threading.Barrier(4)

    def fire():
        with committed() as session:
            barrier.wait(timeout=10)
            event = engine.fire(session, order_id, "approve", actor=one, idempotency_key="click")
            session.commit()
            return event.id

    with ThreadPoolExecutor(4) as pool:
        events = {f.result(timeout=30) for f in [pool.submit(fire) for _ in range(4)]}
    assert len(events) == 1
    with committed() as session:
        assert session.get_one(Order, order_id).version == 3


def test_a_lost_answer_is_given_again(committed, waiting):
    """The first call committed, its answer never arrived: the repeated call returns it."""
    order_id, (one, _) = waiting
    ids = []
    for _ in range(2):
        with committed() as session:
            event = engine.fire(session, order_id, "approve", actor=one, idempotency_key="click")
            ids.append((event.id, event.sequence, event.to_state))
            session.commit()
    assert ids[0] == ids[1]
