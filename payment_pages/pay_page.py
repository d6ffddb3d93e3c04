"""The sandbox provider's pay page: a person presses a button, a program posts `result`."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, jsonify, make_response, render_template, request
from sqlalchemy import select

from backoffice.db import db
from backoffice.i18n import Text, pick_locale
from backoffice.models import Batch, Order, Payment
from backoffice.models.vocabulary import PaymentStatus
from backoffice.payments.errors import PaymentProviderUnavailable
from backoffice.payments.gateway import Checkout
from backoffice.payments.registry import sandbox
from backoffice.payments.sandbox import SandboxGateway, Trade
from backoffice.services import services
from payment_pages.callbacks import accept

MAX_FAILURES = 5
log = logging.getLogger("payment_pages")
pages = Blueprint(
    "sandbox",
    __name__,
    url_prefix="/sandbox",
    template_folder="templates",
    static_folder="static",
    static_url_path="/static",
)

WORDS = {
    "title": Text("沙箱支付", "Sandbox payment"),
    "notice": Text("这是测试支付页面，不会产生真实扣款。", "A test page: no real money moves."),
    "amount": Text("支付金额", "Amount"),
    "number": Text("商户单号", "Trade number"),
    "pay": Text("确认支付", "Pay"),
    "fail": Text("支付失败", "Let it fail"),
    "refund_failures": Text("之后退款先失败的次数", "Refunds that fail first, later"),
    "paid": Text("支付成功，请返回采集页面。", "Paid. You may return to the portrait page."),
    "failed": Text("支付未成功，可以重新支付。", "Not paid. You may try again."),
    "waiting": Text("支付成功，结果稍后通知商户。", "Paid. The merchant will be told in a moment."),
    "unknown": Text("没有找到这笔支付，请核对链接。", "No such payment; please check the link."),
    "choose": Text("请选择支付结果。", "Please choose a result (success or fail)."),
    "back": Text("返回采集页面", "Back to the portrait page"),
    "down": Text("沙箱暂时不可用，请稍后重试。", "The sandbox is unavailable; try again later."),
}


@pages.get("/pay/<out_trade_no>")
def show(out_trade_no: str) -> Response:
    """Show the amount and the two buttons."""
    trade = _trade(_provider(), out_trade_no)
    if trade is None:
        return _page("unknown", 404)
    return _page("paid" if trade.status == "paid" else None, 200, trade)


@pages.post("/pay/<out_trade_no>")
def settle(out_trade_no: str) -> Response:
    """Pay or fail (form field `result`), and tell the merchant by a signed notice."""
    provider, result = _provider(), request.form.get("result", "")
    if result not in ("success", "fail"):
        return _page("choose", 422)
    if _trade(provider, out_trade_no) is None:
        return _page("unknown", 404)
    failures = request.form.get("refund_failures", "")
    if failures.isascii() and failures.isdigit() and 0 < int(failures[:3]) <= MAX_FAILURES:
        provider.fail_next_refunds(out_trade_no, int(failures))
    notice_id = provider.pay(out_trade_no, succeed=result == "success")
    told = notice_id is not None and provider.deliver(notice_id, _tell_merchant)
    trade = provider.trade(out_trade_no)
    paid = trade is not None and trade.status == "paid"
    return _page(("paid" if told else "waiting") if paid else "failed", 200, trade)


@pages.errorhandler(PaymentProviderUnavailable)
def unreachable(error: PaymentProviderUnavailable) -> Response:
    """Say that the sandbox's ledger cannot be reached."""
    return _page("down", 503)


def _provider() -> SandboxGateway:
    found = sandbox(services().settings)
    assert found is not None, "the blueprint is registered only with the sandbox on"
    return found


def _tell_merchant(headers: Mapping[str, str], body: bytes) -> bool:
    """Hand the notice to the same code a provider's HTTP callback reaches."""
    return accept(_provider(), headers, body).status == 200


def _trade(provider: SandboxGateway, out_trade_no: str) -> Trade | None:
    """Return the ledger's trade; one the ledger has lost is offered again from our payment."""
    known = provider.trade(out_trade_no)
    if known is not None:
        return known
    payment = db.session.scalars(
        select(Payment).where(
            Payment.out_trade_no == out_trade_no,
            Payment.provider == provider.name,
            Payment.status == PaymentStatus.PENDING,
        )
    ).one_or_none()
    if payment is None:
        return None
    provider.create(Checkout(payment.out_trade_no, payment.amount_fen, "portrait"))
    return provider.trade(out_trade_no)


def _back(trade: Trade) -> str | None:
    """Return the address of the order on the student's page."""
    found = db.session.execute(
        select(Batch.feature_code, Order.id)
        .join(Order, Order.batch_id == Batch.id)
        .join(Payment, Payment.order_id == Order.id)
        .where(Payment.out_trade_no == trade.out_trade_no)
    ).one_or_none()
    return f"/s/{found.feature_code}#/order/{found.id}" if found else None


def _page(message: str | None, status: int, trade: Trade | None = None) -> Response:
    locale = pick_locale(request.headers.get("Accept-Language"))
    said = WORDS[message].get(locale) if message else None
    accepts = request.accept_mimetypes
    if accepts.best_match(["text/html", "application/json"]) == "application/json":
        facts: dict[str, Any] = {"code": message or "open", "message": said}
        if trade:
            facts |= {
                "out_trade_no": trade.out_trade_no,
                "amount_fen": trade.amount_fen,
                "status": trade.status,
            }
        answer = make_response(jsonify(facts), status)
    else:
        html = render_template(
            "sandbox_pay.html",
            words={name: text.get(locale) for name, text in WORDS.items()},
            locale="zh-CN" if locale == "zh" else "en",
            said=said,
            good=message in ("paid", "waiting"),
            trade=trade,
            back=_back(trade) if trade else None,
            yuan=f"{trade.amount_fen / 100:.2f}" if trade else "",
        )
        answer = make_response(html, status)
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer
