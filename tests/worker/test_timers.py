"""The scheduler on real PostgreSQL: what falls due happens once, however late."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

from sqlalchemy import update

from backoffice.db import db
from backoffice.models import Order, OrderEvent, Payment, Refund, Timer
from backoffice.payments.operations import start_payment
from backoffice.payments.registry import sandbox
from backoffice.workflows.actors import student_actor
from backoffice.workflows.orders import engine
from tests.factories import make_order
from worker.scheduler import Scheduler


def due(committed, order, ago: timedelta) -> None:
    with committed() as session:
        session.execute(
            update(Timer).where(Timer.order_id == order.id).values(due_at=datetime.now(UTC) - ago)
        )
        session.commit()


def state(committed, order) -> str:
    with committed() as session:
        return session.get(Order, order.id).state


def test_unpaid_orders_close_even_after_hours_without_a_scheduler(context, committed, scheduler):
    with committed() as session:
        orders = [make_order(session) for _ in range(3)]
        fresh = make_order(session)
        session.commit()
    for order in orders:
        due(committed, order, timedelta(hours=5))
    scheduler.tick()
    assert [state(committed, o) for o in orders] == ["closed"] * 3
    assert state(committed, fresh) == "draft"


def test_two_schedulers_fire_each_timer_once(context, worker_app, committed):
    with committed() as session:
        orders = [make_order(session) for _ in range(8)]
        session.commit()
    for order in orders:
        due(committed, order, timedelta(minutes=1))
    barrier = threading.Barrier(3)

    def tick() -> None:
        with worker_app.app_context():
            barrier.wait(timeout=10)
            Scheduler(context).tick()

    threads = [threading.Thread(target=tick) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with committed() as session:
        events = session.query(OrderEvent.order_id).filter_by(transition="expire").all()
    assert sorted(events) == sorted((o.id,) for o in orders)


def test_parcels_count_as_received(context, committed, scheduler):
    with committed() as session:
        order = make_order(session, state="shipped")
        session.commit()
    due(committed, order, timedelta(seconds=1))
    scheduler.tick()
    assert state(committed, order) == "completed"


def paid(committed, settings):
    with committed() as session:
        order = make_order(session)
        payment = start_payment(session, order, "sandbox", settings)
        session.commit()
    from backoffice.payments.operations import payment_answer

    payment_answer(payment, settings)
    return order, payment


def test_a_refund_runs_through_the_workers_alone(context, committed, scheduler, work_all):
    """The payer paid while the web process died; then the student wants the money back."""
    order, payment = paid(committed, context.settings)
    provider = sandbox(context.settings)
    provider.pay(payment.out_trade_no, succeed=True)
    context.redis.zadd("sandbox:notices", {f"{provider.trade(payment.out_trade_no).trade_no}-P": 0})
    scheduler.tick()
    assert state(committed, order) == "paid"
    with committed() as session:
        engine().fire(session, order.id, "request_refund", actor=student_actor(order.student_id))
        session.commit()
    work_all()
    assert state(committed, order) == "refunding"
    with committed() as session:
        number = session.query(Refund).filter_by(order_id=order.id).one().refund_no
    context.redis.zadd("sandbox:notices", {f"{number}-1": 0})
    scheduler.tick()
    assert state(committed, order) == "refunded"
    work_all()
    lines = (context.settings.var / "messages.jsonl").read_text().splitlines()
    assert sum('"refunded"' in line for line in lines) == 1


def test_a_free_order_is_refunded(context, committed, work_all):
    with committed() as session:
        order = make_order(session, amount_fen=0)
        start_payment(session, order, "sandbox", context.settings)
        engine().fire(session, order.id, "request_refund", actor=student_actor(order.student_id))
        session.commit()
    work_all()
    assert state(committed, order) == "refunded"


def test_late_money_goes_back_by_itself(context, committed, scheduler, work_all, worker_app):
    order, payment = paid(committed, context.settings)
    due(committed, order, timedelta(seconds=1))
    scheduler.tick()
    assert state(committed, order) == "closed"
    page = worker_app.test_client().post(
        f"/sandbox/pay/{payment.out_trade_no}", data={"result": "success"}
    )
    assert page.status_code == 200
    work_all()
    with committed() as session:
        number = session.query(Refund).one().refund_no
    context.redis.zadd("sandbox:notices", {f"{number}-1": 0})
    scheduler.tick()
    with committed() as session:
        assert session.query(Refund).one().status == "succeeded"
        assert session.get(Payment, payment.id).surplus
    assert state(committed, order) == "closed"


def test_a_lost_refund_notice_is_asked_after(context, committed, scheduler, work_all):
    order, payment = paid(committed, context.settings)
    provider = sandbox(context.settings)
    provider.pay(payment.out_trade_no, succeed=True)
    context.redis.zadd("sandbox:notices", {f"{provider.trade(payment.out_trade_no).trade_no}-P": 0})
    scheduler.tick()
    with committed() as session:
        engine().fire(session, order.id, "request_refund", actor=student_actor(order.student_id))
        session.commit()
    work_all()
    with committed() as session:
        refund = session.query(Refund).one()
        refund.created_at = datetime.now(UTC) - timedelta(minutes=5)
        session.commit()
    context.redis.delete("sandbox:notices")  # it never comes
    context.redis.hset(f"sandbox:refund:{refund.refund_no}", "settles_at", "0")
    Scheduler(context).tick()
    assert state(committed, order) == "refunded"


def test_a_refund_the_provider_never_heard_of_is_sent_again(
    context, committed, scheduler, work_all
):
    with committed() as session:
        order = make_order(session, state="refunding")
        session.commit()
    work_all()
    context.redis.flushdb()
    with committed() as session:
        session.execute(update(Refund).values(created_at=datetime.now(UTC) - timedelta(minutes=5)))
        session.commit()
    Scheduler(context).tick()
    work_all()
    with committed() as session:
        number = session.query(Refund).one().refund_no
        assert session.query(Refund).one().tries == 2
    context.redis.zadd("sandbox:notices", {f"{number}-1": 0})
    Scheduler(context).tick()
    assert state(committed, order) == "refunded"


def test_one_step_in_trouble_does_not_hold_up_the_others(context, committed, scheduler, caplog):
    with committed() as session:
        order = make_order(session)
        session.commit()
    due(committed, order, timedelta(minutes=1))
    calls = []

    def broken() -> None:
        calls.append(1)
        raise RuntimeError("secret")

    scheduler._steps.insert(0, ("broken", 0.0, broken))
    scheduler._due["broken"] = 0.0
    scheduler.tick()
    scheduler.tick()
    db.session.remove()
    assert len(calls) == 2
    assert state(committed, order) == "closed"
    assert caplog.text.count("step=broken") == 1
    assert "secret" not in caplog.text


def test_the_scheduler_throws_away_dead_tokens(context, committed, scheduler, settings):
    from sqlalchemy import func, select, update

    from backoffice.accounts.tokens import issue_tokens
    from backoffice.models import StudentToken
    from tests.factories import make_student

    with committed() as session:
        issue_tokens(session, make_student(session), settings)
        session.execute(
            update(StudentToken).values(expires_at=datetime.now(UTC) - timedelta(days=2))
        )
        session.commit()
    scheduler.tick()
    db.session.remove()
    with committed() as session:
        assert session.scalar(select(func.count()).select_from(StudentToken)) == 0
