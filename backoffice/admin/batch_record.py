"""The record of a batch in the reader's words: who, when, what, old and new values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from backoffice.admin.labels import word, yes_no
from backoffice.admin.language import local_time, say, t, yuan
from backoffice.batches.changes import Line
from backoffice.batches.stage_names import STAGE_NAMES
from backoffice.i18n import Text
from backoffice.models.batch_life import BatchAction

FIELDS: dict[str, Text] = {
    "state": Text("状态", "State"),
    "copy_of": Text("复制自", "Copied from"),
    "name": Text("名称", "Name"),
    "kind": Text("采集对象", "For"),
    "mode": Text("流程", "Flow"),
    "roster_mode": Text("名单方式", "Roster"),
    "legal_basis": Text("名单依据", "Legal basis"),
    "standard": Text("照片标准", "Photo standard"),
    "reject_policy": Text("审核不通过时", "After a rejection"),
    "opens_at": Text("开始时间", "Opens"),
    "closes_at": Text("结束时间", "Closes"),
    "delivery_methods": Text("取件方式", "Delivery"),
    "layouts": Text("冲印版式", "Print sheets"),
    "requires_capture_code": Text("需要图像采集码", "Capture code"),
    "allow_album": Text("相册上传", "Album uploads"),
    "allow_unlisted": Text("名单外学生", "Off the roster"),
    "unpaid_minutes": Text("未支付关闭（分钟）", "Unpaid closes after (min)"),
    "max_attempts": Text("上传次数", "Uploads per order"),
    "stages": Text("提醒对象", "Reminded"),
    "students": Text("人数", "Students"),
    "class": Text("班级", "Class"),
    "price": Text("价格", "Price"),
    "required": Text("必选", "Required"),
    "name_en": Text("英文名称", "English name"),
}
FAMILIES = {
    "state": "batch_state",
    "kind": "kind",
    "mode": "mode",
    "roster_mode": "roster_mode",
    "reject_policy": "reject_policy",
}
SOURCES = {
    "command": Text("命令行", "Command line"),
    "timer": Text("到时自动", "By the clock"),
}
# What a batch began with stands on its page; its record names only that it began.
BRIEF = {BatchAction.CREATE: ("state",), BatchAction.COPY: ("copy_of", "state")}


@dataclass(frozen=True)
class FieldChange:
    """One field in words; `old` is empty where there was nothing."""

    label: str
    old: str
    new: str


@dataclass(frozen=True)
class RecordLine:
    """One thing that was done."""

    at: datetime
    who: str
    what: str
    fields: list[FieldChange]


def record_lines(lines: Sequence[Line]) -> list[RecordLine]:
    """Return the record for the page."""
    return [
        RecordLine(
            line.change.created_at,
            line.who or say(SOURCES[line.change.source]),
            word("batch_step", line.change.action),
            _fields(line),
        )
        for line in lines
    ]


def _fields(line: Line) -> list[FieldChange]:
    brief = BRIEF.get(BatchAction(line.change.action))
    names = {c["field"]: c["new"] for c in line.change.changes if c["field"].startswith("name:")}
    return [
        _field(change, names)
        for change in line.change.changes
        if brief is None or change["field"] in brief
    ]


def _field(change: dict[str, Any], names: dict[str, Any]) -> FieldChange:
    kind, _, code = change["field"].partition(":")
    label = say(FIELDS[kind]) if kind in FIELDS else kind
    if code:  # a service: `price:portrait`
        usual = {"portrait": t("图像采集", "Portrait"), "prints": t("纸质照片", "Prints")}
        service = usual.get(code) or names.get(f"name:{code}") or code
        label = f"{service} · {label}"
    return FieldChange(label, _value(kind, change["old"]), _value(kind, change["new"]))


def _value(kind: str, value: Any) -> str:
    if value is None:
        return ""
    if kind == "stages":
        return "、".join(t(*STAGE_NAMES[stage]) for stage in value)
    if isinstance(value, bool):
        return yes_no(value)
    if kind == "price":
        return yuan(value)
    if kind in ("opens_at", "closes_at"):
        return local_time(datetime.fromisoformat(value))
    if kind == "delivery_methods":
        return "、".join(word("delivery", method) for method in value)
    if isinstance(value, list):
        return "、".join(map(str, value))
    return word(FAMILIES[kind], value) if kind in FAMILIES else str(value)
