"""What to tell a student about a transition, read from the order and its event."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from backoffice.i18n import DEFAULT_LOCALE, Text
from backoffice.messaging.templates import kind_of, render, render_reasons
from backoffice.models import (
    Batch,
    Enrolment,
    EnrolmentRequest,
    Order,
    OrderEvent,
    RejectionReason,
    Shipment,
    Student,
)
from backoffice.models.vocabulary import BatchMode, OrderKind, OrderState

MAX_REASONS = 3
CHINA = ZoneInfo("Asia/Shanghai")  # students read school time, wherever the server stands


@dataclass(frozen=True)
class Composed:
    """A message in the language of the account. template: paid, approved, rejected, …"""

    template: str
    locale: str
    subject: str
    body: str


def compose(session: Session, effect: str, order: Order, sequence: int) -> Composed | None:
    """Return the message for the outbox effect `notify.…` of the event `sequence`.

    None when there is nothing to say any more: the decision was taken back before the message
    left, or the reminded student has finished. Raises KeyError for an unknown effect.
    """
    if _taken_back(session, order.id, sequence):
        return None
    choice = _CHOICES[effect](session, order, sequence)
    if choice is None:
        return None
    name, values = choice
    locale = order.student.locale
    values |= {"number": order.number, "yuan": yuan(order.amount_fen)}
    if "reasons" in values:
        values["reasons"] = _reasons(session, order.id, sequence, locale)
    subject, body = render(name, locale, **values)
    return Composed(kind_of(name), locale, subject, body)


def compose_invitation(enrolment: Enrolment, student: Student | None) -> Composed:
    """Return the reminder of somebody on the list who has no order.

    student: their account; None for who has not signed in yet.
    """
    batch = enrolment.batch
    name = "reminder_start" if student is None else "reminder_order"
    locale = student.locale if student else DEFAULT_LOCALE
    subject, body = render(
        name,
        locale,
        school=batch.school.name,
        batch=batch.name,
        closes=closing_time(batch),
        code=batch.feature_code,
    )
    return Composed(kind_of(name), locale, subject, body)


def compose_answer(student: Student) -> Composed:
    """Return the word that a question was answered; the answer itself stays behind the log-in."""
    subject, body = render("ticket_answered", student.locale)
    return Composed(kind_of("ticket_answered"), student.locale, subject, body)


def compose_decision(request: EnrolmentRequest, student: Student) -> Composed:
    """Return what the school decided; its answer stays behind the log-in.

    student: who asked, or the account that loses a contested entry.
    """
    asked = student.id == request.student_id
    name = f"request_{request.kind}_{request.state}" if asked else "request_lost"
    subject, body = render(name, student.locale, batch=request.enrolment.batch.name)
    return Composed(kind_of(name), student.locale, subject, body)


def closing_time(batch: Batch) -> str:
    """Return when a batch closes as students read it."""
    return f"{batch.closes_at.astimezone(CHINA):%Y-%m-%d %H:%M}"


def yuan(fen: int) -> str:
    """Return an amount as people read it: 3000 fen is 30.00."""
    return f"{fen // 100}.{fen % 100:02d}"


def _taken_back(session: Session, order_id: uuid.UUID, sequence: int) -> bool:
    event = _event(session, order_id, sequence)
    following = _event(session, order_id, sequence + 1)
    return (
        event is not None
        and event.transition == "approve"
        and following is not None
        and following.transition == "revoke"
    )


def _event(session: Session, order_id: uuid.UUID, sequence: int) -> OrderEvent | None:
    return session.scalars(
        select(OrderEvent).where(OrderEvent.order_id == order_id, OrderEvent.sequence == sequence)
    ).one_or_none()


def _paid(session: Session, order: Order, sequence: int) -> tuple[str, dict[str, str]]:
    if order.kind == OrderKind.REPRINT:
        return "paid_reprint", {}
    return ("paid_photo_first" if order.batch.mode == BatchMode.PHOTO_FIRST else "paid"), {}


def _approved(session: Session, order: Order, sequence: int) -> tuple[str, dict[str, str]]:
    return "approved", {}


def _rejected(session: Session, order: Order, sequence: int) -> tuple[str, dict[str, str]]:
    following = _event(session, order.id, sequence + 1)
    refunding = (
        following is not None
        and following.transition == "request_refund"
        and following.actor_kind == "system"
    )
    return ("rejected_refund" if refunding else "rejected"), {"reasons": ""}


def _shipped(session: Session, order: Order, sequence: int) -> tuple[str, dict[str, str]]:
    parcel = session.scalars(select(Shipment).where(Shipment.order_id == order.id)).one()
    return "shipped", {"carrier": parcel.carrier, "tracking_no": parcel.tracking_no}


def _refunded(session: Session, order: Order, sequence: int) -> tuple[str, dict[str, str]]:
    return "refunded", {}


def _reminder(session: Session, order: Order, sequence: int) -> tuple[str, dict[str, str]] | None:
    names = {
        OrderState.DRAFT: "reminder_unpaid",
        OrderState.PAID: "reminder_photo",
        OrderState.REJECTED: "reminder_photo",
    }
    name = names.get(OrderState(order.state))
    return (name, {"closes": closing_time(order.batch)}) if name else None


def _reasons(session: Session, order_id: uuid.UUID, sequence: int, locale: str) -> str:
    event = _event(session, order_id, sequence)
    codes = list(event.reasons) if event else []
    found = session.scalars(
        select(RejectionReason)
        .where(RejectionReason.code.in_(codes))
        .order_by(RejectionReason.position)
        .limit(MAX_REASONS)
    )
    return render_reasons(
        locale,
        [(Text(r.message_zh, r.message_en), Text(r.advice_zh, r.advice_en)) for r in found],
    )


_CHOICES = {
    "notify.paid": _paid,
    "notify.approved": _approved,
    "notify.rejected": _rejected,
    "notify.shipped": _shipped,
    "notify.refunded": _refunded,
    "notify.reminder": _reminder,
}
