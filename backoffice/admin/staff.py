"""Staff accounts: opened, changed and closed by the house's administrators."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from flask import Response, flash, make_response, redirect, request
from flask_admin.form import BaseForm
from markupsafe import Markup
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Query, joinedload
from wtforms import BooleanField, SelectField, StringField
from wtforms.validators import InputRequired, Length

from backoffice.admin.batch_forms import Boxes, at_least_one
from backoffice.admin.labels import badge, word, words
from backoffice.admin.language import lazy, local_time, t
from backoffice.admin.list_room import Choice, ListRoom
from backoffice.admin.orders import school_options
from backoffice.admin.people import me, record
from backoffice.admin.room import expose, one_or_404
from backoffice.db import db
from backoffice.errors import InvalidInput
from backoffice.i18n import Text
from backoffice.models import School, Staff
from backoffice.models.vocabulary import StaffRole
from backoffice.security import second_factor
from backoffice.security.attempts import SignInBrake
from backoffice.security.invitations import invite
from backoffice.security.passwords import new_password
from backoffice.security.staff_accounts import (
    create_staff,
    set_active,
    set_password,
    set_roles,
    sign_out_everywhere,
    unlock,
)
from backoffice.services import services

OWN_SECOND_FACTOR = Text(
    "自己的两步验证请在“我的账号”中更换。", "Change your own second factor under “My account”."
)


def _state(staff: Staff) -> Markup:
    if not staff.active:
        return badge(t("停用", "Closed"))
    if staff.locked:
        return badge(t("已锁定", "Locked"), "bad")
    return badge(t("启用", "Active"), "good")


def _schools_or_none() -> list[tuple[str, str]]:
    return [
        ("", t("（本平台员工，可见全部学校）", "(the house: sees every school)")),
        *school_options(),
    ]


class _Email(BaseForm):
    """Declared first, so that it stands first in the form of a new account."""

    email = StringField(
        lazy("邮箱（登录名）", "E-mail (log-in)"), [InputRequired(), Length(3, 200)]
    )


class StaffEditForm(BaseForm):
    """What may change about an account."""

    name = StringField(lazy("姓名", "Name"), [InputRequired(), Length(1, 50)])
    roles = Boxes(lazy("角色", "Roles"), [at_least_one], choices=lambda: words("role"))
    school = SelectField(
        lazy("所属学校", "School"),
        choices=_schools_or_none,
        description=lazy(
            "指定学校后，该账号只能看到这所学校的数据。",
            "With a school, the account sees this school's rows only.",
        ),
    )
    active = BooleanField(lazy("启用", "Active"), default=True)

    def __init__(self, formdata: Any = None, obj: Any = None, **kwargs: Any) -> None:
        super().__init__(formdata, obj, **kwargs)
        if obj is not None and not formdata:
            self.roles.data = [role.name for role in obj.roles]
            self.school.data = str(obj.school_id or "")

    def chosen_school(self) -> School | None:
        """Return the chosen school, or None for the house."""
        raw = self.school.data
        return db.session.get(School, uuid.UUID(raw)) if raw else None


class StaffCreateForm(StaffEditForm, _Email):
    """A new account: invited by e-mail, or given a first password that is shown once."""

    first = SelectField(
        lazy("首次登录", "First log-in"),
        choices=lambda: [
            ("invite", t("发送邀请邮件，由本人设置密码", "Invite by e-mail to choose a password")),
            ("show", t("显示初始密码，由您转告本人", "Show a first password to hand over")),
        ],
        default="invite",
    )


class StaffRoom(ListRoom):
    """The accounts."""

    room = "staff"
    label = Text("员工账号", "Staff")
    section = Text("系统", "System")
    can_create = can_edit = True
    edit_template = "backoffice/staff_form.html"
    search_hint = Text("邮箱或姓名", "E-mail or name")
    column_list = ("email", "name", "roles", "school", "active", "tf_primary_method", "current_login_at")  # fmt: skip
    column_labels: ClassVar[dict[str, Any]] = {
        "email": lazy("邮箱", "E-mail"),
        "name": lazy("姓名", "Name"),
        "roles": lazy("角色", "Roles"),
        "school": lazy("学校", "School"),
        "active": lazy("状态", "State"),
        "tf_primary_method": lazy("两步验证", "Second factor"),
        "current_login_at": lazy("最近登录", "Last log-in"),
    }
    column_sortable_list = ("email", "current_login_at")
    column_default_sort = "email"
    column_auto_select_related = False
    choices = (
        Choice(
            "role",
            Text("全部角色", "All roles"),
            lambda: words("role"),
            lambda v: Staff.roles.any(name=StaffRole(v)),
        ),
    )

    def __init__(self) -> None:
        self.column_formatters = {
            "roles": lambda v, c, s, n: "、".join(word("role", r.name) for r in s.roles),
            "school": lambda v, c, s, n: s.school.name if s.school else "—",
            "active": lambda v, c, s, n: _state(s),
            "tf_primary_method": lambda v, c, s, n: (
                badge(t("已启用", "On"), "good") if s.tf_primary_method else "—"
            ),
            "current_login_at": lambda v, c, s, n: local_time(s.current_login_at),
        }
        super().__init__(Staff, "staff")

    def get_query(self) -> Query[Any]:
        """Return the accounts with their schools in one query."""
        return super().get_query().options(joinedload(Staff.school))

    def search_condition(self, term: str) -> ColumnElement[bool]:
        """Find by part of e-mail or name."""
        return Staff.email.contains(term.lower(), autoescape=True) | Staff.name.contains(
            term, autoescape=True
        )

    def create_form(self, obj: Any = None) -> StaffCreateForm:
        """Return the form of a new account."""
        return StaffCreateForm(request.form or None)

    def edit_form(self, obj: Any = None) -> StaffEditForm:
        """Return the form of an account."""
        return StaffEditForm(request.form or None, obj=obj)

    @expose("/new/", methods=("GET", "POST"))
    def create_view(self) -> Any:
        """Open an account: send an invitation, or show its first password, once."""
        form = self.create_form()
        if request.method == "POST" and form.validate():
            try:
                return self._opened(form)
            except InvalidInput as error:
                db.session.rollback()
                self.handle_view_exception(error)
        return self.render(self.create_template, form=form, return_url=self.get_url(".index_view"))

    def _opened(self, form: StaffCreateForm) -> Any:
        password = new_password()
        staff = create_staff(
            db.session(),
            email=form.email.data,
            name=form.name.data,
            roles=form.roles.data,
            password=password,
            school=form.chosen_school(),
        )
        record("staff:create", "staff", staff.id)
        if form.first.data == "show":
            db.session.commit()
            return self._password_page(staff, password)
        return self._invited(staff)

    @expose("/<uuid:id>/invite", methods=("POST",))
    def invite(self, id: uuid.UUID) -> Any:
        """Send a one-time link with which the person chooses a new password."""
        return self._invited(self._one(id))

    def _invited(self, staff: Staff) -> Any:
        invite(db.session(), staff, me().id)
        record("staff:invite", "staff", staff.id)
        db.session.commit()
        flash(
            t(f"邀请邮件将发送到 {staff.email}，72 小时内有效。",
              f"An invitation goes to {staff.email}; it is good for 72 hours."),
            "success",
        )  # fmt: skip
        return redirect(self.get_url(".index_view"), 303)

    @expose("/<uuid:id>/unlock", methods=("POST",))
    def unlock(self, id: uuid.UUID) -> Any:
        """Open an account that wrong passwords or codes have locked."""
        staff = self._one(id)
        unlock(staff)
        SignInBrake(services().redis).forget(staff.email)
        return self._changed(staff, "staff:unlock", t("已解锁。", "Unlocked."))

    @expose("/<uuid:id>/second-factor", methods=("POST",))
    def reset_second_factor(self, id: uuid.UUID) -> Any:
        """Take a lost second factor away and end the sessions; where required it is set up anew."""
        staff = self._one(id)
        if staff.id == me().id:
            raise InvalidInput("second_factor", OWN_SECOND_FACTOR)
        second_factor.remove(staff)
        sign_out_everywhere(staff, "ended_elsewhere")
        said = t("已重置两步验证。", "The second factor was reset.")
        return self._changed(staff, "staff:reset_second_factor", said)

    @expose("/<uuid:id>/sign-out", methods=("POST",))
    def sign_out(self, id: uuid.UUID) -> Any:
        """End every session of an account."""
        staff = self._one(id)
        sign_out_everywhere(staff, "ended_elsewhere")
        said = t("该账号的全部登录已退出。", "Every session of the account was ended.")
        return self._changed(staff, "staff:sign_out", said)

    def _one(self, id: uuid.UUID) -> Staff:
        staff: Staff = one_or_404(select(Staff).where(Staff.id == id))
        return staff

    def _changed(self, staff: Staff, action: str, said: str) -> Any:
        record(action, "staff", staff.id)
        db.session.commit()
        flash(said, "success")
        return redirect(self.get_url(".edit_view", id=staff.id), 303)

    def update_model(self, form: StaffEditForm, model: Staff) -> bool:
        """Change an account; nobody closes or demotes the account they are using."""
        try:
            if model.id == me().id and (
                not form.active.data or StaffRole.ADMIN not in form.roles.data
            ):
                raise InvalidInput(
                    "roles",
                    Text(
                        "不能停用自己的账号或取消自己的管理员角色。",
                        "You cannot close your own account or give up your administrator role.",
                    ),
                )
            model.name = form.name.data.strip()
            set_roles(db.session(), model, form.roles.data, form.chosen_school())
            set_active(model, form.active.data)
            record("staff:change", "staff", model.id)
            db.session.commit()
        except Exception as error:
            db.session.rollback()
            self.handle_view_exception(error)
            return False
        return True

    @expose("/<uuid:id>/password", methods=("POST",))
    def reset_password(self, id: uuid.UUID) -> Response:
        """Draw a new password, end the account's sessions, and show the password once."""
        staff = self._one(id)
        password = new_password()
        set_password(staff, password)
        record("staff:reset_password", "staff", staff.id)
        db.session.commit()
        return self._password_page(staff, password)

    def _password_page(self, staff: Staff, password: str) -> Response:
        response = make_response(
            self.render("backoffice/staff_password.html", staff=staff, password=password)
        )
        response.headers["Cache-Control"] = "no-store"
        return response

    def row_url(self, row: Any) -> str | None:
        """Open the form."""
        return str(self.get_url(".edit_view", id=row.id))
