"""Online customer service."""

from __future__ import annotations

import uuid
from typing import Literal

from sqlalchemy import select

from backoffice.accounts import tickets
from backoffice.accounts.errors import TicketClosed, TicketNotFound
from backoffice.models import Ticket, TicketMessage
from backoffice.orders.views import find_order
from backoffice.workflows.errors import OrderNotFound
from student_api.errors import TooManyRequests
from student_api.limits import TICKET_ACCOUNT, limiter
from student_api.operations import Call, operation
from student_api.paging import PageQuery, ShortListQuery, cursor_after
from student_api.schemas import Answer, Line60, Line100, LongText, Request, Time


class TicketRequest(Request):
    """A question, about an order where it is about one."""

    subject: Line100
    body: LongText
    order_id: Line60 | None = None


class MessageRequest(Request):
    """One more message."""

    body: LongText


class TicketAnswer(Answer):
    """A conversation."""

    id: str
    subject: str
    state: Literal["open", "answered", "closed"]
    order_id: str | None
    created_at: Time


class OneTicketAnswer(Answer):
    """One conversation."""

    ticket: TicketAnswer


class TicketsAnswer(Answer):
    """A page of conversations, newest first."""

    items: list[TicketAnswer]
    next_cursor: str | None


class MessageAnswer(Answer):
    """One message."""

    id: str
    author: Literal["student", "staff"]
    body: str
    created_at: Time


class OneMessageAnswer(Answer):
    """One message."""

    message: MessageAnswer


class MessagesAnswer(Answer):
    """Messages, oldest first; all of them without `limit`."""

    items: list[MessageAnswer]
    next_cursor: str | None


def _ticket(ticket: Ticket) -> TicketAnswer:
    return TicketAnswer.model_validate(
        {
            "id": str(ticket.id),
            "subject": ticket.subject,
            "state": ticket.state,
            "order_id": str(ticket.order_id) if ticket.order_id else None,
            "created_at": ticket.created_at,
        }
    )


def _message(message: TicketMessage) -> MessageAnswer:
    return MessageAnswer.model_validate(
        {
            "id": str(message.id),
            "author": message.author,
            "body": message.body,
            "created_at": message.created_at,
        }
    )


@operation(
    "POST",
    "/tickets",
    tag="tickets",
    summary="Ask a question",
    request=TicketRequest,
    answer=OneTicketAnswer,
    status=201,
    errors=(OrderNotFound, TooManyRequests),
)
def open_ticket(call: Call, body: TicketRequest) -> OneTicketAnswer:
    """Open a ticket with its first message."""
    limiter().take((TICKET_ACCOUNT, str(call.student.id)))
    order_id = None
    if body.order_id is not None:
        try:
            order_id = find_order(call.session, call.student, uuid.UUID(body.order_id)).id
        except ValueError:
            raise OrderNotFound() from None
    ticket = tickets.open_ticket(call.session, call.student, body.subject, body.body, order_id)
    return OneTicketAnswer(ticket=_ticket(ticket))


@operation(
    "GET", "/tickets", tag="tickets", summary="My tickets", query=PageQuery, answer=TicketsAnswer
)
def get_tickets(call: Call) -> TicketsAnswer:
    """Return the student's tickets, newest first."""
    page: PageQuery = call.query
    query = select(Ticket).where(Ticket.student_id == call.student.id)
    position = page.position()
    if position is not None:
        query = query.where(Ticket.id < position)
    rows = list(call.session.scalars(query.order_by(Ticket.id.desc()).limit(page.limit + 1)))
    shown = rows[: page.limit]
    return TicketsAnswer(
        items=[_ticket(row) for row in shown],
        next_cursor=cursor_after(shown[-1].id) if len(rows) > page.limit else None,
    )


@operation(
    "GET",
    "/tickets/{id}/messages",
    tag="tickets",
    summary="Messages of a ticket",
    query=ShortListQuery,
    answer=MessagesAnswer,
    errors=(TicketNotFound,),
)
def get_messages(call: Call) -> MessagesAnswer:
    """Return every message, oldest first."""
    ticket = tickets.find_ticket(call.session, call.student, call.id("id", TicketNotFound))
    messages = sorted(ticket.messages, key=lambda message: message.id)
    shown, more = call.query.page(messages)
    return MessagesAnswer(items=[_message(message) for message in shown], next_cursor=more)


@operation(
    "POST",
    "/tickets/{id}/messages",
    tag="tickets",
    summary="Write a message",
    request=MessageRequest,
    answer=OneMessageAnswer,
    status=201,
    errors=(TicketNotFound, TicketClosed, TooManyRequests),
)
def write_message(call: Call, body: MessageRequest) -> OneMessageAnswer:
    """Write one more message; an answered ticket is open again."""
    limiter().take((TICKET_ACCOUNT, str(call.student.id)))
    ticket = tickets.find_ticket(call.session, call.student, call.id("id", TicketNotFound))
    return OneMessageAnswer(
        message=_message(tickets.add_student_message(call.session, ticket, body.body))
    )
