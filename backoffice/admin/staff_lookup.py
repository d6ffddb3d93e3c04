"""Who is behind this cookie: member, live session and seniority come in one statement a request."""

from __future__ import annotations

import uuid
from typing import Any, cast

from flask import g, session
from flask_security import SQLAlchemyUserDatastore
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from backoffice.db import db
from backoffice.models import SeniorReviewer, Staff, StaffSession

SESSION_KEY = "sid"


class StaffDatastore(SQLAlchemyUserDatastore):
    """Flask-Security's own, but for the look-up that every page begins with."""

    def find_user(self, case_insensitive: bool = False, **kwargs: Any) -> Staff | None:
        """Return the member with this attribute; by cookie, what the gate asks next comes along."""
        if set(kwargs) != {"fs_uniquifier"} or named_session() is None:
            return cast(Staff | None, super().find_user(case_insensitive, **kwargs))
        return _by_cookie(kwargs["fs_uniquifier"])


def named_session() -> uuid.UUID | None:
    """Return the id of the session row this cookie names, or None."""
    try:
        return uuid.UUID(str(session.get(SESSION_KEY)))
    except ValueError:
        return None


def _by_cookie(fs_uniquifier: str) -> Staff | None:
    query = (
        select(Staff, StaffSession, SeniorReviewer.staff_id.is_not(None))
        .select_from(Staff)
        .outerjoin(StaffSession, StaffSession.id == named_session())
        .outerjoin(SeniorReviewer, SeniorReviewer.staff_id == Staff.id)
        .where(Staff.fs_uniquifier == fs_uniquifier)
        .options(joinedload(Staff.roles))
    )
    row = db.session.execute(query).unique().one_or_none()
    if row is None:
        return None
    staff, live, senior = row
    g.staff_session_row = live  # held here, the session's own map answers the gate
    g.senior = (staff.id, senior)
    return staff
