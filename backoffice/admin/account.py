"""One's own account: where it is signed in, its second factor, its recovery codes."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import qrcode
from flask import Response, current_app, flash, make_response, redirect, request, session
from flask_security import verify_password
from markupsafe import Markup
from qrcode.image.svg import SvgPathImage

from backoffice.admin import answers
from backoffice.admin.language import t
from backoffice.admin.people import me, record
from backoffice.admin.room import Page, expose, parse_uuid
from backoffice.admin.staff_lookup import named_session
from backoffice.db import db
from backoffice.errors import InvalidInput
from backoffice.i18n import Text
from backoffice.models import Staff
from backoffice.security import second_factor
from backoffice.security.staff_accounts import count_failure, unlock
from backoffice.security.staff_sessions import end_all, live_sessions
from backoffice.services import services

NEW_SECRET = "tf_new"  # noqa: S105 (a name in the session; what it holds is sealed)


class AccountRoom(Page):
    """Everybody's own page, reached by the name in the corner."""

    room = "account"
    label = Text("我的账号", "My account")

    @expose("/")
    def index(self) -> str:
        """Show sessions and the state of the second factor."""
        staff = me()
        return str(
            self.render(
                "backoffice/account.html",
                sessions=live_sessions(db.session(), staff.id),
                here=named_session(),
                is_set_up=second_factor.is_set_up(staff),
                required=second_factor.is_required(staff, services().settings),
                codes_left=len(staff.mf_recovery_codes or []),
            )
        )

    @expose("/sign-out", methods=("POST",))
    def sign_out(self) -> Any:
        """End one session, or all but this one."""
        chosen = request.form.get("session", "")
        only = parse_uuid(chosen) if chosen else None
        keep = None if only else named_session()
        ended = end_all(db.session(), me().id, "ended_elsewhere", only=only, keep=keep)
        record("staff:end_sessions", "staff", me().id, sessions=ended)
        db.session.commit()
        flash(t("已退出 %d 处登录。", "%d sessions were signed out.") % ended, "success")
        return redirect(self.get_url(".index"), 303)

    @expose("/second-factor")
    def second_factor(self) -> Response:
        """Show the QR code of a new secret, which is used once a code of it was typed in."""
        if NEW_SECRET not in session:
            session[NEW_SECRET] = _totp().generate_totp_secret()
        return self._setup_page()

    @expose("/prove", methods=("POST",))
    def prove(self) -> Any:
        """Put the new secret in use if password and code are right; show the recovery codes."""
        secret = session.get(NEW_SECRET)
        if not secret:
            return redirect(self.get_url(".second_factor"), 303)
        staff = me()
        try:
            _ask_password(staff)
            counter = _totp().verify_new(request.form.get("code", "").replace(" ", ""), secret)
            if counter is None:
                raise InvalidInput("code", Text("验证码不正确。", "The code is not right."))
        except InvalidInput as error:
            answers.flash_error(error)
            return self._setup_page(422)
        codes = second_factor.set_up(staff, secret, counter)
        session.pop(NEW_SECRET)
        end_all(db.session(), staff.id, "ended_elsewhere", keep=named_session())
        return self._codes_page("staff:second_factor_set_up", codes)

    @expose("/codes", methods=("POST",))
    def new_codes(self) -> Any:
        """Draw new recovery codes and show them once."""
        staff = me()
        try:
            _ask_password(staff)
        except InvalidInput as error:
            answers.flash_error(error)
            return redirect(self.get_url(".index"), 303)
        if not second_factor.is_set_up(staff):
            return redirect(self.get_url(".second_factor"), 303)
        return self._codes_page("staff:new_recovery_codes", second_factor.new_recovery_codes(staff))

    @expose("/remove", methods=("POST",))
    def remove(self) -> Any:
        """Take the second factor away, where it is not required."""
        staff = me()
        try:
            _ask_password(staff)
            if second_factor.is_required(staff, services().settings):
                raise InvalidInput(
                    "second_factor",
                    Text("您的角色必须使用两步验证。", "Your role needs a second factor."),
                )
        except InvalidInput as error:
            answers.flash_error(error)
            return redirect(self.get_url(".index"), 303)
        second_factor.remove(staff)
        record("staff:second_factor_removed", "staff", staff.id)
        db.session.commit()
        flash(t("已关闭两步验证。", "The second factor is switched off."), "success")
        return redirect(self.get_url(".index"), 303)

    def _setup_page(self, status: int = 200) -> Response:
        secret = session[NEW_SECRET]
        return make_response(
            self.render(
                "backoffice/second_factor.html",
                picture=_drawn(_totp().get_totp_uri(me().email, secret)),
                key=_totp().get_totp_pretty_key(secret),
                required=second_factor.is_required(me(), services().settings),
            ),
            status,
        )

    def _codes_page(self, action: str, codes: list[str]) -> Response:
        record(action, "staff", me().id)
        db.session.commit()
        return make_response(self.render("backoffice/recovery_codes.html", codes=codes))


def _ask_password(staff: Staff) -> None:
    """Raise InvalidInput unless the form carries the account's password; failures are counted."""
    given = request.form.get("password", "")
    if staff.locked or not verify_password(given, staff.password or ""):
        count_failure(staff, datetime.now(UTC))
        db.session.commit()
        raise InvalidInput("password", Text("当前密码不正确。", "The password is not right."))
    unlock(staff)


def _totp() -> second_factor.StaffTotp:
    factory: second_factor.StaffTotp = current_app.extensions["security"].totp_factory
    return factory


def _drawn(text: str) -> Markup:
    """Return a QR code as SVG to stand in the page; it is in no address and no cache."""
    out = io.BytesIO()
    qrcode.make(text, image_factory=SvgPathImage, box_size=14, border=2).save(out)
    return Markup(out.getvalue().decode().partition("?>")[2])  # noqa: S704 (ours, no input in it)
