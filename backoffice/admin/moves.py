"""Transitions from a page: what the form sent, fired once, and the rows that are shown for it."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from backoffice.admin.people import actor
from backoffice.db import db
from backoffice.models import Order, RejectionReason
from backoffice.review.deciding import Policy, after_decision
from backoffice.review.errors import PhotoReplaced
from backoffice.review.reason_order import reasons_for
from backoffice.services import services
from backoffice.workflows.definition import Transition
from backoffice.workflows.errors import TransitionDenied, VersionConflict

FIELDS = ("note", "carrier", "tracking_no")


class NotOffered(TransitionDenied):
    """A button that is not offered to this person now."""

    code = "transition_not_offered"


def offered(order: Order) -> list[Transition]:
    """Return the transitions the signed-in member may fire now: the buttons, and no others."""
    return services().engine.allowed(db.session(), order, actor())


def posted_data(form: MultiDict[str, str]) -> dict[str, Any]:
    """Return the data a transition form carries."""
    data: dict[str, Any] = {name: form[name] for name in FIELDS if name in form}
    data["reasons"] = form.getlist("reasons")
    return data


def posted_version(form: MultiDict[str, str]) -> int:
    """Return the version of the order the person saw. Raises VersionConflict when it is absent."""
    try:
        return int(form.get("version", ""))
    except ValueError:
        raise VersionConflict(expected="?", actual="?") from None


def fire(
    order_id: uuid.UUID, name: str, form: MultiDict[str, str], photo_id: str | None = None
) -> Any:
    """Fire one transition as the signed-in member and commit. Returns the event.

    photo_id: the picture that was looked at; another one refuses the decision. The form's `key`
    makes a double click one decision. Raises what the engine raises, with nothing changed.
    """
    engine, session = services().engine, db.session()
    try:
        order = engine.lock(session, order_id)
        if photo_id is not None and str(order.photo_id) != photo_id:
            raise PhotoReplaced(expected=form.get("version", "?"), actual=order.version)
        event = engine.fire(
            session,
            order_id,
            name,
            actor=actor(),
            data=posted_data(form),
            expected_version=posted_version(form),
            idempotency_key=_key(form),
        )
        after_decision(session, order, event, review_policy())
    except Exception:
        session.rollback()
        raise
    session.commit()
    return event


def undo(order_id: uuid.UUID) -> None:
    """Take the signed-in member's latest decision on this order back and commit.

    Raises what `Engine.undo` raises, with nothing changed.
    """
    session = db.session()
    try:
        services().engine.undo(session, order_id, actor=actor())
    except Exception:
        session.rollback()
        raise
    session.commit()


def undo_until(order: Order) -> datetime | None:
    """Return until when the signed-in member may take their decision back; None if not."""
    return services().engine.undo_until(db.session(), order, actor())


def _key(form: MultiDict[str, str]) -> str | None:
    key = form.get("key", "")
    return f"admin/{key[:64]}" if key else None


def new_key() -> str:
    """Return a key for one rendering of a form."""
    return uuid.uuid4().hex


def review_policy() -> Policy:
    """Return the house's settings a review decision depends on."""
    settings = services().settings
    return Policy(settings.second_opinion_percent, settings.undo_seconds)


def live_reasons(standard: str) -> list[RejectionReason]:
    """Return the reasons in force for photos of this standard, in the catalogue's order."""
    query = select(RejectionReason).where(RejectionReason.retired_at.is_(None))
    found = db.session.scalars(query.order_by(RejectionReason.position, RejectionReason.code))
    return reasons_for(found.all(), standard)
