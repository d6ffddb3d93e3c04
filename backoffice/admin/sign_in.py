"""Staff log-in with a second factor, log-out and change of password: Flask-Security, our pages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

from flask import Flask, Response, g, request, session
from flask_login import user_logged_out
from flask_security import (
    LoginForm,
    PasswordUtil,
    Security,
    password_changed,
    user_authenticated,
)
from sqlalchemy import func, select

from backoffice.admin import gate
from backoffice.admin.answers import error_page
from backoffice.admin.language import say, t
from backoffice.admin.staff_lookup import SESSION_KEY, StaffDatastore, named_session
from backoffice.db import db
from backoffice.models import Role, Staff
from backoffice.security.access import record_access
from backoffice.security.attempts import SignInBrake
from backoffice.security.passwords import PASSWORD_MIN, weakness
from backoffice.security.second_factor import RecoveryCodes, StaffTotp
from backoffice.security.staff_accounts import count_failure, lock_row, unlock
from backoffice.security.staff_sessions import end_all, open_session
from backoffice.services import services

LOGIN_PATH = "/admin/login"
CODE_PATHS = ("/admin/code", "/admin/recovery")
CODE_MINUTES = 10  # between the password and the code


class StaffPasswords(PasswordUtil):
    """Our rules for passwords, where Flask-Security asks."""

    def validate(
        self, password: str, is_register: bool, **kwargs: Any
    ) -> tuple[list[str] | None, str]:
        """Return what is wrong in the reader's language (None if nothing is), and the password."""
        normal = self.normalize(password)
        user = kwargs.get("user")
        reason = weakness(normal, (user.name, user.email) if user is not None else ())
        return ([say(reason)] if reason else None), normal


class StaffLogin(LoginForm):
    """A locked account does not open, not even with the right password; the words are the same."""

    def validate(self, **kwargs: Any) -> bool:
        """Return whether this person may come in."""
        if not super().validate(**kwargs):
            return False
        if cast(Staff, self.user).locked:
            self.form_errors.append("locked")
            return False
        return True


def configure(app: Flask) -> None:
    """Set up Flask-Security: log in, second factor, log out, change the password, nothing else."""
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
        SECURITY_TWO_FACTOR=True,
        SECURITY_TWO_FACTOR_REQUIRED=False,  # of whom it is required is decided in `gate`
        SECURITY_TWO_FACTOR_ENABLED_METHODS=["authenticator"],
        SECURITY_TWO_FACTOR_ALWAYS_VALIDATE=True,
        SECURITY_TWO_FACTOR_RESCUE_EMAIL=False,
        SECURITY_TWO_FACTOR_TOKEN_VALIDATION_URL="/code",  # noqa: S106
        SECURITY_TWO_FACTOR_VERIFY_CODE_TEMPLATE="backoffice/second_factor_code.html",
        SECURITY_TOTP_SECRETS={"1": settings.secret_key},  # unused: `StaffTotp` seals by itself
        SECURITY_TOTP_ISSUER="Graduate Photo Back Office",
        SECURITY_MULTI_FACTOR_RECOVERY_CODES=True,
        SECURITY_MULTI_FACTOR_RECOVERY_URL="/recovery",
        SECURITY_MULTI_FACTOR_RECOVERY_TEMPLATE="backoffice/second_factor_recovery.html",
        SECURITY_FLASH_MESSAGES=False,
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
    Security(
        app,
        StaffDatastore(db, Staff, Role),
        login_form=StaffLogin,
        password_util_cls=StaffPasswords,
        totp_cls=StaffTotp,
        mf_recovery_codes_util_cls=cast(Any, RecoveryCodes),
    )
    user_authenticated.connect(_note_sign_in, app, weak=False)
    password_changed.connect(_note_password, app, weak=False)
    user_logged_out.connect(_note_sign_out, app, weak=False)
    app.before_request(_brake)
    app.after_request(_count_failure)
    gate.init_app(app)


