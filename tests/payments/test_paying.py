"""Paying through the sandbox's page and its signed notices, on real PostgreSQL and Valkey."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from backoffice.models import Order, OrderEvent, Payment, PaymentNotice
from backoffice.payments.errors import (
    NoticeInvalid,
    OrderNotPayable,
    PaymentProviderUnavailable,
    UnknownPaymentProvider,
)
from backoffice.payments.operations import start_payment
from backoffice.payments.sandbox import SandboxGateway
from backoffice.workflows.actors import TIMER, student_actor
from backoffice.workflows.guards import PhotoNotReady
from backoffice.workflows.orders import engine
from tests.factories import make_batch, make_order, make_photo


def notice(payment, **changes) -> dict:
    return {
        "notice_id": "N1",
        "kind": "payment",
        "out_trade_no": payment.out_trade_no,
        "trade_no": "SBXTRADE1",
        "amount_fen": payment.amount_fen,
        "currency": "CNY",
        "result": "success",
        "error": None,
    } | changes


def send(till, said: dict, **headers):
    body = json.dumps(said).encode()
    return till.client.post(
        "/webhooks/payments/sandbox", data=body, headers=till.provider.sign(body) | headers
    )


def test_page_then_paid(till):
    order = till.order()
    payment, answer = till.start(order)
    assert answer == {
        "id": str(payment.id),
        "provider": "sandbox",
        "status": "pending",
        "amount_fen": 3000,
        "pay_url": f"{till.settings.public_url}/sandbox/pay/{payment.out_trade_no}",
    }
    page = till.client.get(f"/sandbox/pay/{payment.out_trade_no}")
    assert page.status_code == 200
    assert "30.00" in page.text
    assert "确认支付" in page.text
    assert till.pay(payment).status_code == 200
    assert till.state(order) == "paid"
    paid = till.get(Payment, payment.id)
    assert (paid.status, paid.surplus) == ("succeeded", False)
    assert paid.trade_no.startswith("SBX")
    assert "notify.paid" in till.outbox(order)


def test_page_in_english_and_for_programs(till):
    payment, _ = till.start(till.order())
    address = f"/sandbox/pay/{payment.out_trade_no}"
    assert "Let it fail" in till.client.get(address, headers={"Accept-Language": "en"}).text
    facts = till.client.post(
        address, data={"result": "success"}, headers={"Accept": "application/json"}
    ).json
    assert facts["code"] == "paid"
    assert facts["status"] == "paid"
    assert facts["amount_fen"] == 3000


def test_failing_then_paying_again(till):
    order = till.order()
    payment, _ = till.start(order)
    assert till.pay(payment, "fail").status_code == 200
    assert till.state(order) == "draft"
    assert till.get(Payment, payment.id).status == "failed"
    second, _ = till.start(order)
    assert second.id != payment.id
    till.pay(second)
    assert till.state(order) == "paid"


def test_a_failed_page_may_be_paid_after_all(till):
    order = till.order()
    payment, _ = till.start(order)
    till.pay(payment, "fail")
    till.pay(payment)
    assert till.state(order) == "paid"


@pytest.mark.parametrize(("fields", "status"), [({"result": "maybe"}, 422), ({}, 422)])
def test_unusable_form(till, fields, status):
    order = till.order()
    payment, _ = till.start(order)
    answer = till.client.post(f"/sandbox/pay/{payment.out_trade_no}", data=fields)
    assert answer.status_code == status
    assert till.state(order) == "draft"


def test_unknown_page(till):
    assert till.client.get("/sandbox/pay/PNOSUCH").status_code == 404
    assert till.client.post("/sandbox/pay/PNOSUCH", data={"result": "success"}).status_code == 404


def test_a_pending_payment_is_offered_again(till):
    order = till.order()
    assert till.start(order)[0].id == till.start(order)[0].id


def test_a_lost_ledger_is_offered_again(till, redis):
    order = till.order()
    payment, _ = till.start(order)
    redis.flushdb()
    assert till.pay(payment).status_code == 200
    assert till.state(order) == "paid"


@pytest.mark.parametrize("state", ["paid", "closed", "approved", "refunded"])
def test_only_drafts_are_payable(till, state):
    order = till.order(state=state)
    with pytest.raises(OrderNotPayable):
        till.start(order)


def test_an_expired_draft_is_not_payable(till):
    order = till.order(expires_at=datetime.now(UTC) - timedelta(seconds=1))
    with pytest.raises(OrderNotPayable):
        till.start(order)


@pytest.mark.parametrize("name", ["wechat", "free", ""])
def test_unknown_provider(till, name):
    with pytest.raises(UnknownPaymentProvider):
        till.start(till.order(), name)


def test_photo_first_needs_a_passed_photo(till):
    with till.committed() as session:
        batch = make_batch(session, mode="photo_first")
        order = make_order(session, batch)
        session.commit()
    with pytest.raises(PhotoNotReady):
        till.start(order)
    with till.committed() as session:
        make_photo(session, session.get(Order, order.id))
        session.commit()
    payment, _ = till.start(order)
    till.pay(payment)
    assert till.state(order) == "pending_review"


def test_a_free_order_is_settled_at_once_and_refunded_without_a_provider(till):
    with till.committed() as session:
        order = make_order(session, amount_fen=0)
        payment = start_payment(session, order, "sandbox", till.settings)
        session.commit()
        assert payment.provider == "free"
        assert payment.status == "succeeded"
        assert order.state == "paid"


# -- notices -----------------------------------------------------------------------------


def test_a_genuine_notice(till):
    order = till.order()
    payment, _ = till.start(order)
    answer = send(till, notice(payment))
    assert (answer.status_code, answer.json) == (200, {"code": "SUCCESS"})
    assert till.state(order) == "paid"


def test_delivered_three_times_it_counts_once(till):
    order = till.order()
    payment, _ = till.start(order)
    for _ in range(3):
        assert send(till, notice(payment)).status_code == 200
    assert send(till, notice(payment, notice_id="N2")).status_code == 200
    with till.committed() as session:
        assert session.scalar(select(func.count(OrderEvent.id))) == 1
        kept = dict(session.execute(select(PaymentNotice.notice_id, PaymentNotice.outcome)).all())
    assert kept == {"N1": "paid", "N2": "already_settled"}


def test_delivered_at_once_from_several_sides_it_counts_once(till):
    order = till.order()
    payment, _ = till.start(order)
    barrier, answers = threading.Barrier(4), []

    def post() -> None:
        barrier.wait(timeout=10)
        answers.append(send(till, notice(payment)).status_code)

    threads = [threading.Thread(target=post) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 4
    with till.committed() as session:
        assert session.scalar(select(func.count(OrderEvent.id))) == 1
        assert session.scalar(select(func.count(PaymentNotice.id))) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"amount_fen": 2999},
        {"amount_fen": 3001},
        {"amount_fen": 1},
        {"currency": "USD"},
        {"out_trade_no": "PNOSUCH"},
    ],
)
def test_another_amount_moves_nothing_and_is_refused(till, changes):
    order = till.order()
    payment, _ = till.start(order)
    answer = send(till, notice(payment, **changes))
    assert answer.status_code == 422
    assert answer.json["code"] == "FAIL"
    assert till.state(order) == "draft"
    assert till.get(Payment, payment.id).status == "pending"
    with till.committed() as session:
        assert session.scalar(select(func.count(PaymentNotice.id))) == 0
    # the same notice, corrected by the provider, still counts
    assert send(till, notice(payment)).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Sandbox-Signature": "0" * 64},
        {"X-Sandbox-Signature": ""},
        {"X-Sandbox-Signature": "ünïcode"},
        {"X-Sandbox-Nonce": "other"},
        {"X-Sandbox-Timestamp": "1"},
        {"X-Sandbox-Timestamp": "soon"},
        {"X-Sandbox-Timestamp": ""},
    ],
)
def test_a_forged_notice_is_refused(till, headers):
    order = till.order()
    payment, _ = till.start(order)
    assert send(till, notice(payment), **headers).status_code == 401
    assert till.state(order) == "draft"


def test_a_replayed_signature_is_refused_when_old_or_from_the_future(till):
    order = till.order()
    payment, _ = till.start(order)
    body = json.dumps(notice(payment)).encode()
    for age in (-400, 400):
        headers = till.provider.sign(body, int(time.time()) + age)
        with pytest.raises(NoticeInvalid):
            till.provider.parse_notice(headers, body)
    assert till.state(order) == "draft"


def test_a_changed_body_is_refused(till):
    payment, _ = till.start(till.order())
    body = json.dumps(notice(payment)).encode()
    answer = till.client.post(
        "/webhooks/payments/sandbox",
        data=body.replace(b"3000", b"0001"),
        headers=till.provider.sign(body),
    )
    assert answer.status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{}", b"[]", b"null", b"\xff", b'{"notice_id": 1}',
        json.dumps({"notice_id": "N", "kind": "gift", "out_trade_no": "P", "trade_no": "T",
                    "amount_fen": 1, "currency": "CNY", "result": "success"}).encode(),
        json.dumps({"notice_id": "N", "kind": "payment", "out_trade_no": "P", "trade_no": "T",
                    "amount_fen": 1.5, "currency": "CNY", "result": "success"}).encode(),
        json.dumps({"notice_id": "N", "kind": "payment", "out_trade_no": "P", "trade_no": "T",
                    "amount_fen": True, "currency": "CNY", "result": "success"}).encode(),
    ],
)  # fmt: skip
def test_a_signed_but_unreadable_notice_is_refused(till, body):
    answer = till.client.post(
        "/webhooks/payments/sandbox", data=body, headers=till.provider.sign(body)
    )
    assert answer.status_code == 401


@pytest.mark.parametrize("name", ["free", "wechat", "nobody"])
def test_callbacks_of_providers_that_are_not_there(till, name):
    assert till.client.post(f"/webhooks/payments/{name}", data=b"{}").status_code == 404


def test_another_secret_is_refused(till, settings, redis):
    from dataclasses import replace

    payment, _ = till.start(till.order())
    other = SandboxGateway(replace(settings, sandbox_payment_secret="other"), redis)
    body = json.dumps(notice(payment)).encode()
    with pytest.raises(NoticeInvalid):
        till.provider.parse_notice(other.sign(body), body)


def test_without_a_secret_nothing_is_accepted(settings, redis):
    from dataclasses import replace

    keyless = SandboxGateway(replace(settings, sandbox_payment_secret=""), redis)
    with pytest.raises(NoticeInvalid):
        keyless.parse_notice(keyless.sign(b"{}"), b"{}")


def test_a_trade_number_pays_one_order_only(till):
    first, second = till.order(), till.order()
    send(till, notice(till.start(first)[0]))
    answer = send(till, notice(till.start(second)[0], notice_id="N2"))
    assert answer.status_code == 422
    assert till.state(second) == "draft"


# -- money that comes too late or twice ------------------------------------------------------


def close(till, order, name):
    with till.committed() as session:
        actor = TIMER if name == "expire" else student_actor(order.student_id)
        engine().fire(session, order.id, name, actor=actor)
        session.commit()


@pytest.mark.parametrize("name", ["expire", "cancel"])
def test_late_money_is_kept_and_sent_back(till, name):
    order = till.order()
    payment, _ = till.start(order)
    close(till, order, name)
    assert till.get(Payment, payment.id).status == "closed"
    assert till.pay(payment).status_code == 200
    assert till.state(order) == "closed"
    kept = till.get(Payment, payment.id)
    assert (kept.status, kept.surplus) == ("succeeded", True)
    (refund,) = till.refunds(order)
    assert (refund.status, refund.amount_fen, refund.payment_id) == ("pending", 3000, payment.id)
    assert till.outbox(order) == ["refund.send"]


def test_paying_twice_by_two_payments_sends_the_second_back(till):
    order = till.order()
    first, _ = till.start(order)
    till.pay(first, "fail")
    second, _ = till.start(order)
    till.pay(second)
    till.pay(first)
    assert till.state(order) == "paid"
    assert till.get(Payment, second.id).surplus is False
    assert till.get(Payment, first.id).surplus is True
    (refund,) = till.refunds(order)
    assert refund.payment_id == first.id


def test_cancel_and_notice_at_once_never_lose_the_money(till):
    for _ in range(5):
        order = till.order()
        payment, _ = till.start(order)
        barrier = threading.Barrier(2)

        def cancel(order=order, barrier=barrier) -> None:
            barrier.wait(timeout=10)
            try:
                close(till, order, "cancel")
            except Exception:  # the payment was first
                return

        thread = threading.Thread(target=cancel)
        thread.start()
        barrier.wait(timeout=10)
        till.pay(payment)
        thread.join()
        kept = till.get(Payment, payment.id)
        assert kept.status == "succeeded"
        if till.state(order) == "paid":
            assert not kept.surplus
        else:
            assert till.state(order) == "closed"
            assert kept.surplus
            assert len(till.refunds(order)) == 1


def test_an_undelivered_notice_comes_again(till):
    """The web process died after the payer paid: the provider tells us later."""
    order = till.order()
    payment, _ = till.start(order)
    till.provider.pay(payment.out_trade_no, succeed=True)
    refused = till.provider.deliver_due(lambda headers, body: False, time.time() + 10)
    assert refused == 0

    def take(headers, body) -> bool:
        answer = till.client.post("/webhooks/payments/sandbox", data=body, headers=dict(headers))
        return answer.status_code == 200

    assert till.provider.deliver_due(take, time.time() + 10) == 0  # postponed by the refusal
    assert till.provider.deliver_due(take, time.time() + 60) == 1
    assert till.state(order) == "paid"
    assert till.provider.deliver_due(take, time.time() + 86400) == 0


def test_the_notice_kept_is_the_one_received(till):
    payment, _ = till.start(till.order())
    body = json.dumps(notice(payment)).encode()
    till.client.post("/webhooks/payments/sandbox", data=body, headers=till.provider.sign(body))
    with till.committed() as session:
        kept = session.scalars(select(PaymentNotice)).one()
    assert kept.body_sha256 == hashlib.sha256(body).digest()


def test_an_unreachable_ledger_is_a_coded_error(settings):
    from dataclasses import replace

    lost = SandboxGateway(replace(settings, redis_url="unix:///nowhere/valkey.sock"))
    with pytest.raises(PaymentProviderUnavailable):
        lost.trade("P1")
