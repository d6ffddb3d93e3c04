"""The two catalogues: rejection reasons (texts may be edited), photo standards (read)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from flask import flash, redirect, request
from flask_admin.form import BaseForm
from markupsafe import Markup
from sqlalchemy import ColumnElement
from wtforms import IntegerField, StringField
from wtforms.validators import InputRequired, Length, NumberRange

from backoffice.admin.labels import badge
from backoffice.admin.language import lazy, t
from backoffice.admin.people import may, record
from backoffice.admin.room import ListRoom, expose, require
from backoffice.db import db
from backoffice.i18n import Text
from backoffice.models import PhotoStandard, RejectionReason

TEXT = (InputRequired(), Length(1, 200))


class ReasonForm(BaseForm):
    """The texts of a reason. Its code stays: decisions refer to it."""

    message_zh = StringField(lazy("原因（中文）", "Reason (Chinese)"), [*TEXT])
    message_en = StringField(lazy("原因（英文）", "Reason (English)"), [*TEXT])
    advice_zh = StringField(lazy("建议（中文）", "Advice (Chinese)"), [*TEXT])
    advice_en = StringField(lazy("建议（英文）", "Advice (English)"), [*TEXT])
    position = IntegerField(
        lazy("顺序", "Position"),
        [InputRequired(), NumberRange(0, 999)],
        description=lazy("前十个原因可用数字键选择。", "The first ten have number keys."),
    )


def _in_force(retired_at: datetime | None) -> Markup:
    return badge(t("停用", "Retired")) if retired_at else badge(t("启用", "In force"), "good")


class ReasonsRoom(ListRoom):
    """Rejection reasons: retired, never deleted."""

    room = "reasons"
    label = Text("驳回原因", "Rejection reasons")
    section = Text("审核", "Review")
    form = ReasonForm
    list_template = "backoffice/reasons.html"
    page_size = 200
    column_list = ("code", "message_zh", "advice_zh", "message_en", "retired_at")
    column_labels: ClassVar[dict[str, Any]] = {
        "code": lazy("代码", "Code"),
        "message_zh": lazy("原因", "Reason (Chinese)"),
        "advice_zh": lazy("给学生的建议", "Advice (Chinese)"),
        "message_en": lazy("英文", "Reason (English)"),
        "retired_at": lazy("状态", "State"),
    }
    column_sortable_list = ()
    column_default_sort = "position"
    column_formatters: ClassVar[dict[str, Any]] = {
        "retired_at": lambda v, c, r, n: _in_force(r.retired_at)
    }

    def __init__(self) -> None:
        super().__init__(RejectionReason, "reasons")

    @property
    def can_edit(self) -> bool:  # type: ignore[override]
        """Only the house's administrators."""
        return may("reasons.edit")

    @expose("/retire", methods=("POST",))
    def retire(self) -> Any:
        """Retire a reason, or bring it back; earlier decisions keep it."""
        require("reasons.edit")
        reason: RejectionReason = self.get_one(request.form.get("id", ""))
        reason.retired_at = None if reason.retired_at else datetime.now(UTC)
        record("reason:retire" if reason.retired_at else "reason:restore", "reason", reason.code)
        db.session.commit()
        flash(t("已保存。", "Saved."), "success")
        return redirect(self.get_url(".index_view"), 303)

    def on_model_change(self, form: Any, model: RejectionReason, is_created: bool) -> None:
        """Keep who changed a text."""
        record("reason:change", "reason", model.code)

    def row_url(self, row: Any) -> str | None:
        """Open the form."""
        return str(self.get_url(".edit_view", id=row.code)) if self.can_edit else None


class StandardsRoom(ListRoom):
    """Photo standards: versions never change, so there is nothing to edit."""

    room = "standards"
    label = Text("照片标准", "Photo standards")
    section = Text("审核", "Review")
    page_size = 100
    column_list = ("name", "version", "title_zh", "size", "background", "file_size", "retired_at")
    column_labels: ClassVar[dict[str, Any]] = {
        "name": lazy("名称", "Name"),
        "version": lazy("版本", "Version"),
        "title_zh": lazy("标题", "Title"),
        "size": lazy("尺寸（像素）", "Size (px)"),
        "background": lazy("背景色", "Background"),
        "file_size": lazy("文件大小", "File size"),
        "retired_at": lazy("状态", "State"),
    }
    column_sortable_list = ()
    column_default_sort = "name"
    column_formatters: ClassVar[dict[str, Any]] = {
        "title_zh": lambda v, c, s, n: t(s.title_zh, s.title_en),
        "size": lambda v, c, s, n: f"{s.data['width']} × {s.data['height']}, {s.data['dpi']} dpi",
        "background": lambda v, c, s, n: _swatch(s.data["background"]),
        "file_size": lambda v, c, s, n: (
            f"{s.data['min_bytes'] / 1000:.0f}–{s.data['max_bytes'] / 1000:.0f} KB"
        ),
        "retired_at": lambda v, c, s, n: _in_force(s.retired_at),
    }

    def __init__(self) -> None:
        super().__init__(PhotoStandard, "standards")

    def search_condition(self, term: str) -> ColumnElement[bool]:
        """Find by name."""
        return PhotoStandard.name == term


def _swatch(rgb: list[int]) -> Markup:
    """Return the colour as a small SVG (no inline style: the content policy forbids it)."""
    colour = "rgb({}, {}, {})".format(*rgb)
    return Markup(
        '<svg class="swatch" viewBox="0 0 16 16" aria-hidden="true">'
        '<rect width="16" height="16" rx="3" fill="{}"/></svg> {}'
    ).format(colour, colour)
