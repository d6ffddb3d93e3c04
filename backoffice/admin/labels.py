"""The words of the pages for values the database keeps in English."""

from __future__ import annotations

from markupsafe import Markup

from backoffice.admin.language import say, t
from backoffice.i18n import Text
from backoffice.lists.words import LIST_WORDS
from backoffice.models import Order
from backoffice.photos.checks import KINDS
from backoffice.services import services
from backoffice.workflows.definition import Definition, State

# Offered when a parcel's carrier is asked for; any other name may be typed.
CARRIERS = ("顺丰速运", "中国邮政 EMS", "京东快递", "中通快递", "圆通速递")

WORDS: dict[str, dict[str, Text]] = {
    **LIST_WORDS,
    "mode": {
        "pay_first": Text("先缴费后拍照", "Pay first"),
        "photo_first": Text("先拍照后缴费", "Photo first"),
    },
    "roster_mode": {
        "full": Text("完整名单（含证件号）", "Full roster with ID numbers"),
        "minimal": Text("最小名单（脱敏）", "Minimal roster, masked"),
        "none": Text("无名单（凭采集码）", "No roster, capture codes only"),
    },
    "reject_policy": {
        "resubmit": Text("允许重新提交", "Resubmit"),
        "refund": Text("驳回即退款", "Refund"),
    },
    "batch_state": {
        "draft": Text("草稿", "Draft"),
        "open": Text("采集中", "Open"),
        "closed": Text("已结束", "Closed"),
        "archived": Text("已归档", "Archived"),
    },
    "batch_step": {
        "create": Text("新建", "Created"),
        "copy": Text("复制新建", "Created as a copy"),
        "change": Text("修改设置", "Settings changed"),
        "open": Text("开放采集", "Opened"),
        "extend": Text("调整结束时间", "End moved"),
        "close": Text("结束采集", "Closed"),
        "reopen": Text("重新开放", "Reopened"),
        "archive": Text("归档", "Archived"),
        "unarchive": Text("取消归档", "Brought back"),
        "remind": Text("发送提醒", "Reminders sent"),
    },
    "batch_action": {  # on the buttons
        "open": Text("开放采集", "Open"),
        "extend": Text("调整结束时间", "Move the end"),
        "close": Text("结束采集", "Close"),
        "reopen": Text("重新开放", "Reopen"),
        "archive": Text("归档", "Archive"),
        "unarchive": Text("取消归档", "Bring back"),
    },
    "batch_file": {
        "class_sheets": Text("个人码 PDF", "Personal codes PDF"),
        "progress": Text("进度工作簿", "Progress workbook"),
        "mini_program_code": Text("小程序码", "Mini-program code"),
        "export_package": Text("成品包", "Export package"),
        "roster_errors": Text("标注了问题的名单", "Roster with the findings marked"),
    },
    "batch_file_state": {
        "waiting": Text("排队中", "Queued"),
        "running": Text("生成中", "In the making"),
        "ready": Text("可下载", "Ready"),
        "failed": Text("失败", "Failed"),
        "expired": Text("已过期删除", "Expired"),
    },
    "role": {
        "admin": Text("管理员", "Administrator"),
        "school": Text("学校", "School"),
        "reviewer": Text("审核", "Reviewer"),
        "operator": Text("制作发货", "Operator"),
        "finance": Text("财务", "Finance"),
    },
    "outbox": {
        "waiting": Text("等待", "Waiting"),
        "published": Text("已派发", "Published"),
        "done": Text("完成", "Done"),
        "dead": Text("失败停止", "Dead"),
        "cancelled": Text("已取消", "Cancelled"),
    },
    "provider": {
        "sandbox": Text("沙箱（测试）", "Sandbox"),
        "free": Text("免费", "Free of charge"),
    },
    "bulk": {
        "running": Text("进行中", "Running"),
        "finished": Text("已结束", "Finished"),
    },
    "bulk_item": {
        "waiting": Text("等待", "Waiting"),
        "moved": Text("成功", "Done"),
        "refused": Text("未执行", "Not done"),
    },
    "event": {
        "undo": Text("撤回决定", "Decision taken back"),
        "adopt_version": Text("更新流程版本", "Moved to a newer workflow version"),
    },
    "gender": {"male": Text("男", "Male"), "female": Text("女", "Female")},
    "import": {
        "reading": Text("检查中", "Checking"),
        "mapping": Text("待确认列", "Columns to confirm"),
        "checking": Text("检查中", "Checking"),
        "previewed": Text("待确认导入", "To be confirmed"),
        "applying": Text("写入中", "Writing"),
        "applied": Text("已导入", "Applied"),
        "undoing": Text("撤销中", "Being taken back"),
        "failed": Text("未成功", "Failed"),
        "discarded": Text("已放弃", "Discarded"),
        "undone": Text("已撤销", "Undone"),
    },
    "check": {code: kind.title for code, kind in KINDS.items()},
}


def word(family: str, value: str | None) -> str:
    """Return the reader's word for a stored value; the value itself when it has none."""
    if not value:
        return "—"
    text = WORDS.get(family, {}).get(value)
    return say(text) if text else value


def words(family: str) -> list[tuple[str, str]]:
    """Return (value, word) pairs of a family, for drop-downs."""
    return [(value, say(text)) for value, text in WORDS[family].items()]


def state_of(order: Order) -> State:
    """Return the order's state as its own definition words it."""
    return services().engine.definition_of(order).states_by_name[order.state]


def badge(text: str, tone: str = "neutral") -> Markup:
    """Return a coloured label; the tone is one of `State.tone`."""
    return Markup('<span class="badge-state tone-{}">{}</span>').format(tone, text)


def state_badge(order: Order) -> Markup:
    """Return the order's state as a coloured label."""
    state = state_of(order)
    return badge(say(state.label), state.tone)


def newest_definitions() -> list[Definition]:
    """Return every workflow in its newest version."""
    found: dict[str, Definition] = {}
    for (name, version), definition in services().engine.binding.definitions.items():
        if name not in found or version > found[name].version:
            found[name] = definition
    return list(found.values())


def states() -> list[State]:
    """Return the states of the capture order, in the order of its way."""
    return list(newest_definitions()[0].states)


def state_label(name: str) -> str:
    """Return the reader's word for a state of the capture order."""
    return next((say(s.label) for s in states() if s.name == name), name)


def state_tone(name: str) -> str:
    """Return the colour family of a state of the capture order."""
    return next((s.tone for s in states() if s.name == name), "neutral")


def transition_label(order: Order, name: str) -> str:
    """Return the reader's word for a transition of this order."""
    known = services().engine.definition_of(order).by_name.get(name)
    return say(known.label) if known else word("event", name)


def move_label(name: str) -> str:
    """Return the reader's word for a transition, whichever workflow has it."""
    found = (d.by_name[name] for d in newest_definitions() if name in d.by_name)
    known = next(found, None)
    return say(known.label) if known else name


def yes_no(value: bool) -> str:
    """Return yes or no."""
    return t("是", "Yes") if value else t("否", "No")
