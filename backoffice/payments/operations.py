"""Starting a payment, and what the student is told about it."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from backoffice.models import Order, Payment
from backoffice.models.vocabulary import BatchMode, OrderKind, PaymentStatus
from backoffice.payments.errors import OrderNotPayable, UnknownPaymentProvider
from backoffice.payments.gateway import Checkout
from backoffice.payments.registry import FREE, gateway, provider_names
from backoffice.settings import Settings
from backoffice.workflows.actors import PAYMENT_PROVIDER, SYSTEM
from backoffice.workflows.binding import Context
from backoffice.workflows.guards import require_passed_photo
from backoffice.workflows.orders import engine as process_engine


def start_payment(session: Session, order: Order, provider: str, settings: Settings) -> Payment:
    """Return a pending payment of `order` at `provider`; an order of 0 fen is settled at once.

    Locks the order, so that no payment slips in beside a cancellation. A pending payment of the
    same provider is returned again. No provider is called here: `payment_answer` does that.
    Raises OrderNotPayable, PhotoNotReady (photo-first batches), UnknownPaymentProvider.
    """
    engine = process_engine()
    locked: Order = engine.lock(session, order.id)
    now = datetime.now(UTC)
    if locked.state != "draft" or (locked.expires_at is not None and locked.expires_at <= now):
        raise OrderNotPayable()
    if locked.kind == OrderKind.CAPTURE and locked.batch.mode == BatchMode.PHOTO_FIRST:
        require_passed_photo(Context(session, locked, None, SYSTEM, now))
    if locked.amount_fen == 0:
        return _settle_free(session, locked, now)
    if provider not in provider_names(settings):
        raise UnknownPaymentProvider(known=", ".join(provider_names(settings)))
    gateway(settings, provider)
    return _pending(session, locked, provider) or _new(session, locked, provider)


def _pending(session: Session, order: Order, provider: str) -> Payment | None:
    return session.scalars(
        select(Payment)
        .where(
            Payment.order_id == order.id,
            Payment.provider == provider,
            Payment.status == PaymentStatus.PENDING,
            Payment.amount_fen == order.amount_fen,
        )
        .order_by(Payment.created_at.desc())
        .limit(1)
    ).one_or_none()


def _new(session: Session, order: Order, provider: str) -> Payment:
    payment = Payment(
        order_id=order.id,
        provider=provider,
        # Not guessable: whoever knows it can open the sandbox's pay page. At most 32 characters,
        # the limit of the real providers.
        out_trade_no=f"P{datetime.now(UTC):%Y%m%d}{secrets.token_hex(10).upper()}",
        status=PaymentStatus.PENDING,
        amount_fen=order.amount_fen,
    )
    session.add(payment)
    session.flush()
    return payment


def _settle_free(session: Session, order: Order, now: datetime) -> Payment:
    payment = _new(session, order, FREE)
    payment.status, payment.paid_at = PaymentStatus.SUCCEEDED, now
    session.flush()
    process_engine().fire(session, order.id, "pay", actor=PAYMENT_PROVIDER)
    return payment


def payment_answer(payment: Payment, settings: Settings) -> dict[str, Any]:
    """Return the payment as CONTRACT section 4 shows it; a pending one with how to pay it.

    Asks the provider (idempotent), so call it after the commit or at least without the lock of
    another order. Raises PaymentProviderUnavailable.
    """
    answer: dict[str, Any] = {
        "id": str(payment.id),
        "provider": payment.provider,
        "status": str(payment.status),
        "amount_fen": payment.amount_fen,
    }
    if payment.status == PaymentStatus.PENDING:
        invitation = gateway(settings, payment.provider).create(
            Checkout(payment.out_trade_no, payment.amount_fen, "portrait")
        )
        if invitation.pay_url:
            answer["pay_url"] = invitation.pay_url
        if invitation.client_params:
            answer["client_params"] = invitation.client_params
    return answer
