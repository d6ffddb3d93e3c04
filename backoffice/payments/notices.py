"""Providers' callbacks: verified, counted once, and turned into transitions.

A notice and what it moves are one transaction. Money is never lost: what arrives for an order that
is paid or closed is kept as a surplus payment and sent back.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backoffice.db import uuid7
from backoffice.errors import BackofficeError
from backoffice.models import Order, Payment, PaymentNotice, Refund
from backoffice.models.vocabulary import PaymentStatus
from backoffice.payments.gateway import Gateway, Notice, Outcome
from backoffice.payments.refunds import settle_refund, start_surplus_refund
from backoffice.workflows.actors import PAYMENT_PROVIDER
from backoffice.workflows.engine import Engine

log = logging.getLogger("backoffice.payments")


def receive(
    session: Session, engine: Engine, gateway: Gateway, headers: Mapping[str, str], body: bytes
) -> Outcome:
    """Verify one callback and act on it; the caller commits. Raises NoticeInvalid, OrderBusy."""
    return handle_notice(session, engine, gateway.parse_notice(headers, body))


def handle_notice(session: Session, engine: Engine, notice: Notice) -> Outcome:
    """Act on a verified notice once and return what it led to; the caller commits.

    A second delivery returns the first one's outcome and changes nothing. A refused notice
    (unknown trade, another amount) changes nothing and is not kept, so that it can come again.
    Raises OrderBusy.
    """
    payment = _payment(session, notice)
    if payment is None:
        return _refused(notice, Outcome.UNKNOWN_TRADE)
    engine.lock(session, payment.order_id)
    earlier = session.scalars(
        select(PaymentNotice.outcome).where(
            PaymentNotice.provider == notice.provider, PaymentNotice.notice_id == notice.notice_id
        )
    ).one_or_none()
    if earlier is not None:
        return Outcome(earlier)
    session.refresh(payment)
    if notice.kind == "refund":
        outcome = _refund_notice(session, engine, payment, notice)
    else:
        outcome = _payment_notice(session, engine, payment, notice)
    if not outcome.accepted:
        return _refused(notice, outcome)
    session.execute(
        insert(PaymentNotice).values(
            id=uuid7(),
            provider=notice.provider,
            notice_id=notice.notice_id,
            body_sha256=notice.body_sha256,
            outcome=outcome,
        )
    )
    session.flush()
    log.info("notice provider=%s kind=%s outcome=%s", notice.provider, notice.kind, outcome)
    return outcome


def _refused(notice: Notice, outcome: Outcome) -> Outcome:
    log.warning("notice refused provider=%s kind=%s why=%s", notice.provider, notice.kind, outcome)
    return outcome


def _payment(session: Session, notice: Notice) -> Payment | None:
    return session.scalars(
        select(Payment).where(
            Payment.provider == notice.provider, Payment.out_trade_no == notice.out_trade_no
        )
    ).one_or_none()


def _payment_notice(session: Session, engine: Engine, payment: Payment, notice: Notice) -> Outcome:
    if payment.status == PaymentStatus.SUCCEEDED:
        same = payment.trade_no == notice.trade_no or not notice.succeeded
        return Outcome.ALREADY_SETTLED if same else Outcome.TRADE_CONFLICT
    if not notice.succeeded:
        if payment.status == PaymentStatus.PENDING:
            payment.status = PaymentStatus.FAILED
            session.flush()
        return Outcome.PAYMENT_FAILED
    if notice.amount_fen != payment.amount_fen or notice.currency != "CNY":
        return Outcome.AMOUNT_MISMATCH
    if _trade_no_taken(session, notice):
        return Outcome.TRADE_CONFLICT
    return _take_money(session, engine, payment, notice)


def _trade_no_taken(session: Session, notice: Notice) -> bool:
    return (
        session.scalars(
            select(Payment.id).where(
                Payment.provider == notice.provider, Payment.trade_no == notice.trade_no
            )
        ).first()
        is not None
    )


def _take_money(session: Session, engine: Engine, payment: Payment, notice: Notice) -> Outcome:
    if session.get_one(Order, payment.order_id).state == "draft":
        try:
            with session.begin_nested():
                _mark_succeeded(payment, notice, surplus=False)
                session.flush()
                engine.fire(session, payment.order_id, "pay", actor=PAYMENT_PROVIDER)
            return Outcome.PAID
        except BackofficeError:  # the money is here all the same
            session.refresh(payment)
    _mark_succeeded(payment, notice, surplus=True)
    session.flush()
    start_surplus_refund(session, payment)
    return Outcome.SURPLUS


def _mark_succeeded(payment: Payment, notice: Notice, *, surplus: bool) -> None:
    payment.surplus = surplus
    payment.status = PaymentStatus.SUCCEEDED
    payment.trade_no = notice.trade_no
    payment.paid_at = datetime.now(UTC)


def _refund_notice(session: Session, engine: Engine, payment: Payment, notice: Notice) -> Outcome:
    refund = session.scalars(
        select(Refund).where(Refund.refund_no == notice.refund_no, Refund.payment_id == payment.id)
    ).one_or_none()
    if refund is None:
        return Outcome.UNKNOWN_TRADE
    if notice.amount_fen != refund.amount_fen or notice.currency != "CNY":
        return Outcome.AMOUNT_MISMATCH
    moved = settle_refund(
        session, engine, refund.id, succeeded=notice.succeeded, error=notice.error
    )
    if not moved:
        return Outcome.ALREADY_SETTLED
    return Outcome.REFUNDED if notice.succeeded else Outcome.REFUND_FAILED
