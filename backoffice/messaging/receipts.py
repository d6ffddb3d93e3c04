"""Delivery states that providers report after sending."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from backoffice.errors import BackofficeError
from backoffice.i18n import Text
from backoffice.models import Message
from backoffice.settings import Settings

# Twilio's MessageStatus -> ours; the others (queued, sending, …) tell nothing new.
STATES = {"sent": "sent", "delivered": "delivered", "undelivered": "failed", "failed": "failed"}
FINAL = ("delivered", "failed")


class ReceiptInvalid(BackofficeError):
    """The receipt's signature is not the provider's."""

    code = "receipt_invalid"
    title = Text("回执无效", "Invalid receipt")
    detail = Text("回执的签名无效。", "The receipt's signature is invalid.")


def record_receipt(
    session: Session, settings: Settings, *, url: str, fields: Mapping[str, str], signature: str
) -> bool:
    """Note what Twilio says of a message; True if that was new. The caller commits.

    url: the public address Twilio called. Repeated and late receipts change nothing.
    Raises ReceiptInvalid.
    """
    from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

    token = settings.twilio_auth_token
    if not token or not RequestValidator(token).validate(url, dict(fields), signature):
        raise ReceiptInvalid()
    state = STATES.get(fields.get("MessageStatus", ""))
    sid = fields.get("MessageSid", "")
    if state is None or not sid:
        return False
    message = session.scalars(
        select(Message)
        .where(Message.provider == "twilio", Message.provider_id == sid)
        .with_for_update()
    ).one_or_none()
    if message is None or message.status in FINAL or message.status == state:
        return False
    message.status = state
    code = fields.get("ErrorCode", "")
    if state == "failed":
        message.error = f"twilio_{code}" if code.isdigit() else "twilio_undelivered"
    session.flush()
    return True
