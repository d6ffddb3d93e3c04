"""Questions to the staff and their answers."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from backoffice.accounts.errors import TicketClosed, TicketNotFound
from backoffice.models import OutboxRow, Student, Ticket, TicketMessage

ANSWERED = "notify.ticket"


def open_ticket(
    session: Session, student: Student, subject: str, body: str, order_id: uuid.UUID | None
) -> Ticket:
    """Write a ticket with its first message. The caller has checked the order. Flushes."""
    ticket = Ticket(student_id=student.id, order_id=order_id, subject=subject)
    session.add(ticket)
    session.flush()
    session.add(TicketMessage(ticket_id=ticket.id, author="student", body=body))
    session.flush()
    return ticket


def find_ticket(session: Session, student: Student, ticket_id: uuid.UUID) -> Ticket:
    """Return one ticket of this student. Raises TicketNotFound."""
    ticket = session.scalars(
        select(Ticket).where(Ticket.id == ticket_id, Ticket.student_id == student.id)
    ).one_or_none()
    if ticket is None:
        raise TicketNotFound()
    return ticket


def add_student_message(session: Session, ticket: Ticket, body: str) -> TicketMessage:
    """Write the student's message; the ticket waits for staff again. Raises TicketClosed."""
    session.refresh(ticket, with_for_update=True)
    if ticket.state == "closed":
        raise TicketClosed()
    message = TicketMessage(ticket_id=ticket.id, author="student", body=body)
    session.add(message)
    ticket.state = "open"
    session.flush()
    return message


def add_staff_message(
    session: Session, ticket: Ticket, staff_id: uuid.UUID, body: str
) -> TicketMessage:
    """Write an answer of the staff; the ticket then counts as answered, the student is told.

    Raises TicketClosed.
    """
    session.refresh(ticket, with_for_update=True)
    if ticket.state == "closed":
        raise TicketClosed()
    message = TicketMessage(ticket_id=ticket.id, author="staff", staff_id=staff_id, body=body)
    session.add(message)
    ticket.state = "answered"
    session.flush()
    session.add(
        OutboxRow(
            order_id=ticket.order_id,
            effect=ANSWERED,
            payload={"message_id": str(message.id)},
            dedupe_key=f"{ANSWERED}/{message.id}",
        )
    )
    session.flush()
    return message


def close_ticket(session: Session, ticket: Ticket) -> None:
    """Close a ticket; nobody writes in it any more. Closing it twice changes nothing. Flushes."""
    session.refresh(ticket, with_for_update=True)
    if ticket.state != "closed":
        ticket.state, ticket.closed_at = "closed", datetime.now(UTC)
        session.flush()
