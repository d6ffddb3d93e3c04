"""notify.* and email.photo: row first, provider second, result third; each its own transaction."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from sqlalchemy import select

from backoffice.messaging import operations
from backoffice.messaging.composing import (
    Composed,
    compose,
    compose_answer,
    compose_decision,
    compose_invitation,
)
from backoffice.messaging.messages import Attachment, Email, Sms
from backoffice.messaging.providers import email_provider, sms_provider
from backoffice.messaging.templates import render, sms_text
from backoffice.models import (
    Enrolment,
    EnrolmentRequest,
    Message,
    Order,
    Photo,
    Student,
    Ticket,
    TicketMessage,
)
from backoffice.models.vocabulary import DEAD_STATES, BatchState, OrderKind, OrderState
from worker.jobs.job import Job, TryAgain


def notify(job: Job) -> None:
    """Tell the student what happened, by SMS, and by e-mail where the account has an address."""
    order = job.session.get_one(Order, uuid.UUID(job.payload["order_id"]))
    _tell(job, order, int(job.payload["sequence"]))


def remind(job: Job) -> None:
    """Remind a student of the list of what is to be done now; nobody who has finished meanwhile.

    The text follows the order as it stands when the message leaves. Who has no account yet is
    reached by the phone of the roster.
    """
    if "enrolment_id" not in job.payload:  # written before reminders went by the list
        return notify(job)
    session = job.session
    enrolment = session.get_one(Enrolment, uuid.UUID(job.payload["enrolment_id"]))
    order = session.scalars(
        select(Order)
        .where(Order.enrolment_id == enrolment.id, Order.kind == OrderKind.CAPTURE)
        .order_by(Order.state.not_in(DEAD_STATES).desc(), Order.created_at.desc())
        .limit(1)
    ).first()
    if enrolment.batch.state != BatchState.OPEN:
        return None
    if order is not None and order.state != OrderState.CLOSED:
        return _tell(job, order, order.version)
    return _invite(job, enrolment)


def tell_answer(job: Job) -> None:
    """Tell a student that the staff have answered their question."""
    said = job.session.get(TicketMessage, uuid.UUID(job.payload["message_id"]))
    if said is None:  # the account was erased meanwhile
        return
    ticket = job.session.get_one(Ticket, said.ticket_id)
    student = job.session.get_one(Student, ticket.student_id)
    if not student.active or student.erasure_requested_at:
        return
    order = job.session.get(Order, ticket.order_id) if ticket.order_id else None
    _send_both(job, student, compose_answer(student), order)


def tell_decision(job: Job) -> None:
    """Tell a student what the school decided about a correction or a contest."""
    request = job.session.get(EnrolmentRequest, uuid.UUID(job.payload["request_id"]))
    student = job.session.get_one(Student, uuid.UUID(job.payload["student_id"]))
    if request is None or not student.active or student.erasure_requested_at:
        return
    _send_both(job, student, compose_decision(request, student), None)


def _tell(job: Job, order: Order, sequence: int) -> None:
    composed = compose(job.session, job.effect, order, sequence)
    if composed is not None:
        _send_both(job, order.student, composed, order)


def _invite(job: Job, enrolment: Enrolment) -> None:
    student = job.session.get(Student, enrolment.student_id) if enrolment.student_id else None
    phone = student.phone if student else enrolment.phone
    if not phone or (student and (not student.active or student.erasure_requested_at)):
        return
    composed = compose_invitation(enrolment, student)
    provider = sms_provider(job.services.settings)
    message = operations.claim_prepared(
        job.session,
        dedupe_key=f"{job.outbox_id}/sms",
        order=None,
        enrolment=enrolment,
        channel="sms",
        provider=provider.name,
        recipient=phone,
        template=composed.template,
        locale=composed.locale,
        body=sms_text(composed.body, composed.locale),
    )
    if message is None:
        return
    sms = Sms(str(message.id), phone, message.body, message.locale, message.template)
    if _send(job, message, lambda: provider.send(sms)):
        raise TryAgain("message_refused")


def _send_both(job: Job, student: Student, composed: Composed, order: Order | None) -> None:
    again = [_sms(job, student, composed, order), _email(job, student, composed, order)]
    if any(again):
        raise TryAgain("message_refused")


def _sms(job: Job, student: Student, composed: Composed, order: Order | None) -> bool:
    provider = sms_provider(job.services.settings)
    message = operations.claim_message(
        job.session, student, composed, "sms", provider.name, f"{job.outbox_id}/sms", order
    )
    if message is None:
        job.session.commit()
        return False
    sms = Sms(str(message.id), message.recipient, message.body, message.locale, message.template)
    return _send(job, message, lambda: provider.send(sms))


def _email(job: Job, student: Student, composed: Composed, order: Order | None) -> bool:
    provider = email_provider(job.services.settings)
    message = operations.claim_message(
        job.session, student, composed, "email", provider.name, f"{job.outbox_id}/email", order
    )
    if message is None:
        job.session.commit()
        return False
    email = Email(
        str(message.id), message.recipient, composed.subject, message.body, message.locale,
        message.template,
    )  # fmt: skip
    return _send(job, message, lambda: provider.send(email))


def _send(job: Job, message: Message, send: Callable[[], str]) -> bool:
    """Commit the claim, send, commit the result; True if it must be sent again later."""
    message_id = message.id
    job.session.commit()
    result = operations.deliver(send)
    again = operations.record_result(job.session, message_id, result)
    job.session.commit()
    return again


def email_photo(job: Job) -> None:
    """Send the finished picture to the address the student gave, or to the account's own."""
    order = job.session.get_one(Order, uuid.UUID(job.payload["order_id"]))
    sealed = job.payload.get("sealed_address")
    address = operations.open_address(sealed) if sealed else order.student.email
    source = order
    if order.parent_id is not None:
        source = job.session.get_one(Order, order.parent_id)
    photo = job.session.get(Photo, source.photo_id) if source.photo_id else None
    if not address or photo is None or photo.result_key is None:
        return
    locale = order.student.locale
    subject, body = render("finished_photo", locale, number=order.number)
    provider = email_provider(job.services.settings)
    picture = job.services.storage.get(photo.result_key)
    message = operations.claim_prepared(
        job.session,
        dedupe_key=f"{job.outbox_id}/email",
        order=order,
        channel="email",
        provider=provider.name,
        recipient=address,
        template="finished_photo",
        locale=locale,
        body=body,
    )
    if message is None:
        return
    email = Email(
        str(message.id), address, subject, body, locale, "finished_photo",
        (Attachment(f"{order.number}.jpg", "image/jpeg", picture),),
    )  # fmt: skip
    if _send(job, message, lambda: provider.send(email)):
        raise TryAgain("message_refused")
