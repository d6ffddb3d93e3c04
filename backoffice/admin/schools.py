"""Schools: the tenants."""

from __future__ import annotations

from typing import Any, ClassVar

from flask_admin.form import BaseForm
from sqlalchemy import ColumnElement, select
from wtforms import BooleanField, StringField
from wtforms.validators import InputRequired, Length, Regexp

from backoffice.admin.labels import badge
from backoffice.admin.language import lazy, local_time, t
from backoffice.admin.list_room import ListRoom
from backoffice.admin.people import may
from backoffice.db import db
from backoffice.errors import InvalidInput
from backoffice.i18n import Text
from backoffice.models import School


class SchoolForm(BaseForm):
    """What may be said of a school."""

    code = StringField(
        lazy("学校代码", "School code"),
        [InputRequired(), Regexp(r"^[0-9A-Z]{4,10}$")],
        description=lazy(
            "五位国标代码，例如 10001；须与采集码中的一致。",
            "The five-digit national code, e.g. 10001; capture codes carry the same.",
        ),
    )
    name = StringField(lazy("学校名称", "Name"), [InputRequired(), Length(1, 100)])
    active = BooleanField(lazy("启用", "Active"), default=True)


class SchoolsRoom(ListRoom):
    """Schools; only the house's administrators open or change one."""

    room = "schools"
    label = Text("学校", "Schools")
    section = Text("系统", "System")
    form = SchoolForm
    empty = Text(
        "还没有学校。先新建学校，再开批次。", "No school yet. Create one, then its batches."
    )
    column_list = ("code", "name", "active", "created_at")
    column_labels: ClassVar[dict[str, Any]] = {
        "code": lazy("学校代码", "Code"),
        "name": lazy("名称", "Name"),
        "active": lazy("状态", "State"),
        "created_at": lazy("建立时间", "Created"),
    }
    column_sortable_list = ("code", "created_at")
    column_default_sort = "code"
    column_formatters: ClassVar[dict[str, Any]] = {
        "active": lambda v, c, s, n: (
            badge(t("启用", "Active"), "good") if s.active else badge(t("停用", "Inactive"))
        ),
        "created_at": lambda v, c, s, n: local_time(s.created_at),
    }
    search_hint = Text("学校代码或名称", "Code or name")

    def __init__(self) -> None:
        super().__init__(School, "schools")

    @property
    def can_create(self) -> bool:  # type: ignore[override]
        """Only the house's administrators."""
        return may("schools.edit")

    @property
    def can_edit(self) -> bool:  # type: ignore[override]
        """Only the house's administrators."""
        return may("schools.edit")

    def search_condition(self, term: str) -> ColumnElement[bool]:
        """Find by code or part of the name."""
        return (School.code == term.upper()) | School.name.contains(term, autoescape=True)

    def on_model_change(self, form: Any, model: School, is_created: bool) -> None:
        """Refuse a code that another school has."""
        with db.session.no_autoflush:
            other = db.session.scalars(select(School.id).where(School.code == model.code)).first()
        if other not in (None, model.id):
            raise InvalidInput(
                "code", Text("该学校代码已存在。", "There is already a school with this code.")
            )

    def row_url(self, row: Any) -> str | None:
        """Open the form."""
        return str(self.get_url(".edit_view", id=row.id)) if self.can_edit else None
