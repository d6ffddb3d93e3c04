"""Orders: the list, and one order's page with its picture, facts, history and buttons."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from flask import Response, flash, make_response, redirect, request
from markupsafe import Markup
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Query, joinedload

from backoffice.admin import answers, moves
from backoffice.admin.labels import badge, state_badge, states, word, words
from backoffice.admin.language import lazy, local_time, locale, say, t, yuan
from backoffice.admin.list_room import Choice, ListRoom
from backoffice.admin.order_facts import facts_of
from backoffice.admin.people import may, own_school, record
from backoffice.admin.room import expose, one_or_404
from backoffice.db import db
from backoffice.errors import BackofficeError
from backoffice.i18n import Text
from backoffice.lists.specs import ORDERS
from backoffice.models import Batch, Order, School
from backoffice.security.tenancy import visible


def batch_options(*conditions: ColumnElement[bool]) -> list[tuple[str, str]]:
    """Return the batches this member sees, newest first, for a drop-down."""
    query = select(Batch.id, Batch.name, Batch.feature_code).where(*conditions)
    query = query.where(visible(Batch, own_school())).order_by(Batch.created_at.desc()).limit(200)
    return [(str(row.id), f"{row.name} · {row.feature_code}") for row in db.session.execute(query)]


def school_options() -> list[tuple[str, str]]:
    """Return the schools this member sees, for a drop-down."""
    query = select(School.id, School.name).where(visible(School, own_school()))
    return [(str(row.id), row.name) for row in db.session.execute(query.order_by(School.code))]


def order_link(view: Any, context: Any, order: Any, name: str) -> Markup:
    """Return the order's number as a link to its page."""
    return Markup('<a class="code" href="{}">{}</a>').format(
        view.get_url("orders.order", id=order.id), order.number
    )


class OrdersRoom(ListRoom):
    """Every order the member may see."""

    room = "orders"
    label = Text("订单", "Orders")
    section = Text("采集", "Collection")
    empty = Text(
        "没有符合条件的订单。学生扫码下单后会出现在这里。",
        "No orders match. They appear here when students order.",
    )
    list_template = "backoffice/orders.html"
    search_hint = Text(
        "订单号、学号、姓名、证件号或手机号", "Order, student no., name, ID or phone"
    )
    column_list = ("number", "student", "batch", "state", "amount_fen", "created_at", "entered_at")
    column_labels: ClassVar[dict[str, Any]] = {
        "number": lazy("订单号", "Order"),
        "student": lazy("学生", "Student"),
        "batch": lazy("批次", "Batch"),
        "state": lazy("状态", "State"),
        "amount_fen": lazy("金额", "Amount"),
        "created_at": lazy("下单时间", "Ordered"),
        "entered_at": lazy("进入本状态", "In this state since"),
    }
    column_sortable_list = ("created_at",)
    big = True
    column_default_sort = ("created_at", True)
    column_auto_select_related = False
    choices = (
        Choice(
            "state",
            Text("全部状态", "All states"),
            lambda: [(s.name, say(s.label)) for s in states()],
            ORDERS.filters["state"],
        ),
        Choice(
            "batch",
            Text("全部批次", "All batches"),
            batch_options,
            ORDERS.filters["batch"],
        ),
        Choice(
            "kind",
            Text("全部类型", "All kinds"),
            lambda: [p for p in words("kind") if p[0] in ("capture", "reprint")],
            ORDERS.filters["kind"],
        ),
        Choice(
            "flagged",
            Text("全部标记", "Any flag"),
            lambda: words("flag"),
            ORDERS.filters["flagged"],
        ),
    )

    def __init__(self) -> None:
        self.column_formatters = {
            "number": order_link,
            "student": lambda v, c, o, n: f"{o.enrolment.name_masked} {o.enrolment.student_no}",
            "batch": lambda v, c, o, n: o.batch.name,
            "state": lambda v, c, o, n: _state_cell(o),
            "amount_fen": lambda v, c, o, n: yuan(o.amount_fen),
            "created_at": lambda v, c, o, n: local_time(o.created_at),
            "entered_at": lambda v, c, o, n: local_time(o.entered_at),
        }
        super().__init__(Order, "orders")

    def get_query(self) -> Query[Any]:
        """Return the orders with what the list shows of batch and student, in one query."""
        return super().get_query().options(joinedload(Order.batch), joinedload(Order.enrolment))

    def search_condition(self, term: str) -> ColumnElement[bool]:
        """Find by order number or by the student."""
        return ORDERS.search(term)

    # -- one order ------------------------------------------------------------------------

    @expose("/<uuid:id>/")
    def order(self, id: uuid.UUID) -> Response:
        """Show one order."""
        order = self._find(id)
        record("order:view", "order", order.id)
        if may("addresses") and order.delivery_address:
            record("address:view", "order", order.id)
        db.session.commit()
        return self._show(order)

    @expose("/<uuid:id>/fire", methods=("POST",))
    def fire(self, id: uuid.UUID) -> Any:
        """Fire one transition and show the order again; a refusal changes nothing."""
        order = self._find(id)
        name = request.form.get("transition", "")
        try:
            moves.fire(order.id, name, request.form)
        except BackofficeError as error:
            answers.flash_error(error)
            return self._show(self._find(id), answers.status_of(error))
        flash(t("已完成。", "Done."), "success")
        return redirect(self.get_url(".order", id=id), 303)

    @expose("/<uuid:id>/undo", methods=("POST",))
    def undo(self, id: uuid.UUID) -> Any:
        """Take the member's own latest decision back while its effects are still held."""
        order = self._find(id)
        try:
            moves.undo(order.id)
        except BackofficeError as error:
            answers.flash_error(error)
            return self._show(self._find(id), answers.status_of(error))
        flash(
            t("已撤回，订单回到待审核。", "Taken back; the order awaits review again."), "success"
        )
        return redirect(self.get_url(".order", id=id), 303)

    def _find(self, id: uuid.UUID) -> Order:
        query = select(Order).where(Order.id == id, visible(Order, own_school()))
        order: Order = one_or_404(query.execution_options(populate_existing=True))
        return order

    def _show(self, order: Order, status: int = 200) -> Response:
        html = self.render(
            "backoffice/order.html",
            order=order,
            facts=facts_of(order),
            offered=moves.offered(order),
            undo_until=moves.undo_until(order),
            key=moves.new_key(),
            reasons=moves.live_reasons(order.standard.name),
            language=locale(),
        )
        return make_response(html, status)


def _state_cell(order: Order) -> Markup:
    cell = state_badge(order)
    if order.flagged:
        cell += Markup(" ") + badge(word("flag", order.flagged), "bad")
    return cell
