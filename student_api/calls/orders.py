"""Orders: making one, looking at them, and the moves a student may make."""

from __future__ import annotations

import uuid
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from backoffice.accounts.addresses import address_snapshot, find_address
from backoffice.accounts.consents import require_consents
from backoffice.accounts.errors import AddressNotFound, ConsentOutdated, ConsentRequired
from backoffice.enrolments.errors import BatchNotOpen, EnrolmentNotFound
from backoffice.enrolments.identification import find_enrolment
from backoffice.enrolments.windows import require_open
from backoffice.models import Address
from backoffice.models.vocabulary import DeliveryMethod
from backoffice.orders import errors
from backoffice.orders.creation import Wish
from backoffice.orders.creation import create_order as create
from backoffice.orders.views import events_of, find_order, page_of_orders, version_of
from backoffice.workflows import errors as moves
from backoffice.workflows.actors import student_actor
from backoffice.workflows.guards import NothingToRefund, PhotoNotReady
from student_api.operations import Call, operation
from student_api.order_answers import (
    EventAnswer,
    EventsAnswer,
    OneOrderAnswer,
    OrdersAnswer,
    one_order,
    order_answers,
)
from student_api.paging import PageQuery, ShortListQuery, cursor_after
from student_api.schemas import AS_WHOLE, Code, Line60, Note, Request
from student_api.waiting import MAX_WAIT_SECONDS, wait_until

# Notes of these moves are meant for the student; others are between staff.
NOTES_SHOWN = ("reject",)
MOVE_ERRORS = (
    moves.OrderNotFound,
    moves.TransitionNotAllowed,
    moves.VersionConflict,
    moves.OrderBusy,
    moves.ChainBroken,
)


class DeliveryRequest(Request):
    """`address_id` is needed for `courier`."""

    method: Literal["digital", "school", "courier"]
    address_id: Line60 | None = None


class OrderRequest(Request):
    """A new order."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "enrolment_id": "0198b0f2-5d3c-7a11-9c55-3f1f6f0f4f10",
                    "services": ["portrait", "prints"],
                    "layout": "mixed-8-4",
                    "delivery": {"method": "school"},
                }
            ]
        }
    )
    enrolment_id: Line60
    services: Annotated[list[Code], Field(max_length=20)]
    layout: Line60 | None = Field(
        default=None, description="for the service `prints`; absent: the batch's first"
    )
    delivery: DeliveryRequest
    remark: Note | None = None


class MoveRequest(Request):
    """`version`: the order's version the client has seen; another one is refused."""

    version: Annotated[int, Field(ge=0, le=2**31), AS_WHOLE] | None = None


class EventsQuery(ShortListQuery):
    """`after`: only events with a greater sequence. `wait`: seconds to wait for the first one."""

    after: int = Field(default=0, ge=0, le=2**31)
    wait: int = Field(default=0, ge=0, le=MAX_WAIT_SECONDS)


class RefundRequest(MoveRequest):
    """Optionally with the reason."""

    note: Note | None = None


@operation(
    "POST",
    "/orders",
    tag="orders",
    summary="Order",
    request=OrderRequest,
    answer=OneOrderAnswer,
    status=201,
    errors=(
        EnrolmentNotFound,
        AddressNotFound,
        BatchNotOpen,
        ConsentRequired,
        ConsentOutdated,
        errors.EnrolmentNotConfirmed,
        errors.OrderExists,
        errors.ServiceNotOffered,
        errors.LayoutNotOffered,
        errors.DeliveryNotOffered,
        errors.AddressRequired,
    ),
)
def create_order(call: Call, body: OrderRequest) -> OneOrderAnswer:
    """Make an order in `draft`; unpaid it closes after the batch's minutes.

    Required services are added. `courier` needs one of the student's own addresses. Prints
    ordered with `digital` wait at the school.
    """
    require_consents(call.session, call.student)
    enrolment = find_enrolment(call.session, call.student, _id(body.enrolment_id))
    require_open(enrolment.batch)
    address = None
    if body.delivery.method == DeliveryMethod.COURIER.value and body.delivery.address_id:
        address = address_snapshot(own_address(call, body.delivery.address_id))
    wish = Wish(
        services=body.services,
        delivery_method=body.delivery.method,
        address=address,
        layout=body.layout,
        remark=body.remark,
    )
    order = create(call.session, call.student, enrolment, wish)
    return one_order(call.session, order, call.locale)


@operation(
    "GET", "/orders", tag="orders", summary="My orders", query=PageQuery, answer=OrdersAnswer
)
def get_orders(call: Call) -> OrdersAnswer:
    """Return the student's orders, newest first."""
    page: PageQuery = call.query
    rows = page_of_orders(call.session, call.student, page.limit + 1, page.position())
    shown = rows[: page.limit]
    return OrdersAnswer(
        items=order_answers(call.session, shown, call.locale),
        next_cursor=cursor_after(shown[-1].id) if len(rows) > page.limit else None,
    )


