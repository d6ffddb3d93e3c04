"""What a student may do with an order now, under the names the API uses."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy.orm import Session

from backoffice.models import Order
from backoffice.models.vocabulary import BatchMode, OrderKind, OrderState
from backoffice.orders.creation import PRINTS
from backoffice.orders.photos import takes_photos
from backoffice.orders.reprints import FINISHED_STATES, REPRINT
from backoffice.workflows.actors import student_actor
from backoffice.workflows.known import Known
from backoffice.workflows.orders import engine as process_engine

# Transitions of the engine -> calls of the API.
ACTION_OF = {
    "cancel": "cancel",
    "submit": "submit",
    "withdraw": "withdraw",
    "request_refund": "request_refund",
    "complete": "confirm_receipt",
}


def allowed_actions(session: Session, order: Order, known: Known) -> list[str]:
    """Return the student's possible actions: the engine's moves, and the calls around them.

    `pay`, `upload_photo`, `download_photo`, `email_photo` and `reprint` are no transitions of a
    student; their conditions are those of the calls themselves.
    """
    actor = student_actor(order.student_id)
    moves = process_engine().allowed(session, order, actor, known)
    actions = [ACTION_OF[move.name] for move in moves if move.name in ACTION_OF]
    if _may_pay(order, known):
        actions.append("pay")
    attempts = order.standard.attempts_within(order.batch.max_attempts)
    if takes_photos(order) and len(known.pictures.photos) < attempts:
        actions.append("upload_photo")
    if order.kind == OrderKind.CAPTURE and order.state in FINISHED_STATES:
        actions += ["download_photo", "email_photo"]
        if {service.code for service in order.batch.services} & {PRINTS, REPRINT}:
            actions.append("reprint")
    return actions


def _may_pay(order: Order, known: Known) -> bool:
    now = datetime.now(UTC)
    if order.state != OrderState.DRAFT or (order.expires_at and order.expires_at <= now):
        return False
    if order.kind != OrderKind.CAPTURE or order.batch.mode != BatchMode.PHOTO_FIRST:
        return True
    return known.pictures.passed is not None
