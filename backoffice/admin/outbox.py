"""The outbox: what waits to leave, what is stuck, and the button that sends it again."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any, ClassVar

from flask import flash, redirect, request
from markupsafe import Markup
from sqlalchemy import ColumnElement, select

from backoffice.admin.labels import badge, word, words
from backoffice.admin.language import ago, lazy, local_time, say, t
from backoffice.admin.list_room import Choice, ListRoom
from backoffice.admin.people import record
from backoffice.admin.room import expose, one_or_404
from backoffice.db import db
from backoffice.i18n import Text
from backoffice.models import OutboxRow

TONES = {
    "waiting": "waiting",
    "published": "working",
    "done": "good",
    "dead": "bad",
    "cancelled": "neutral",
}


# What a task does, for who looks after the system; the code stands below, as in the logs.
EFFECTS = {
    "notify.paid": Text("通知学生：已付款", "Tell: paid"),
    "notify.approved": Text("通知学生：审核通过", "Tell: approved"),
    "notify.rejected": Text("通知学生：审核不通过", "Tell: rejected"),
    "notify.shipped": Text("通知学生：已发货", "Tell: shipped"),
    "notify.refunded": Text("通知学生：已退款", "Tell: refunded"),
    "notify.reminder": Text("提醒学生", "Remind a student"),
    "notify.ticket": Text("通知学生：咨询已回复", "Tell: question answered"),
    "notify.request": Text("通知学生：申请已处理", "Tell: request settled"),
    "refund.send": Text("发起退款", "Send a refund"),
    "refund.retry": Text("重试退款", "Send a refund again"),
    "photo.process": Text("处理照片", "Process a photo"),
    "email.photo": Text("邮件发送成片", "E-mail a finished picture"),
    "bulk.run": Text("批量操作", "Bulk run"),
    "roster.import": Text("导入名单", "Import a roster"),
    "roster.forget": Text("删除已上传名单", "Delete an uploaded roster"),
    "batch.file": Text("生成批次文件", "Make a file of a batch"),
    "staff.invite": Text("发送员工邀请", "Invite a member of staff"),
    "retention.daily": Text("每日到期删除", "Daily deletion"),
    "list.export": Text("导出列表", "Export a list"),
}


class OutboxRoom(ListRoom):
    """Effects of transitions on their way to the workers. Payloads hold ids only."""

    room = "outbox"
    label = Text("任务队列", "Outbox")
    section = Text("系统", "System")
    list_template = "backoffice/outbox.html"
    empty = Text("没有符合条件的任务。", "No task matches.")
    column_list = ("effect", "queue", "state", "tries", "last_error", "order_id", "available_at", "created_at", "age")  # fmt: skip
    column_labels: ClassVar[dict[str, Any]] = {
        "effect": lazy("任务", "Task"),
        "queue": lazy("队列", "Queue"),
        "state": lazy("状态", "State"),
        "tries": lazy("尝试", "Tries"),
        "last_error": lazy("最近错误", "Last error"),
        "order_id": lazy("订单", "Order"),
        "available_at": lazy("最早执行", "Not before"),
        "created_at": lazy("创建时间", "Created"),
        "age": lazy("已过", "Age"),
    }
    column_sortable_list = ("created_at",)
    column_default_sort = ("created_at", True)
    column_auto_select_related = False
    choices = (
        Choice(
            "state",
            Text("全部状态", "All states"),
            lambda: words("outbox"),
            lambda v: OutboxRow.state == v,
        ),
    )

    def __init__(self) -> None:
        self.column_formatters = {
            "effect": lambda v, c, r, n: _task(r.effect),
            "state": lambda v, c, r, n: badge(word("outbox", r.state), TONES[r.state]),
            "last_error": lambda v, c, r, n: r.last_error or "—",
            "order_id": _order_cell,
            "available_at": lambda v, c, r, n: local_time(r.available_at, "%m-%d %H:%M:%S"),
            "created_at": lambda v, c, r, n: local_time(r.created_at),
            "age": lambda v, c, r, n: ago(r.created_at),
        }
        super().__init__(OutboxRow, "outbox")

    @expose("/<uuid:id>/replay", methods=("POST",))
    def replay(self, id: uuid.UUID) -> Any:
        """Put a dead row back into the queue; its id stays, so a job that did run is a no-op."""
        row: OutboxRow = one_or_404(
            select(OutboxRow).where(OutboxRow.id == id, OutboxRow.state == "dead").with_for_update()
        )
        row.state, row.tries, row.available_at = "waiting", 0, datetime.now(UTC)
        record("outbox:replay", "outbox", row.id)
        db.session.commit()
        flash(t("已重新排队。", "Queued again."), "success")
        return redirect(self.get_url(".index_view", state=request.args.get("state")), 303)

    def search_condition(self, term: str) -> ColumnElement[bool]:
        """Find by the name of the task."""
        return OutboxRow.effect == term


def _order_cell(view: Any, context: Any, row: Any, name: str) -> Any:
    if row.order_id is None:
        return "—"
    return Markup('<a href="{}">{}</a>').format(
        view.get_url("orders.order", id=row.order_id), t("查看", "Open")
    )


def _task(effect: str) -> Markup:
    told = EFFECTS.get(effect)
    code = Markup('<span class="code muted">{}</span>').format(effect)
    return Markup("{}<br>{}").format(say(told), code) if told else code
