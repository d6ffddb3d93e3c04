"""What one call's answer gives the next: the links of the description."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Link:
    """What an answer gives the next call `to`: values of its path and fields of its body."""

    to: str
    path: dict[str, str] = field(default_factory=dict)
    body: dict[str, str] = field(default_factory=dict)


def _to(pointer: str, *names: str) -> tuple[Link, ...]:
    """Links to calls whose `id` stands at `pointer` of the answer."""
    return tuple(Link(name, {"id": f"$response.body#{pointer}"}) for name in names)


_SAME_ORDER = {"id": "$request.path.id"}
_PLACE = {"enrolment_id": "$response.body#/enrolment/id"}
LINKS: dict[str, tuple[Link, ...]] = {
    "get_batch": tuple(
        Link(name, {"feature_code": "$response.body#/feature_code"})
        for name in ("identify_student", "contest")
    ),
    "identify_student": (
        *_to("/enrolment/id", "confirm_enrolment", "get_enrolment", "ask_correction"),
        Link("create_order", body=_PLACE),
    ),
    "enrol": (*_to("/enrolment/id", "get_enrolment"), Link("create_order", body=_PLACE)),
    "confirm_enrolment": (Link("create_order", body=_PLACE),),
    "get_enrolments": _to("/items/0/id", "get_enrolment", "confirm_enrolment", "ask_correction"),
    "create_order": (
        *_to("/order/id", "get_order", "get_events", "cancel_order", "create_payment",
             "create_upload", "upload_photo", "submit_order", "request_refund",
             "get_finished_photo"),
        *(Link(name, body={"order_id": "$response.body#/order/id"})
          for name in ("open_ticket", "create_reprint")),
    ),
    "get_orders": _to("/items/0/id", "get_order", "get_events", "upload_photo"),
    "create_payment": tuple(
        Link(name, _SAME_ORDER) for name in ("get_order", "get_events", "upload_photo")
    ),
    "upload_photo": (
        Link("get_photo", {**_SAME_ORDER, "photo_id": "$response.body#/photo/id"}),
        Link("submit_order", _SAME_ORDER),
    ),
    "create_upload": _to("/upload/id", "get_upload", "send_part", "finish_upload", "delete_upload"),
    "add_address": _to("/address/id", "get_address", "change_address", "remove_address"),
    "open_ticket": _to("/ticket/id", "get_messages", "write_message"),
}  # fmt: skip


def links_of(name: str) -> dict[str, Any]:
    """Return the `links` object of a call's answer."""
    return {
        link.to: {
            "operationId": link.to,
            **({"parameters": link.path} if link.path else {}),
            **({"requestBody": link.body} if link.body else {}),
        }
        for link in LINKS[name]
    }
