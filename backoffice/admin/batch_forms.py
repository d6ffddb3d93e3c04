"""The form of a batch: the same for a new one, a copy, and changing one that runs."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import Any

from flask_admin.form import BaseForm
from sqlalchemy import select
from wtforms import (
    BooleanField,
    DateTimeLocalField,
    FieldList,
    FormField,
    HiddenField,
    IntegerField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    widgets,
)
from wtforms.validators import InputRequired, Length, NumberRange, ValidationError

from backoffice.admin.batch_service_form import ServiceForm, service_values
from backoffice.admin.labels import words
from backoffice.admin.language import lazy, t, to_utc, zone
from backoffice.admin.orders import school_options
from backoffice.batches.plans import (
    ATTEMPTS,
    PORTRAIT_CODE,
    UNPAID_MINUTES,
    BatchPlan,
)
from backoffice.db import db
from backoffice.i18n import Text
from backoffice.models import Batch, PhotoStandard
from backoffice.models.vocabulary import RosterMode

LOCAL_FORMATS = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
# What a choice means for the school, under its name (DOMAIN section 0).
MEANINGS: dict[str, Text] = {
    "graduate": Text("凭学信网图像采集码", "With the register's capture code"),
    "freshman": Text("用于入学复查，无采集码", "For enrolment checks, without capture code"),
    "pay_first": Text("付款后拍照，由人工审核", "They pay, then take the photo"),
    "photo_first": Text("自动检测通过后才付款", "They pay once the automatic check has passed"),
    "full": Text("须写明法律依据", "The legal basis must be recorded"),
    "minimal": Text(
        "学号、班级、脱敏姓名、证件后四位", "Student no., class, masked name, last four"
    ),
    "none": Text("学生出示采集码即进入名单", "Capture codes build the list"),
    "resubmit": Text("学生按提示重拍，不另收费", "They retake it, at no further charge"),
    "refund": Text("自动原路退款，订单结束", "The fee goes back and the order ends"),
}


def at_least_one(form: BaseForm, field: SelectMultipleField) -> None:
    """Refuse an empty choice; unlike InputRequired it marks no single box as required."""
    if not field.data:
        raise ValidationError(t("请至少选择一项。", "Choose at least one."))


class Boxes(SelectMultipleField):
    """Several choices as a row of boxes."""

    widget = widgets.ListWidget(prefix_label=False)
    option_widget = widgets.CheckboxInput()


class Cards(RadioField):
    """A choice between few, each with what it means."""

    def meaning(self, value: str) -> str:
        """Return the sentence under a choice."""
        text = MEANINGS.get(value)
        return t(*text) if text else ""


def standard_options() -> list[tuple[str, str]]:
    """Return the standards in force by name, each once, in its newest words."""
    query = select(PhotoStandard).where(PhotoStandard.retired_at.is_(None))
    newest = {s.name: s for s in db.session.scalars(query.order_by(PhotoStandard.version))}
    return sorted((s.name, t(s.title_zh, s.title_en)) for s in newest.values())


def layout_options() -> list[tuple[str, str]]:
    """Return the print sheets by name."""
    from backoffice.photos.layouts import LAYOUTS

    return [(name, t(sheet.title_zh, sheet.title_en)) for name, sheet in LAYOUTS.items()]


class BatchForm(BaseForm):
    """Everything a batch is. Fields that are fixed are taken out with `fix`."""

    school = SelectField(lazy("学校", "School"), choices=school_options)
    copy_of = HiddenField()
    name = StringField(lazy("批次名称", "Name"), [InputRequired(), Length(1, 100)])
    kind = Cards(
        lazy("采集对象", "For"),
        choices=lambda: [p for p in words("kind") if p[0] in ("graduate", "freshman")],
    )
    opens_at = DateTimeLocalField(
        lazy("开始时间", "Opens"), [InputRequired()], format=LOCAL_FORMATS
    )
    closes_at = DateTimeLocalField(
        lazy("结束时间", "Closes"), [InputRequired()], format=LOCAL_FORMATS
    )
    roster_mode = Cards(lazy("名单方式", "Roster"), choices=lambda: words("roster_mode"))
    legal_basis = StringField(
        lazy("持有完整名单的依据", "Legal basis for a full roster"),
        [Length(max=300)],
        description=lazy(
            "完整名单含证件号，须写明学校交付的依据，例如委托协议编号。",
            "A full roster carries ID numbers: say on what basis the school hands it over.",
        ),
    )
    standard = SelectField(lazy("照片标准", "Photo standard"), choices=standard_options)
    requires_capture_code = BooleanField(lazy("需要图像采集码", "Capture code required"))
    allow_album = BooleanField(lazy("允许从相册上传", "Album uploads allowed"))
    allow_unlisted = BooleanField(
        lazy("允许名单外学生自行填写", "Students off the roster may join")
    )
    max_attempts = IntegerField(
        lazy("每单最多上传次数", "Uploads per order"),
        [InputRequired(), NumberRange(ATTEMPTS[0], ATTEMPTS[-1])],
    )
    services = FieldList(FormField(ServiceForm))
    delivery_methods = Boxes(
        lazy("取件方式", "Delivery"), [at_least_one], choices=lambda: words("delivery")
    )
    layouts = Boxes(
        lazy("冲印版式", "Print sheets"),
        choices=layout_options,
        description=lazy("提供纸质照片时至少选一种。", "At least one when prints are offered."),
    )
    mode = Cards(lazy("流程", "Flow"), choices=lambda: words("mode"))
    reject_policy = Cards(
        lazy("审核不通过时", "After a rejection"), choices=lambda: words("reject_policy")
    )
    unpaid_minutes = IntegerField(
        lazy("未支付关闭（分钟）", "Unpaid orders close after (minutes)"),
        [InputRequired(), NumberRange(UNPAID_MINUTES[0], UNPAID_MINUTES[-1])],
    )

    def validate_legal_basis(self, field: StringField) -> None:
        """A full roster needs its legal basis."""
        fixed = "roster_mode" not in self
        chosen = self.fixed_roster_mode if fixed else self.roster_mode.data
        if chosen == RosterMode.FULL and not (field.data or "").strip():
            raise ValidationError(
                t(
                    "完整名单须写明依据；没有依据时请改用最小名单或无名单。",
                    "A full roster needs its basis; without one choose a minimal roster or none.",
                )
            )

    def validate_services(self, field: FieldList) -> None:
        """The portrait is what all of it is for."""
        if PORTRAIT_CODE not in [row.form.code.data for row in field]:
            raise ValidationError(t("缺少图像采集服务。", "The portrait is missing."))

    def validate_closes_at(self, field: DateTimeLocalField) -> None:
        """The end is after the start."""
        if self.opens_at.data and field.data and field.data <= self.opens_at.data:
            raise ValidationError(
                t("结束时间必须晚于开始时间。", "The end must be after the start.")
            )

    fixed_roster_mode = ""  # the batch's own, where it may not change any more
    # the school's last batch, where the form began with it
    taken_from: Batch | None = None

    def keep_standard(self, standard: PhotoStandard) -> None:
        """Offer the batch's own standard although it may be out of use by now."""
        offered = standard_options()
        if standard.name not in [name for name, _ in offered]:
            offered.append((standard.name, t(standard.title_zh, standard.title_en)))
        self.standard.choices = offered

    def fix(self, names: Collection[str]) -> None:
        """Take out the fields that may not change any more."""
        for name in names:
            del self[name]

    def plan(self, base: BatchPlan, **more: Any) -> BatchPlan:
        """Return `base` with what the form says; `more` sets what is in no field."""
        values: dict[str, Any] = {
            name: self[name].data
            for name in (
                "kind", "roster_mode", "standard", "requires_capture_code", "allow_album",
                "allow_unlisted", "max_attempts", "delivery_methods", "layouts", "mode",
                "reject_policy", "unpaid_minutes",
            )
            if name in self
        }  # fmt: skip
        values |= {
            "name": self.name.data.strip(),
            "legal_basis": (self.legal_basis.data or "").strip() or None,
            "opens_at": to_utc(self.opens_at.data),
            "closes_at": to_utc(self.closes_at.data),
            "services": [row.form.price() for row in self.services if row.form.is_offered],
        }
        return replace(base, **(values | more))


def form_values(plan: BatchPlan, school_id: uuid.UUID | None = None) -> dict[str, Any]:
    """Return the values with which the form of a plan begins."""
    names = (
        "name", "kind", "roster_mode", "legal_basis", "standard", "allow_album", "allow_unlisted",
        "max_attempts", "mode", "reject_policy", "unpaid_minutes",
    )  # fmt: skip
    layouts = [name for name, _ in layout_options()] if plan.layouts is None else plan.layouts
    capture = plan.kind == "graduate" if plan.requires_capture_code is None else plan.requires_capture_code  # fmt: skip
    return {name: getattr(plan, name) for name in names} | {
        "school": str(school_id or ""),
        "opens_at": _local(plan.opens_at),
        "closes_at": _local(plan.closes_at),
        "requires_capture_code": capture,
        "delivery_methods": list(plan.delivery_methods),
        "layouts": list(layouts),
        "services": service_values(plan.services),
    }


def _local(moment: datetime | None) -> datetime | None:
    return moment.astimezone(zone()).replace(tzinfo=None) if moment else None
