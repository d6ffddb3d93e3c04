"""Between sign-in and the rooms: live session, password of one's own, second factor where required.

Runs before every view below /admin, ours or a library's: what is not named here waits until the
account is in order.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask, abort, flash, g, redirect, request, session, url_for
from flask_security import logout_user, url_for_security

from backoffice.admin.headers import under_admin
from backoffice.admin.language import t
from backoffice.admin.people import member
from backoffice.admin.staff_lookup import SESSION_KEY
from backoffice.db import db
from backoffice.models import Staff
from backoffice.security import second_factor
from backoffice.security.staff_sessions import live_session, note_seen
from backoffice.services import services

ALWAYS = frozenset({"security.logout", "backoffice_admin.choose_language"})
PASSWORD_STEP = "security.change_password"  # noqa: S105
SECOND_FACTOR_STEP = "account.second_factor"
SECOND_FACTOR_PAGES = frozenset({SECOND_FACTOR_STEP, "account.prove"})
# Flask-Security brings these along; ours ask for the password again and show codes once.
REPLACED = frozenset(
    {
        "security.two_factor_setup",
        "security.two_factor_setup_validate",
        "security.two_factor_rescue",
        "security.tf_select",
        "security.mf_recovery_codes",
    }
)


def init_app(app: Flask) -> None:
    """Put the gate before every view below /admin."""
    app.before_request(pass_gate)


def pass_gate() -> Any:
    """Return nothing to let the request pass, or the answer that leads to what is missing."""
    endpoint = request.endpoint or ""
    if not under_admin() or endpoint.endswith(".static"):
        return None
    if endpoint in REPLACED:
        abort(404)
    staff = member()
    if staff is None:
        return None  # the rooms send strangers to the log-in
    if not _alive(staff):
        logout_user()
        session.clear()
        flash(t("登录已失效，请重新登录。", "You were signed out; please log in again."), "info")
        return redirect(url_for_security("login"))
    step = missing_step(staff)
    if step is None or endpoint in ALWAYS or endpoint in step[1]:
        return None
    return redirect(step[0])


def missing_step(staff: Staff) -> tuple[str, frozenset[str]] | None:
    """Return the page this account must visit first and the endpoints it may use; None if none."""
    if staff.must_change_password:
        return url_for(PASSWORD_STEP), frozenset({PASSWORD_STEP})
    required = second_factor.is_required(staff, services().settings)
    if required and not second_factor.is_set_up(staff):
        return url_for(SECOND_FACTOR_STEP), SECOND_FACTOR_PAGES
    return None


def _alive(staff: Staff) -> bool:
    now = datetime.now(UTC)
    idle = timedelta(hours=services().settings.staff_session_hours)
    row = live_session(db.session(), session.get(SESSION_KEY), staff.id, now, idle)
    if row is None:
        db.session.commit()
        return False
    g.staff_session = row.id
    if note_seen(row, now):
        db.session.commit()
    return True
