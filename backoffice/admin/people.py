"""The signed-in member of staff, as the rooms and the engine see them."""

from __future__ import annotations

import uuid
from typing import cast

from flask import g, has_request_context, request
from flask_security import current_user

from backoffice.db import db
from backoffice.models import Staff
from backoffice.review.escalations import is_senior
from backoffice.security.access import record_access
from backoffice.security.permissions import may_enter, staff_as_actor
from backoffice.workflows.actors import Actor


def member() -> Staff | None:
    """Return the signed-in member of staff, or None."""
    if not has_request_context() or not current_user.is_authenticated:
        return None
    return cast(Staff, current_user._get_current_object())


def me() -> Staff:
    """Return the signed-in member of staff; only behind a room's door."""
    found = member()
    assert found is not None, "rooms are closed to strangers"
    return found


def may(room: str) -> bool:
    """Return whether the signed-in member may use `room`."""
    found = member()
    return found is not None and may_enter(found, room)


def senior() -> bool:
    """Return whether the signed-in member is a senior reviewer, read once a request."""
    found = member()
    if found is None:
        return False
    known: tuple[uuid.UUID, bool] | None = g.get("senior")
    if known is None or known[0] != found.id:
        known = g.senior = (found.id, is_senior(db.session(), found.id))
    return known[1]


def actor() -> Actor:
    """Return the signed-in member as the workflow engine wants them."""
    return staff_as_actor(me())


def own_school() -> uuid.UUID | None:
    """Return the one school this member sees; None sees all."""
    return me().school_id


def record(action: str, subject_kind: str, subject_id: object, **data: str | int) -> None:
    """Add an access record for the signed-in member; the view commits."""
    record_access(
        db.session(),
        staff_id=me().id,
        action=action,
        subject_kind=subject_kind,
        subject_id=subject_id,
        address=request.remote_addr,
        data=dict(data),
    )