def _brake() -> Response | None:
    if not _signing_in():
        return None
    if _code_expected():
        return _code_refused()
    if not services().settings.rate_limits:
        return None
    wait = SignInBrake(services().redis).seconds_to_wait(*_who_tries())
    return _wait(wait) if wait else None


def _wait(seconds: int) -> Response:
    minutes = -(-seconds // 60)
    answer = error_page(
        429,
        t("尝试次数过多", "Too many attempts"),
        t(f"请 {minutes} 分钟后再试。", f"Please try again in {minutes} minutes."),
        "too_many_attempts",
    )
    answer.headers["Retry-After"] = str(seconds)
    return answer


def _code_refused() -> Response | None:
    """Stop a second factor that is tried too often or comes too late; the password is asked anew."""
    staff = _half_signed_in()
    if staff is None:
        return None
    now = datetime.now(UTC)
    if staff.locked_until is not None and staff.locked:
        session.clear()
        return _wait(max(1, int((staff.locked_until - now).total_seconds())))
    since = session.get("tf_since", 0)
    if now.timestamp() - since > CODE_MINUTES * 60:
        session.clear()
    return None


def _count_failure(response: Response) -> Response:
    if not _signing_in():
        return response
    if _code_expected():
        failed = _half_signed_in() if response.status_code == 200 else None
    else:
        if session.get("tf_user_id"):
            session.setdefault("tf_since", datetime.now(UTC).timestamp())
        failed = _by_email(request.form.get("email", "")) if response.status_code == 200 else None
        if response.status_code == 200 and services().settings.rate_limits:
            SignInBrake(services().redis).failed(*_who_tries())
    if failed is not None and not failed.locked:
        _write_failure(failed)
    return response


def _write_failure(staff: Staff) -> None:
    db.session.rollback()
    lock_row(db.session(), staff)
    count_failure(staff, datetime.now(UTC))
    if staff.locked:
        _record(staff, "staff:locked")
    db.session.commit()


def _signing_in() -> bool:
    return request.method == "POST" and request.path in (LOGIN_PATH, *CODE_PATHS)


def _code_expected() -> bool:
    return request.path in CODE_PATHS


def _half_signed_in() -> Staff | None:
    """Return who gave the right password and still owes the second factor."""
    mark = session.get("tf_user_id")
    if not mark:
        return None
    return db.session.scalars(select(Staff).where(Staff.fs_uniquifier == mark)).one_or_none()


def _by_email(raw: str) -> Staff | None:
    email = raw.strip().lower()
    return db.session.scalars(select(Staff).where(func.lower(Staff.email) == email)).first()


def _who_tries() -> tuple[str, str]:
    return request.remote_addr or "", request.form.get("email", "")


def _note_sign_in(app: Flask, user: Staff, **_: Any) -> None:
    """Keep when and where the account was used; the cookie names the new session's row."""
    session.pop("locale", None) if user.locale == session.get("locale") else None
    session.pop("tf_since", None)
    now = datetime.now(UTC)
    user.last_login_at = user.current_login_at
    user.current_login_at = now
    user.login_count += 1
    unlock(user)
    agent = request.headers.get("User-Agent", "")
    row = open_session(db.session(), user.id, agent, request.remote_addr, now)
    session[SESSION_KEY] = str(row.id)
    _record(user, "staff:sign_in")
    db.session.commit()
    SignInBrake(services().redis).succeeded(request.remote_addr or "", user.email)


def _note_password(app: Flask, user: Staff, **_: Any) -> None:
    """A password of one's own: the account's other sessions end."""
    user.must_change_password = False
    end_all(db.session(), user.id, "password_changed", keep=named_session())
    _record(user, "staff:change_password")


def _note_sign_out(app: Flask, user: Any, **_: Any) -> None:
    ending = g.get("staff_session")
    if isinstance(user, Staff) and ending is not None:
        end_all(db.session(), user.id, "signed_out", only=ending)
        db.session.commit()


def _record(staff: Staff, action: str) -> None:
    record_access(
        db.session(),
        staff_id=staff.id,
        action=action,
        subject_kind="staff",
        subject_id=staff.id,
        address=request.remote_addr,
    )
