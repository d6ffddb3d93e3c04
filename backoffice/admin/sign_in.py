"""Staff log-in, log-out and change of password: Flask-Security with our own pages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask, Response, request, session
from flask_security import Security, SQLAlchemyUserDatastore, user_authenticated

from backoffice.admin.answers import error_page
from backoffice.admin.language import t
from backoffice.db import db
from backoffice.models import Role, Staff
from backoffice.security.access import record_access
from backoffice.security.attempts import SignInBrake
from backoffice.security.staff_accounts import PASSWORD_MIN
from backoffice.services import services

LOGIN_PATH = "/admin/login"


def configure(app: Flask) -> None:
    """Set up Flask-Security: log in, log out, change the password, and nothing else."""
    settings = app.extensions["backoffice"].settings
    https = settings.public_url.startswith("https://")
    app.config.update(
        SECURITY_URL_PREFIX="/admin",
        SECURITY_POST_LOGIN_VIEW="/admin/",
        SECURITY_POST_LOGOUT_VIEW=LOGIN_PATH,
        SECURITY_POST_CHANGE_VIEW="/admin/",
        SECURITY_LOGIN_USER_TEMPLATE="backoffice/login.html",
        SECURITY_CHANGE_PASSWORD_TEMPLATE="backoffice/change_password.html",  # noqa: S106
        SECURITY_PASSWORD_HASH="argon2",  # noqa: S106
        SECURITY_PASSWORD_SCHEMES=["argon2"],
        # argon2 needs no second secret; so an account can be written without the web application
        SECURITY_PASSWORD_SINGLE_HASH={"argon2"},
        SECURITY_PASSWORD_LENGTH_MIN=PASSWORD_MIN,
        SECURITY_CHANGEABLE=True,
        SECURITY_SEND_PASSWORD_CHANGE_EMAIL=False,
        SECURITY_FRESHNESS=timedelta(minutes=-1),  # no page for it: the current password is asked
        SECURITY_REGISTERABLE=False,
        SECURITY_RECOVERABLE=False,
        SECURITY_TRACKABLE=False,
        SECURITY_RETURN_GENERIC_RESPONSES=True,
        SECURITY_EMAIL_VALIDATOR_ARGS={"check_deliverability": False},
        SECURITY_DATETIME_FACTORY=lambda: datetime.now(UTC),
        SECURITY_API_ENABLED_METHODS=["session"],
        SECURITY_STATIC_FOLDER_URL="/fs-static",
        SESSION_COOKIE_NAME="backoffice",
        SESSION_COOKIE_PATH="/admin",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=https,
        REMEMBER_COOKIE_DURATION=0,
    )
    Security(app, SQLAlchemyUserDatastore(db, Staff, Role))
    user_authenticated.connect(_note_sign_in, app, weak=False)
    app.before_request(_brake)
    app.after_request(_count_failure)


def _brake() -> Response | None:
    if not _signing_in() or not services().settings.rate_limits:
        return None
    wait = SignInBrake(services().redis).seconds_to_wait(*_who_tries())
    if wait == 0:
        return None
    minutes = -(-wait // 60)
    answer = error_page(
        429,
        t("尝试次数过多", "Too many attempts"),
        t(f"请 {minutes} 分钟后再试。", f"Please try again in {minutes} minutes."),
        "too_many_attempts",
    )
    answer.headers["Retry-After"] = str(wait)
    return answer


def _count_failure(response: Response) -> Response:
    if _signing_in() and services().settings.rate_limits and response.status_code == 200:
        SignInBrake(services().redis).failed(*_who_tries())
    return response


def _signing_in() -> bool:
    return request.method == "POST" and request.path == LOGIN_PATH


def _who_tries() -> tuple[str, str]:
    return request.remote_addr or "", request.form.get("email", "")


def _note_sign_in(app: Flask, user: Staff, **_: Any) -> None:
    """Keep when the account was used, and who signed in from where."""
    session.pop("locale", None) if user.locale == session.get("locale") else None
    user.last_login_at = user.current_login_at
    user.current_login_at = datetime.now(UTC)
    user.login_count += 1
    record_access(
        db.session(),
        staff_id=user.id,
        action="staff:sign_in",
        subject_kind="staff",
        subject_id=user.id,
        address=request.remote_addr,
    )
    db.session.commit()
    SignInBrake(services().redis).succeeded(*_who_tries())
