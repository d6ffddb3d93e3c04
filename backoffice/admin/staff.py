"""Staff accounts: opened, changed and closed by the house's administrators."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from flask import Response, make_response, request
from flask_admin.form import BaseForm
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Query, joinedload
from wtforms import BooleanField, SelectField, StringField
from wtforms.validators import InputRequired, Length

from backoffice.admin.batch_forms import Boxes, at_least_one
from backoffice.admin.labels import badge, word, words
from backoffice.admin.language import lazy, local_time, t
from backoffice.admin.orders import school_options
from backoffice.admin.people import me, record
from backoffice.admin.room import Choice, ListRoom, expose, one_or_404
from backoffice.db import db
from backoffice.errors import InvalidInput
from backoffice.i18n import Text
from backoffice.models import School, Staff
from backoffice.models.vocabulary import StaffRole
from backoffice.security.staff_accounts import (
    create_staff,
    new_password,
    set_active,
    set_password,
    set_roles,
)


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
    """A new account: its first password is drawn and shown once."""


class StaffRoom(ListRoom):
    """The accounts."""

    room = "staff"
    label = Text("员工账号", "Staff")
    section = Text("系统", "System")
    can_create = can_edit = True
    search_hint = Text("邮箱或姓名", "E-mail or name")
    column_list = ("email", "name", "roles", "school", "active", "current_login_at")
    column_labels: ClassVar[dict[str, Any]] = {
        "email": lazy("邮箱", "E-mail"),
        "name": lazy("姓名", "Name"),
        "roles": lazy("角色", "Roles"),
        "school": lazy("学校", "School"),
        "active": lazy("状态", "State"),
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
            "active": lambda v, c, s, n: (
                badge(t("启用", "Active"), "good") if s.active else badge(t("停用", "Closed"))
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
        """Open an account and show its first password, once."""
        form = self.create_form()
        if request.method == "POST" and form.validate():
            password = new_password()
            try:
                staff = create_staff(
                    db.session(),
                    email=form.email.data,
                    name=form.name.data,
                    roles=form.roles.data,
                    password=password,
                    school=form.chosen_school(),
                )
                record("staff:create", "staff", staff.id)
                db.session.commit()
            except InvalidInput as error:
                db.session.rollback()
                self.handle_view_exception(error)
            else:
                return self._password_page(staff, password)
        return self.render(self.create_template, form=form, return_url=self.get_url(".index_view"))

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
        staff: Staff = one_or_404(select(Staff).where(Staff.id == id))
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
