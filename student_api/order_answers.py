"""Orders as the API shows them (CONTRACT section 4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import ConfigDict, Field
from sqlalchemy.orm import Session

from backoffice.models import Order, Photo, RejectionReason, ReviewDecision
from backoffice.models.vocabulary import OrderState
from backoffice.orders.actions import allowed_actions
from backoffice.orders.views import OrderFacts, facts_of, read_again
from backoffice.workflows.orders import engine
from student_api.schemas import Answer, Fen, Time

State = Literal[
    "draft",
    "paid",
    "pending_review",
    "rejected",
    "approved",
    "processing",
    "shipped",
    "completed",
    "refunding",
    "refunded",
    "closed",
]
Action = Literal[
    "cancel",
    "pay",
    "upload_photo",
    "submit",
    "withdraw",
    "request_refund",
    "confirm_receipt",
    "download_photo",
    "email_photo",
    "reprint",
]


class ItemAnswer(Answer):
    """One line of an order."""

    code: str
    name: str
    quantity: int
    unit_price_fen: Fen
    amount_fen: Fen


class SnapshotAnswer(Answer):
    """The address as it was when the order was made."""

    recipient: str
    phone: str
    province: str | None = None
    city: str | None = None
    district: str | None = None
    detail: str | None = None
    postcode: str | None = None


class DeliveryAnswer(Answer):
    """How the prints reach the student."""

    method: Literal["digital", "school", "courier"]
    address: SnapshotAnswer | None


class OrderPhotoAnswer(Answer):
    """The newest picture of the order."""

    id: str
    status: Literal["queued", "processing", "passed", "failed"]
    attempt: int


class ReasonAnswer(Answer):
    """Why a picture was rejected, and what to do."""

    code: str
    message: str
    advice: str


class RejectionAnswer(Answer):
    """The newest rejection, while it stands."""

    reasons: list[ReasonAnswer]
    note: str | None


class ShipmentAnswer(Answer):
    """The parcel."""

    carrier: str
    tracking_no: str
    shipped_at: Time
    received_at: Time | None


class OrderAnswer(Answer):
    """One order. `version` counts its events; `allowed_actions` is what may be called now."""

    id: str
    number: str
    kind: Literal["capture", "reprint"]
    state: State
    state_label: str
    version: int
    amount_fen: Fen
    currency: Literal["CNY"]
    items: list[ItemAnswer]
    delivery: DeliveryAnswer
    layout: str | None
    remark: str | None
    feature_code: str
    enrolment_id: str
    parent_id: str | None
    expires_at: Time | None
    photo: OrderPhotoAnswer | None
    rejection: RejectionAnswer | None
    shipment: ShipmentAnswer | None
    allowed_actions: list[Action]
    created_at: Time


class OneOrderAnswer(Answer):
    """One order."""

    order: OrderAnswer


class OrdersAnswer(Answer):
    """A page of orders, newest first; `next_cursor` null on the last one."""

    items: list[OrderAnswer]
    next_cursor: str | None


class EventAnswer(Answer):
    """One move of an order. `actor` is the kind of actor, never a name."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)
    sequence: int
    transition: str
    from_state: State = Field(alias="from")
    to_state: State = Field(alias="to")
    at: Time
    actor: Literal["student", "staff", "timer", "provider", "system"]
    reasons: list[str]
    note: str | None


class EventsAnswer(Answer):
    """A page of the history, oldest first; the whole of it without `limit`."""

    items: list[EventAnswer]
    next_cursor: str | None


def one_order(session: Session, order: Order, locale: str) -> OneOrderAnswer:
    """Return an order as it is now: read again, because a transition may just have moved it."""
    return OneOrderAnswer(order=order_answers(session, [read_again(session, order)], locale)[0])


def order_answers(session: Session, orders: Sequence[Order], locale: str) -> list[OrderAnswer]:
    """Return orders with everything shown beside them."""
    return [_order(session, facts, locale) for facts in facts_of(session, orders)]


def _order(session: Session, facts: OrderFacts, locale: str) -> OrderAnswer:
    order = facts.order
    label = engine().definition_of(order).states_by_name[order.state].label
    return OrderAnswer.model_validate(
        {
            "id": str(order.id),
            "number": order.number,
            "kind": order.kind,
            "state": order.state,
            "state_label": label.get(locale),
            "version": order.version,
            "amount_fen": order.amount_fen,
            "currency": order.currency or "CNY",
            "items": [_item(item, locale) for item in order.items],
            "delivery": {"method": order.delivery_method, "address": _address(order)},
            "layout": order.layout,
            "remark": order.remark,
            "feature_code": order.batch.feature_code,
            "enrolment_id": str(order.enrolment_id),
            "parent_id": str(order.parent_id) if order.parent_id else None,
            "expires_at": order.expires_at if order.state == OrderState.DRAFT else None,
            "photo": _photo(facts.photo),
            "rejection": _rejection(facts.rejection, locale),
            "shipment": facts.shipment and _shipment(facts.shipment),
            "allowed_actions": allowed_actions(session, order, facts.known),
            "created_at": order.created_at,
        }
    )


def _item(item: Any, locale: str) -> dict[str, Any]:
    return {
        "code": item.service_code,
        "name": item.name_en if locale == "en" else item.name_zh,
        "quantity": item.quantity,
        "unit_price_fen": item.unit_price_fen,
        "amount_fen": item.amount_fen,
    }


def _address(order: Order) -> dict[str, Any] | None:
    kept = order.delivery_address
    if not kept:
        return None
    return {name: kept.get(name) for name in SnapshotAnswer.model_fields if name in kept}


def _photo(photo: Photo | None) -> dict[str, Any] | None:
    if photo is None:
        return None
    return {"id": str(photo.id), "status": photo.status, "attempt": photo.attempt}


def reason_answer(reason: RejectionReason, locale: str) -> dict[str, str]:
    """Return one catalogue entry in the reader's language."""
    english = locale == "en"
    return {
        "code": reason.code,
        "message": reason.message_en if english else reason.message_zh,
        "advice": reason.advice_en if english else reason.advice_zh,
    }


def _rejection(decision: ReviewDecision | None, locale: str) -> dict[str, Any] | None:
    if decision is None:
        return None
    return {
        "reasons": [reason_answer(reason, locale) for reason in decision.reasons],
        "note": decision.note,
    }


def _shipment(shipment: Any) -> dict[str, Any]:
    return {
        "carrier": shipment.carrier,
        "tracking_no": shipment.tracking_no,
        "shipped_at": shipment.shipped_at,
        "received_at": shipment.received_at,
    }
