"""Callbacks of payment and message providers. The signature is the only authentication."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from flask import Blueprint, Response, request
from sqlalchemy.exc import SQLAlchemyError

from backoffice.db import db
from backoffice.errors import BackofficeError
from backoffice.messaging.receipts import ReceiptInvalid, record_receipt
from backoffice.payments.errors import NoticeInvalid, UnknownPaymentProvider
from backoffice.payments.gateway import Acknowledgement, Gateway, Outcome
from backoffice.payments.notices import receive
from backoffice.payments.registry import FREE, gateway
from backoffice.services import services

BODY_MAX = 64 * 1024
log = logging.getLogger("payment_pages")
callbacks = Blueprint("callbacks", __name__, url_prefix="/webhooks")


def accept(provider: Gateway, headers: Mapping[str, str], body: bytes) -> Acknowledgement:
    """Verify and act on one callback in one transaction; return the provider's answer.

    Anything unexpected answers 503, so that the provider sends it again.
    """
    session = db.session()
    try:
        outcome: Outcome | None = receive(session, services().engine, provider, headers, body)
        session.commit()
    except NoticeInvalid:
        session.rollback()
        log.warning("notice refused provider=%s why=signature_or_content", provider.name)
        outcome = None
    except (BackofficeError, SQLAlchemyError) as error:
        session.rollback()
        log.error("notice failed provider=%s error=%s", provider.name, type(error).__name__)
        return Acknowledgement(503, b'{"code":"FAIL","message":"busy"}')
    return provider.acknowledge(outcome)


@callbacks.post("/payments/<provider>")
def payment_notice(provider: str) -> Response:
    """Take a payment or refund notice (CONTRACT section 4)."""
    try:
        found = gateway(services().settings, provider)
    except UnknownPaymentProvider:
        return Response(b"{}", 404, content_type="application/json")
    if provider == FREE or (request.content_length or 0) > BODY_MAX:
        return Response(b"{}", 404 if provider == FREE else 413, content_type="application/json")
    answer = accept(found, dict(request.headers), request.get_data(cache=False)[: BODY_MAX + 1])
    return Response(answer.body, answer.status, content_type=answer.content_type)


@callbacks.post("/twilio/status")
def twilio_status() -> Response:
    """Take a message's delivery state; Twilio's signature covers the address and every field."""
    settings = services().settings
    session = db.session()
    try:
        record_receipt(
            session,
            settings,
            url=f"{settings.public_url}{request.path}",
            fields=request.form.to_dict(),
            signature=request.headers.get("X-Twilio-Signature", ""),
        )
        session.commit()
    except ReceiptInvalid:
        session.rollback()
        log.warning("receipt refused provider=twilio why=signature")
        return Response(status=403)
    return Response(status=204)
