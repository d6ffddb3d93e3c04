"""What happened, across all orders: every uploaded photo and every move, newest first."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, ClassVar

from markupsafe import Markup
from sqlalchemy import ColumnElement, select

from backoffice.admin.labels import badge, move_label, newest_definitions, state_label, word, words
from backoffice.admin.language import lazy, local_time
from backoffice.admin.list_room import Choice, ListRoom
from backoffice.db import db
from backoffice.i18n import Text
from backoffice.lists.searching import order_condition
from backoffice.models import Order, OrderEvent, Photo, Staff

PHOTO_TONES = {"queued": "waiting", "processing": "working", "passed": "good", "failed": "bad"}


class OfOrders(ListRoom):
    """A list of things that belong to orders: they show the order's number and are found by it."""

    section = Text("采集", "Collection")
    big = True
    column_auto_select_related = False
    search_hint = Text(
        "订单号、学号、姓名、证件号或手机号", "Order, student no., name, ID or phone"
    )

    def decorate(self, rows: Sequence[Any]) -> None:
        """Give the rows their orders' numbers, in one query."""
        ids = {row.order_id for row in rows}
        found = db.session.execute(select(Order.id, Order.number).where(Order.id.in_(ids)))
        numbers = {row.id: row.number for row in found}
        for row in rows:
            row.order_number = numbers.get(row.order_id, "")

    def search_condition(self, term: str) -> ColumnElement[bool]:
        """Find by order or student."""
        found: ColumnElement[bool] = self.model.order_id.in_(
            select(Order.id).where(order_condition(term))
        )
        return found


def _order_cell(view: Any, context: Any, row: Any, name: str) -> Markup:
    return Markup('<a class="code" href="{}">{}</a>').format(
        view.get_url("orders.order", id=row.order_id), row.order_number
    )


class PhotosRoom(OfOrders):
    """Every upload with what the machine said; the pictures are on the orders' pages."""

    room = "photos"
    label = Text("照片上传", "Photo uploads")
    empty = Text(
        "还没有上传的照片。学生拍照或上传后会出现在这里。",
        "No photo yet. They appear here when students upload.",
    )
    column_list = ("order_id", "attempt", "source", "status", "failure_code", "created_at")
    column_labels: ClassVar[dict[str, Any]] = {
        "order_id": lazy("订单", "Order"),
        "attempt": lazy("第几次", "Attempt"),
        "source": lazy("来源", "Source"),
        "status": lazy("检测", "Check"),
        "failure_code": lazy("原因", "Reason"),
        "created_at": lazy("上传时间", "Uploaded"),
    }
    column_default_sort = ("created_at", True)
    column_sortable_list = ("created_at",)
    choices = (
        Choice(
            "status",
            Text("全部检测结果", "All results"),
            lambda: words("photo"),
            lambda v: Photo.status == v,
        ),
    )

    def __init__(self) -> None:
        self.column_formatters = {
            "order_id": _order_cell,
            "source": lambda v, c, p, n: word("source", p.source),
            "status": lambda v, c, p, n: badge(word("photo", p.status), PHOTO_TONES[p.status]),
            "failure_code": lambda v, c, p, n: p.failure_code or "—",
            "created_at": lambda v, c, p, n: local_time(p.created_at, "%Y-%m-%d %H:%M:%S"),
        }
        super().__init__(Photo, "photos")


def _moves() -> list[tuple[str, str]]:
    names = [name for definition in newest_definitions() for name in definition.by_name]
    return [(name, move_label(name)) for name in dict.fromkeys(names)]


class EventsRoom(OfOrders):
    """Every move of every order: the history nobody can rewrite."""

    room = "events"
    label = Text("操作记录", "History")
    section = Text("系统", "System")
    empty = Text("还没有记录。", "Nothing has happened yet.")
    column_list = ("at", "order_id", "transition", "states", "actor_kind")
    column_labels: ClassVar[dict[str, Any]] = {
        "at": lazy("时间", "Time"),
        "order_id": lazy("订单", "Order"),
        "transition": lazy("操作", "Move"),
        "states": lazy("状态变化", "States"),
        "actor_kind": lazy("操作人", "By"),
    }
    column_default_sort = ("at", True)
    column_sortable_list = ("at",)
    choices = (
        Choice(
            "transition",
            Text("全部操作", "All moves"),
            _moves,
            lambda v: OrderEvent.transition == v,
        ),
    )

    def __init__(self) -> None:
        self.column_formatters = {
            "at": lambda v, c, e, n: local_time(e.at, "%Y-%m-%d %H:%M:%S"),
            "order_id": _order_cell,
            "transition": lambda v, c, e, n: move_label(e.transition),
            "states": lambda v, c, e, n: f"{state_label(e.from_state)} → {state_label(e.to_state)}",
            "actor_kind": lambda v, c, e, n: e.who,
        }
        super().__init__(OrderEvent, "events")

    def scaffold_list_columns(self) -> list[str]:
        """Return the columns; `states` is put together from two."""
        return list(self.column_list)

    def decorate(self, rows: Sequence[Any]) -> None:
        """Add orders' numbers and the names of staff, in two queries."""
        super().decorate(rows)
        ids = {uuid.UUID(row.actor_id) for row in rows if row.actor_kind == "staff"}
        found = db.session.execute(select(Staff.id, Staff.name).where(Staff.id.in_(ids)))
        names = {str(row.id): row.name for row in found}
        for row in rows:
            row.who = names.get(row.actor_id or "", word("actor", row.actor_kind))
