"""The catalogue of rejection reasons: texts may be edited, codes stay."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from flask import flash, redirect, request
from flask_admin.form import BaseForm
from markupsafe import Markup
from wtforms import IntegerField, StringField
from wtforms.validators import (
    InputRequired,
    Length,
    NumberRange,
    Optional,
    Regexp,
    ValidationError,
)

from backoffice.admin.batch_forms import Boxes, standard_options
from backoffice.admin.labels import badge
from backoffice.admin.language import lazy, t
from backoffice.admin.list_room import ListRoom
from backoffice.admin.people import may, record
from backoffice.admin.room import expose, require
from backoffice.db import db
from backoffice.i18n import Text
from backoffice.models import RejectionReason

TEXT = (InputRequired(), Length(1, 200))


class _Code(BaseForm):
    """Declared first, so that it stands first in the form of a new reason; given once."""

    code = StringField(
        lazy("代码", "Code"),
        [
            InputRequired(),
            Regexp(
                r"^[A-Z][0-9]{2}$",
                message=lazy(
                    "一个大写字母加两位数字，如 P06。", "A capital and two digits, e.g. P06."
                ),
            ),
        ],
    )

    def validate_code(self, field: Any) -> None:
        """Refuse a code that exists, retired or not."""
        if db.session.get(RejectionReason, field.data) is not None:
            raise ValidationError(
                t("该代码已存在（停用的原因也占用代码）。", "This code exists (retired ones too).")
            )


class ReasonForm(BaseForm):
    """The texts of a reason, and for which standards it is. Its code stays: decisions name it."""

    message_zh = StringField(lazy("原因（中文）", "Reason (Chinese)"), [*TEXT])
    message_en = StringField(lazy("原因（英文）", "Reason (English)"), [*TEXT])
    advice_zh = StringField(lazy("建议（中文）", "Advice (Chinese)"), [*TEXT])
    advice_en = StringField(lazy("建议（英文）", "Advice (English)"), [*TEXT])
    position = IntegerField(
        lazy("顺序", "Position"),
        [InputRequired(), NumberRange(0, 999)],
        description=lazy(
            "审核台先按本批次的使用次数、再按此顺序排列；前十个有数字键。",
            "The desk orders by use in the batch, then by this; the first ten have number keys.",
        ),
    )
    standards = Boxes(
        lazy("适用的照片标准", "For photo standards"),
        [Optional()],
        choices=standard_options,
        description=lazy("不勾选即适用于全部标准。", "None chosen: for all standards."),
    )


class NewReasonForm(ReasonForm, _Code):
    """A new reason."""


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
    column_list = ("code", "message_zh", "advice_zh", "message_en", "standards", "retired_at")
    column_labels: ClassVar[dict[str, Any]] = {
        "code": lazy("代码", "Code"),
        "message_zh": lazy("原因", "Reason (Chinese)"),
        "advice_zh": lazy("给学生的建议", "Advice (Chinese)"),
        "message_en": lazy("英文", "Reason (English)"),
        "standards": lazy("适用标准", "Standards"),
        "retired_at": lazy("状态", "State"),
    }
    column_sortable_list = ()
    column_default_sort = "position"
    column_formatters: ClassVar[dict[str, Any]] = {
        "standards": lambda v, c, r, n: "、".join(r.standards) or t("全部", "all"),
        "retired_at": lambda v, c, r, n: _in_force(r.retired_at),
    }

    def __init__(self) -> None:
        super().__init__(RejectionReason, "reasons")

    @property
    def can_edit(self) -> bool:  # type: ignore[override]
        """Only the house's administrators."""
        return may("reasons.edit")

    @property
    def can_create(self) -> bool:  # type: ignore[override]
        """Only the house's administrators."""
        return may("reasons.edit")

    def create_form(self, obj: Any = None) -> NewReasonForm:
        """Return the form of a new reason."""
        return NewReasonForm(request.form or None)

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
        """Keep who wrote or changed a text."""
        record("reason:create" if is_created else "reason:change", "reason", model.code)

    def row_url(self, row: Any) -> str | None:
        """Open the form."""
        return str(self.get_url(".edit_view", id=row.code)) if self.can_edit else None