@operation(
    "GET",
    "/orders/{id}",
    tag="orders",
    summary="One order",
    answer=OneOrderAnswer,
    polled=True,
    errors=(moves.OrderNotFound,),
)
def get_order(call: Call) -> OneOrderAnswer:
    """Return one order.

    `allowed_actions` lists the calls that are possible now: `cancel`, `pay` (POST payments),
    `upload_photo` (POST photos), `submit`, `withdraw`, `request_refund`, `confirm_receipt`,
    `download_photo`, `email_photo` and `reprint`.
    """
    order = find_order(call.session, call.student, call.id("id", moves.OrderNotFound))
    return OneOrderAnswer(order=order_answers(call.session, [order], call.locale)[0])


@operation(
    "GET",
    "/orders/{id}/events",
    tag="orders",
    summary="History of an order",
    query=EventsQuery,
    answer=EventsAnswer,
    polled=True,
    errors=(moves.OrderNotFound,),
)
def get_events(call: Call) -> EventsAnswer:
    """Return every move of the order, oldest first.

    With `after` (a sequence, or the order's `version`) only later ones; with `wait` the answer
    waits that many seconds for the first of them, so a client need not ask again and again. A
    server that is busy answers at once: pause a second before asking again then.
    """
    order = find_order(call.session, call.student, call.id("id", moves.OrderNotFound))
    order_id, query = order.id, call.query
    wait_until(call.session, query.wait, lambda: version_of(call.session, order_id) > query.after)
    shown, more = query.page(events_of(call.session, order, query.after))
    return EventsAnswer(
        items=[
            EventAnswer.model_validate(
                {
                    "sequence": event.sequence,
                    "transition": event.transition,
                    "from": event.from_state,
                    "to": event.to_state,
                    "at": event.at,
                    "actor": event.actor_kind,
                    "reasons": event.reasons,
                    "note": event.note
                    if event.transition in NOTES_SHOWN or event.actor_kind == "student"
                    else None,
                }
            )
            for event in shown
        ],
        next_cursor=more,
    )


def _move(
    call: Call, transition: str, body: MoveRequest, note: str | None = None
) -> OneOrderAnswer:
    order_id = call.id("id", moves.OrderNotFound)
    order = find_order(call.session, call.student, order_id)
    call.services.engine.fire(
        call.session,
        order_id,
        transition,
        actor=student_actor(call.student.id),
        data={"note": note} if note else None,
        expected_version=body.version,
    )
    return one_order(call.session, order, call.locale)


@operation(
    "POST",
    "/orders/{id}/cancel",
    tag="orders",
    summary="Cancel",
    request=MoveRequest,
    answer=OneOrderAnswer,
    errors=MOVE_ERRORS,
)
def cancel_order(call: Call, body: MoveRequest) -> OneOrderAnswer:
    """Close an unpaid order."""
    return _move(call, "cancel", body)


@operation(
    "POST",
    "/orders/{id}/submit",
    tag="orders",
    summary="Submit for review",
    request=MoveRequest,
    answer=OneOrderAnswer,
    errors=(*MOVE_ERRORS, PhotoNotReady),
)
def submit_order(call: Call, body: MoveRequest) -> OneOrderAnswer:
    """Put the newest picture that passed its checks before the reviewers."""
    return _move(call, "submit", body)


@operation(
    "POST",
    "/orders/{id}/withdraw",
    tag="orders",
    summary="Withdraw from review",
    request=MoveRequest,
    answer=OneOrderAnswer,
    errors=MOVE_ERRORS,
)
def withdraw_order(call: Call, body: MoveRequest) -> OneOrderAnswer:
    """Take the picture back, until a decision is made."""
    return _move(call, "withdraw", body)


@operation(
    "POST",
    "/orders/{id}/request-refund",
    tag="orders",
    summary="Ask for a refund",
    request=RefundRequest,
    answer=OneOrderAnswer,
    errors=(*MOVE_ERRORS, NothingToRefund),
)
def request_refund(call: Call, body: RefundRequest) -> OneOrderAnswer:
    """Get the money back, from `paid` or `rejected`."""
    return _move(call, "request_refund", body, body.note)


@operation(
    "POST",
    "/orders/{id}/confirm-receipt",
    tag="orders",
    summary="Confirm receipt",
    request=MoveRequest,
    answer=OneOrderAnswer,
    errors=MOVE_ERRORS,
)
def confirm_receipt(call: Call, body: MoveRequest) -> OneOrderAnswer:
    """Say that the parcel has arrived."""
    return _move(call, "complete", body)


def own_address(call: Call, address_id: str) -> Address:
    """Return one of the student's addresses by the id of a body. Raises AddressNotFound."""
    try:
        wanted = uuid.UUID(address_id)
    except ValueError:
        raise AddressNotFound() from None
    return find_address(call.session, call.student, wanted)


def _id(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise EnrolmentNotFound() from None
