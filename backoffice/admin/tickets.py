"""Customer service: what students ask, and the answers."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, ClassVar

from flask import Response, flash, make_response, redirect, request
from sqlalchemy import ColumnElement, func, select

from backoffice.accounts.tickets import add_staff_message, close_ticket
from backoffice.admin import answers
from backoffice.admin.labels import badge
from backoffice.admin.language import ago, lazy, local_time, say, t
from backoffice.admin.list_room import Choice, ListRoom
from backoffice.admin.people import me, own_school, record
from backoffice.admin.room import expose, one_or_404
from backoffice.db import db
from backoffice.errors import BackofficeError, InvalidInput
from backoffice.i18n import Text
from backoffice.lists.searching import enrolments_matching
from backoffice.models import Enrolment, Order, Staff, Ticket, TicketMessage
from backoffice.security.tenancy import visible

STATES = {
    "open": (Text("待回复", "Waiting for us"), "waiting"),
    "answered": (Text("已回复", "Answered"), "good"),
    "closed": (Text("已关闭", "Closed"), "neutral"),
}
BODY_MAX = 2000


def _state_options() -> list[tuple[str, str]]:
    return [(name, say(text)) for name, (text, _) in STATES.items()]


class TicketsRoom(ListRoom):
    """The questions of the own school's students; the house sees all of them."""

    room = "tickets"
    label = Text("客服工单", "Tickets")
    section = Text("采集", "Collection")
    big = True
    empty = Text(
        "没有工单。学生在手机页面“联系客服”提问后会出现在这里。",
        "No ticket. They appear here when students ask for help.",
    )
    search_hint = Text("学号、姓名、证件号或手机号", "Student no., name, ID or phone")
    column_list = ("subject", "state", "order_id", "messages", "created_at")
    column_labels: ClassVar[dict[str, Any]] = {
        "subject": lazy("问题", "Question"),
        "state": lazy("状态", "State"),
        "order_id": lazy("订单", "Order"),
        "messages": lazy("消息", "Messages"),
        "created_at": lazy("提交时间", "Asked"),
    }
    column_sortable_list = ("created_at",)
    column_default_sort = ("created_at", True)
    column_auto_select_related = False
    row_page = "tickets.ticket"
    choices = (
        Choice(
            "state",
            Text("全部状态", "All states"),
            _state_options,
            lambda v: Ticket.state == v,
        ),
    )

    def __init__(self) -> None:
        self.column_formatters = {
            "state": lambda v, c, m, n: badge(say(STATES[m.state][0]), STATES[m.state][1]),
            "order_id": lambda v, c, m, n: m.order_number or "—",
            "messages": lambda v, c, m, n: m.message_count,
            "created_at": lambda v, c, m, n: f"{local_time(m.created_at)} · {ago(m.created_at)}",
        }
        super().__init__(Ticket, "tickets")

    def decorate(self, rows: Sequence[Any]) -> None:
        """Add orders' numbers and the counts of messages, in two queries."""
        orders = {row.order_id for row in rows if row.order_id}
        found = db.session.execute(select(Order.id, Order.number).where(Order.id.in_(orders)))
        numbers = {row.id: row.number for row in found}
        counted = db.session.execute(
            select(TicketMessage.ticket_id, func.count())
            .where(TicketMessage.ticket_id.in_([row.id for row in rows]))
            .group_by(TicketMessage.ticket_id)
        )
        counts = {row[0]: row[1] for row in counted}
        for row in rows:
            row.order_number = numbers.get(row.order_id)
            row.message_count = counts.get(row.id, 0)

    def search_condition(self, term: str) -> ColumnElement[bool]:
        """Find by student."""
        ids = enrolments_matching(term)
        students = select(Enrolment.student_id).where(Enrolment.id.in_(ids))
        return Ticket.student_id.in_(students)

    @expose("/<uuid:id>/")
    def ticket(self, id: uuid.UUID) -> Response:
        """Show the conversation."""
        found = self._one(id)
        record("ticket:view", "ticket", found.id)
        db.session.commit()
        return self._show(found)

    @expose("/<uuid:id>/answer", methods=("POST",))
    def answer(self, id: uuid.UUID) -> Any:
        """Answer the student, and close the ticket if asked to."""
        found = self._one(id)
        body = request.form.get("body", "").strip()
        try:
            if not 1 <= len(body) <= BODY_MAX:
                reason = Text("请填写 1–2000 字的回复。", "Write 1 to 2000 letters.")
                raise InvalidInput("body", reason)
            add_staff_message(db.session(), found, me().id, body)
            if request.form.get("close"):
                close_ticket(db.session(), found)
        except BackofficeError as error:
            db.session.rollback()
            answers.flash_error(error)
            return self._show(self._one(id), answers.status_of(error))
        record("ticket:answer", "ticket", found.id)
        db.session.commit()
        flash(t("已回复。", "Answered."), "success")
        return redirect(self.get_url(".ticket", id=id), 303)

    @expose("/<uuid:id>/close", methods=("POST",))
    def close(self, id: uuid.UUID) -> Any:
        """Close the ticket."""
        found = self._one(id)
        close_ticket(db.session(), found)
        record("ticket:close", "ticket", found.id)
        db.session.commit()
        flash(t("工单已关闭。", "The ticket is closed."), "success")
        return redirect(self.get_url(".index_view"), 303)

    def _one(self, id: uuid.UUID) -> Ticket:
        found: Ticket = one_or_404(
            select(Ticket).where(Ticket.id == id, visible(Ticket, own_school()))
        )
        return found

    def _show(self, found: Ticket, status: int = 200) -> Response:
        names = db.session.execute(
            select(Staff.id, Staff.name).where(
                Staff.id.in_({m.staff_id for m in found.messages if m.staff_id})
            )
        )
        order = None
        if found.order_id:
            query = select(Order).where(Order.id == found.order_id, visible(Order, own_school()))
            order = db.session.scalars(query).one_or_none()
        html = self.render(
            "backoffice/ticket.html",
            ticket=found,
            order=order,
            names={row.id: row.name for row in names},
            state=STATES[found.state],
            most=BODY_MAX,
        )
        return make_response(html, status)
