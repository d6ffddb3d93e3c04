"""The page behind an invitation: a stranger with the one-time link chooses a password.

The link's secret stands behind `#`, so the browser keeps it to itself; the page's script puts it
into the form, and without scripts the person pastes it.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, request
from flask_security import url_for_security

from backoffice.admin.answers import status_of
from backoffice.admin.language import locale, t
from backoffice.admin.room import page
from backoffice.db import db
from backoffice.errors import BackofficeError, InvalidInput
from backoffice.i18n import Text
from backoffice.security.access import record_access
from backoffice.security.invitations import redeem

pages = Blueprint("invitation", __name__, url_prefix="/admin")


@pages.get("/invitation")
def show() -> Any:
    """Show the form."""
    return page("backoffice/invitation.html", problem=None)


@pages.post("/invitation")
def accept() -> Any:
    """Set the password and send the person to the log-in."""
    token, password = request.form.get("token", ""), request.form.get("password", "")
    try:
        if password != request.form.get("again", ""):
            reason = Text("两次输入的密码不一致。", "The two passwords are not the same.")
            raise InvalidInput("again", reason)
        staff = redeem(db.session(), token, password)
    except BackofficeError as error:
        db.session.rollback()
        return page(
            "backoffice/invitation.html",
            status_of(error),
            problem=error.text(locale()),
            token=token,
        )
    record_access(
        db.session(),
        staff_id=staff.id,
        action="staff:accept_invitation",
        subject_kind="staff",
        subject_id=staff.id,
        address=request.remote_addr,
    )
    db.session.commit()
    flash(t("密码已设置，请登录。", "The password is set; please log in."), "success")
    return redirect(url_for_security("login"), 303)
