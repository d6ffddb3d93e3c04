"""The forms of a batch: opening one, and what may still change later."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from flask_admin.form import BaseForm
from sqlalchemy import select
from wtforms import (
    BooleanField,
    DateTimeLocalField,
    DecimalField,
    IntegerField,
    SelectField,
    SelectMultipleField,
    StringField,
    widgets,
)
from wtforms.validators import InputRequired, Length, NumberRange, Optional, ValidationError

from backoffice.admin.labels import words
from backoffice.admin.language import lazy, t, to_utc, zone
from backoffice.admin.orders import school_options
from backoffice.admin.people import own_school
from backoffice.batches.plans import BatchPlan, default_services
from backoffice.db import db
from backoffice.models import Batch, PhotoStandard, School
from backoffice.security.tenancy import visible


def at_least_one(form: BaseForm, field: SelectMultipleField) -> None:
    """Refuse an empty choice; unlike InputRequired it marks no single box as required."""
    if not field.data:
        raise ValidationError(t("请至少选择一项。", "Choose at least one."))


class Boxes(SelectMultipleField):
    """Several choices as a row of boxes."""

    widget = widgets.ListWidget(prefix_label=False)
    option_widget = widgets.CheckboxInput()


def _local_now(days: int = 0) -> datetime:
    moment = datetime.now(UTC).astimezone(zone()) + timedelta(days=days)
    return moment.replace(hour=8, minute=0, second=0, microsecond=0, tzinfo=None)


def standard_options() -> list[tuple[str, str]]:
    """Return the standards in force by name."""
    query = select(PhotoStandard).where(PhotoStandard.retired_at.is_(None))
    return [
        (s.name, t(s.title_zh, s.title_en))
        for s in db.session.scalars(query.order_by(PhotoStandard.name))
    ]


def layout_options() -> list[tuple[str, str]]:
    """Return the print sheets by name."""
    from backoffice.photos.layouts import LAYOUTS

    return [(name, t(sheet.title_zh, sheet.title_en)) for name, sheet in LAYOUTS.items()]


# Fields stand in the order they are declared: the name, what is fixed at the start, what may change.
class BatchName(BaseForm):
    """How the batch is called."""

    name = StringField(lazy("批次名称", "Name"), [InputRequired(), Length(1, 100)])


class BatchTerms(BaseForm):
    """What is fixed when the batch opens: students order under these terms."""

    school = SelectField(lazy("学校", "School"), choices=school_options)
    kind = SelectField(
        lazy("采集对象", "For"),
        choices=lambda: [p for p in words("kind") if p[0] in ("graduate", "freshman")],
    )
    mode = SelectField(lazy("流程", "Flow"), choices=lambda: words("mode"))
    roster_mode = SelectField(lazy("名单方式", "Roster"), choices=lambda: words("roster_mode"))
    legal_basis = StringField(
        lazy("持有完整名单的依据", "Legal basis for a full roster"),
        [Optional(), Length(max=300)],
        description=lazy(
            "完整名单含证件号，须写明学校交付的依据，例如委托协议编号。",
            "A full roster carries ID numbers: say on what basis the school hands it over.",
        ),
    )
    standard = SelectField(lazy("照片标准", "Photo standard"), choices=standard_options)
    reject_policy = SelectField(
        lazy("审核不通过时", "After a rejection"), choices=lambda: words("reject_policy")
    )
    portrait_yuan = DecimalField(
        lazy("图像采集价格（元）", "Portrait price (yuan)"), [InputRequired(), NumberRange(0, 10000)],
        default=20, places=2,
    )  # fmt: skip
    prints_yuan = DecimalField(
        lazy("纸质照片价格（元）", "Prints price (yuan)"), [InputRequired(), NumberRange(0, 10000)],
        default=10, places=2,
    )  # fmt: skip
    delivery_methods = Boxes(
        lazy("取件方式", "Delivery"),
        [at_least_one],
        choices=lambda: words("delivery"),
        default=["digital", "school", "courier"],
    )
    layouts = Boxes(lazy("冲印版式", "Print sheets"), choices=layout_options)
    requires_capture_code = BooleanField(
        lazy("需要图像采集码", "Capture code required"), default=True
    )


class BatchSettings(BaseForm):
    """What may change while a batch runs."""

    opens_at = DateTimeLocalField(
        lazy("开始时间", "Opens"), [InputRequired()], format=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
    )
    closes_at = DateTimeLocalField(
        lazy("结束时间", "Closes"),
        [InputRequired()],
        format=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
    )
    unpaid_minutes = IntegerField(
        lazy("未支付关闭（分钟）", "Unpaid orders close after (minutes)"),
        [InputRequired(), NumberRange(1, 10080)],
        default=30,
    )
    max_attempts = IntegerField(
        lazy("每单最多上传次数", "Uploads per order"),
        [InputRequired(), NumberRange(1, 1000)],
        default=30,
    )
    allow_album = BooleanField(lazy("允许从相册上传", "Album uploads allowed"), default=True)
    allow_unlisted = BooleanField(
        lazy("允许名单外学生自行填写", "Students off the roster may join"), default=False
    )


class BatchEditForm(BatchName, BatchSettings):
    """The settings and the batch's own state (not an order's)."""

    state = SelectField(lazy("批次状态", "State"), choices=lambda: words("batch_state"))

    def __init__(self, formdata: Any = None, obj: Any = None, **kwargs: Any) -> None:
        super().__init__(formdata, obj, **kwargs)
        if obj is not None and not formdata:
            self.opens_at.data = obj.opens_at.astimezone(zone()).replace(tzinfo=None)
            self.closes_at.data = obj.closes_at.astimezone(zone()).replace(tzinfo=None)


class BatchCreateForm(BatchName, BatchTerms, BatchSettings):
    """Everything a new batch needs."""

    def __init__(self, formdata: Any = None, obj: Any = None, **kwargs: Any) -> None:
        super().__init__(formdata, obj, **kwargs)
        if not formdata:
            self.opens_at.data, self.closes_at.data = _local_now(), _local_now(60)
            self.layouts.data = [name for name, _ in layout_options()]
            self.standard.data = "chsi-degree-blue"

    def plan(self) -> BatchPlan:
        """Return what the form asks for, as the domain wants it."""
        fees = [int(self.portrait_yuan.data * 100), int(self.prints_yuan.data * 100)]
        return BatchPlan(
            name=self.name.data,
            kind=self.kind.data,
            mode=self.mode.data,
            roster_mode=self.roster_mode.data,
            standard=self.standard.data,
            reject_policy=self.reject_policy.data,
            legal_basis=(self.legal_basis.data or "").strip() or None,
            opens_at=to_utc(self.opens_at.data),
            closes_at=to_utc(self.closes_at.data),
            services=default_services(fees),
            delivery_methods=self.delivery_methods.data,
            layouts=self.layouts.data,
            requires_capture_code=self.requires_capture_code.data,
            allow_album=self.allow_album.data,
            allow_unlisted=self.allow_unlisted.data,
            unpaid_minutes=self.unpaid_minutes.data,
            max_attempts=self.max_attempts.data,
        )

    def chosen_school(self) -> School | None:
        """Return the chosen school if the member may see it."""
        return db.session.scalars(
            select(School).where(
                School.id == uuid.UUID(self.school.data), visible(School, own_school())
            )
        ).one_or_none()


def change_batch(form: BatchEditForm, batch: Batch) -> None:
    """Write the changed settings; the whitelist is this function."""
    batch.name = form.name.data.strip()
    batch.opens_at = to_utc(form.opens_at.data)
    batch.closes_at = to_utc(form.closes_at.data)
    batch.unpaid_minutes = form.unpaid_minutes.data
    batch.max_attempts = form.max_attempts.data
    batch.allow_album = form.allow_album.data
    batch.allow_unlisted = form.allow_unlisted.data
    batch.state = form.state.data
