"""Messages and their rows: written before they leave, so that none leaves twice.

The row is committed as `sending`, then the provider is called, then the result is committed. Found
as `sending` again, a crash lies between: nobody knows whether it left, so it becomes `unknown` and
is not sent again (at most once). What the provider surely refused for a while is sent again.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backoffice.crypto import keyring
from backoffice.db import uuid7
from backoffice.messaging.composing import Composed
from backoffice.messaging.messages import MaybeSent, NotSent
from backoffice.messaging.templates import sms_text
from backoffice.models import Enrolment, Message, Order, OutboxRow, Student

RETRY = "retry:"  # prefix of `error` while a refused message waits for its next try
_CONTEXT = b"email.photo recipient"


def claim_message(
    session: Session,
    student: Student,
    composed: Composed,
    channel: str,
    provider: str,
    dedupe_key: str,
    order: Order | None = None,
) -> Message | None:
    """Return the message row to send now, in `sending`; None when there is nothing left to do.

    order: the one it is about, if any. The caller commits before it calls the provider.
    """
    recipient = student.phone if channel == "sms" else student.email
    if not recipient:
        return None
    body = sms_text(composed.body, composed.locale) if channel == "sms" else composed.body
    return claim_prepared(
        session,
        dedupe_key=dedupe_key,
        order=order,
        student=student,
        channel=channel,
        provider=provider,
        recipient=recipient,
        template=composed.template,
        locale=composed.locale,
        body=body,
    )


def claim_prepared(
    session: Session,
    *,
    dedupe_key: str,
    order: Order | None,
    channel: str,
    provider: str,
    recipient: str,
    template: str,
    locale: str,
    body: str,
    enrolment: Enrolment | None = None,
    student: Student | None = None,
) -> Message | None:
    """Insert or find the row of one message; see `claim_message`.

    It goes to an account (`student`, or the order's), or to a place on the list without one.
    """
    about = order or enrolment
    assert student or about, "a message goes to somebody"
    student_id = student.id if student else about.student_id if about else None
    inserted = session.scalar(
        insert(Message)
        .values(
            id=uuid7(),
            order_id=order.id if order else None,
            student_id=student_id,
            enrolment_id=enrolment.id if enrolment else None,
            template=template,
            channel=channel,
            locale=locale,
            dedupe_key=dedupe_key,
            recipient=recipient,
            body=body,
            provider=provider,
            status="sending",
        )
        .on_conflict_do_nothing(index_elements=["dedupe_key"])
        .returning(Message.id)
    )
    message = session.scalars(
        select(Message)
        .where(Message.dedupe_key == dedupe_key)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    if inserted is not None:
        return message
    if message.status == "sending":
        message.status, message.error = "unknown", "interrupted"
        session.flush()
        return None
    if message.status == "failed" and (message.error or "").startswith(RETRY):
        message.status, message.provider = "sending", provider
        session.flush()
        return message
    return None


def deliver(send: Callable[[], str]) -> tuple[str, str | None, str | None]:
    """Call the provider; return (status, provider id, error) for `record_result`.

    No transaction may be open. An unexpected error counts as "nobody knows".
    """
    try:
        return "sent", send(), None
    except NotSent as refusal:
        code = refusal.code if refusal.permanent else f"{RETRY}{refusal.code}"
        return "failed", None, code
    except MaybeSent as doubt:
        return "unknown", None, doubt.code
    except Exception as error:  # a provider's surprise must not send the message twice
        return "unknown", None, type(error).__name__


def record_result(
    session: Session, message_id: uuid.UUID, result: tuple[str, str | None, str | None]
) -> bool:
    """Write the result down; True if the message must be sent again later. The caller commits."""
    status, provider_id, error = result
    message = session.get_one(Message, message_id, with_for_update=True, populate_existing=True)
    message.status, message.error = status, error
    if status == "sent":
        message.provider_id, message.sent_at = provider_id, datetime.now(UTC)
    session.flush()
    return bool(error and error.startswith(RETRY))


def request_photo_email(session: Session, order: Order, address: str | None = None) -> OutboxRow:
    """Queue the finished picture as an e-mail to `address`, or to the student's own; flushes.

    The address travels sealed. The caller has checked that there is an address and a picture.
    """
    payload = {"order_id": str(order.id)}
    if address:
        payload["sealed_address"] = seal_address(address)
    row = OutboxRow(
        order_id=order.id,
        effect="email.photo",
        payload=payload,
        dedupe_key=f"email.photo/{order.id}/{uuid7()}",
    )
    session.add(row)
    session.flush()
    return row


def seal_address(address: str) -> str:
    """Return an e-mail address sealed, as text for an outbox payload."""
    return base64.urlsafe_b64encode(keyring().encrypt(address.encode(), _CONTEXT)).decode()


def open_address(sealed: str) -> str:
    """Open what `seal_address` sealed. Raises crypto.DecryptionFailed."""
    return keyring().decrypt(base64.urlsafe_b64decode(sealed), _CONTEXT).decode()
