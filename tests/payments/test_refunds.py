"""Refunds: one number, outside every lock, retried until the money has arrived."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from backoffice.models import Order, OrderEvent, OutboxRow, Refund
from backoffice.payments import refunds
from backoffice.payments.gateway import RefundRequest
from backoffice.payments.notices import receive
from backoffice.workflows.actors import student_actor
from backoffice.workflows.orders import engine


def request_refund(till, order) -> Refund:
    with till.committed() as session:
        engine().fire(session, order.id, "request_refund", actor=student_actor(order.student_id))
        session.commit()
    (refund,) = till.refunds(order)
    return refund


def paid_order(till):
    order = till.order()
    payment, _ = till.start(order)
    till.pay(payment)
    return order, payment


def send(till, refund_id):
    """What the job does, step by step."""
    with till.committed() as session:
        prepared = refunds.prepare_refund(session, refund_id)
        session.commit()
    if prepared is None:
        return None
    answer = till.provider.refund(prepared.request)
    with till.committed() as session:
        refunds.apply_answer(session, engine(), refund_id, answer)
        session.commit()
    return answer


def deliver(till, ahead: float = 5.0) -> int:
    def take(headers, body) -> bool:
        with till.committed() as session:
            outcome = receive(session, engine(), till.provider, headers, body)
            session.commit()
            return outcome.accepted

    return till.provider.deliver_due(take, time.time() + ahead)


def test_accepted_first_settled_by_the_notice(till):
    order, _ = paid_order(till)
    refund = request_refund(till, order)
    assert send(till, refund.id).status == "accepted"
    assert till.state(order) == "refunding"
    assert deliver(till) == 1
    assert till.state(order) == "refunded"
    settled = till.get(Refund, refund.id)
    assert (settled.status, settled.tries, settled.last_error) == ("succeeded", 1, None)
    assert settled.settled_at is not None
    assert settled.provider_refund_no.startswith("SR")
    assert till.outbox(order)[-1] == "notify.refunded"


def test_sent_twice_it_moves_once(till):
    order, _ = paid_order(till)
    refund = request_refund(till, order)
    first, second = send(till, refund.id), send(till, refund.id)
    assert first.provider_refund_no == second.provider_refund_no
    assert deliver(till) == 1
    assert till.state(order) == "refunded"
    assert send(till, refund.id) is None


def test_failed_once_then_succeeded(till):
    order, payment = paid_order(till)
    till.provider.fail_next_refunds(payment.out_trade_no, 1)
    refund = request_refund(till, order)
    send(till, refund.id)
    deliver(till)
    assert till.state(order) == "refunding"
    failed = till.get(Refund, refund.id)
    assert (failed.status, failed.last_error) == ("pending", "ACCOUNT_ABNORMAL")
    assert till.get(Order, order.id).flagged == "refund_failed"
    with till.committed() as session:
        retry = session.query(OutboxRow).filter_by(effect="refund.retry").one()
        assert 50 < (retry.available_at - datetime.now(UTC)).total_seconds() <= 60
    time.sleep(1.1)  # the sandbox settles the first try
    assert send(till, refund.id).status == "accepted"
    deliver(till)
    assert till.state(order) == "refunded"
    assert till.get(Order, order.id).flagged is None
    assert till.get(Refund, refund.id).refund_no == failed.refund_no
    with till.committed() as session:
        events = session.query(OrderEvent.transition).filter_by(order_id=order.id)
        names = [n for (n,) in events.order_by(OrderEvent.sequence)]
    assert names == ["pay", "request_refund", "refund_failed", "refund_succeeded"]


def test_surplus_is_sent_back_without_touching_the_order(till):
    order = till.order()
    first, _ = till.start(order)
    till.pay(first, "fail")
    second, _ = till.start(order)
    till.pay(second)
    till.pay(first)
    (refund,) = till.refunds(order)
    till.provider.fail_next_refunds(first.out_trade_no, 1)
    send(till, refund.id)
    deliver(till)
    assert till.get(Refund, refund.id).status == "pending"
    assert "refund.retry" in till.outbox(order)
    time.sleep(1.1)
    send(till, refund.id)
    deliver(till)
    assert till.get(Refund, refund.id).status == "succeeded"
    assert till.state(order) == "paid"
    # and the order's own money can still be refunded
    with till.committed() as session:
        engine().fire(session, order.id, "request_refund", actor=student_actor(order.student_id))
        session.commit()
        own = refunds.find_refund(session, refund_id=None, order_id=order.id)
        assert own.id != refund.id
    send(till, own.id)
    deliver(till)
    assert till.state(order) == "refunded"


def test_a_refund_of_another_amount_is_refused(till):
    order, payment = paid_order(till)
    refund = request_refund(till, order)
    answer = till.provider.refund(
        RefundRequest(refund.refund_no, payment.out_trade_no, None, 3001, 3001)
    )
    assert (answer.status, answer.error) == ("failed", "AMOUNT_EXCEEDS_TRADE")


def test_an_unpaid_trade_is_not_refunded(till):
    payment, _ = till.start(till.order())
    answer = till.provider.refund(RefundRequest("R1", payment.out_trade_no, None, 3000, 3000))
    assert (answer.status, answer.error) == ("failed", "TRADE_NOT_PAID")


def test_refused_at_once_is_a_failed_try(till):
    """The provider's direct refusal goes the same way as a notice."""
    order, _ = paid_order(till)
    refund = request_refund(till, order)
    with till.committed() as session:
        answer = till.provider.query_refund("RNOSUCH")
        assert answer.status == "unknown"
        refunds.settle_refund(
            session, engine(), refund.id, succeeded=False, error="USER_ACCOUNT_CLOSED"
        )
        session.commit()
    assert till.get(Refund, refund.id).last_error == "USER_ACCOUNT_CLOSED"
    assert till.state(order) == "refunding"


@pytest.mark.parametrize(("age", "found"), [(30, False), (120, True)])
def test_unsettled_refunds_are_found_when_nothing_is_under_way(till, age, found):
    order, _ = paid_order(till)
    refund = request_refund(till, order)
    now = datetime.now(UTC)
    with till.committed() as session:
        session.execute(update(Refund).values(created_at=now - timedelta(seconds=age)))
        session.commit()
        assert refunds.unsettled(session, now) == []  # its outbox row waits
        session.execute(update(OutboxRow).values(state="done"))
        session.commit()
        expected = [(refund.id, "sandbox")] if found else []
        assert refunds.unsettled(session, now) == expected


def test_retry_delays_double_up_to_six_hours():
    assert [refunds.retry_delay(n) for n in (0, 1, 2, 3)] == [60, 60, 120, 240]
    assert refunds.retry_delay(40) == 6 * 3600
