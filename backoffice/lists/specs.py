"""The lists that can grow large: what narrows them, what finds in them, what a workbook shows.

The rooms of the back office and the worker that writes workbooks use the same conditions, so that a
file holds what the page showed. Personal data stays masked as it is on the pages.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, select, union_all
from sqlalchemy.orm import joinedload
from sqlalchemy.orm.interfaces import ORMOption

from backoffice.i18n import Text
from backoffice.lists.searching import enrolment_condition, order_condition
from backoffice.lists.words import word
from backoffice.models import Enrolment, Order, Payment, Refund
from backoffice.security.tenancy import visible
from backoffice.services import services

Cell = str | int | float | datetime | None
Condition = Callable[[str], ColumnElement[bool]]


@dataclass(frozen=True)
class Column:
    """One column of a workbook: its heading, and a row's cell in the reader's language."""

    title: Text
    cell: Callable[[Any, str], Cell]


@dataclass(frozen=True)
class ListSpec:
    """One list."""

    room: str
    title: Text
    model: type[Any]
    filters: Mapping[str, Condition]
    search: Condition
    columns: tuple[Column, ...]
    options: tuple[ORMOption, ...] = ()

    def query(self, args: Mapping[str, str], school_id: uuid.UUID | None) -> Select[Any]:
        """Return the rows of a filter that a school (None: the house) may see, without order.

        args: drop-downs by name, and `term`. Raises ValueError for a value that is none.
        """
        found = select(self.model).where(visible(self.model, school_id))
        for name, condition in self.filters.items():
            if args.get(name):
                found = found.where(condition(args[name]))
        if args.get("term"):
            found = found.where(self.search(args["term"]))
        return found


def _state(order: Order, locale: str) -> str:
    definition = services().engine.binding.definitions[(order.workflow, order.workflow_version)]
    return definition.states_by_name[order.state].label.get(locale)


def _yuan(fen: int) -> float:
    return fen / 100


ORDERS = ListSpec(
    room="orders",
    title=Text("订单", "Orders"),
    model=Order,
    filters={
        "state": lambda v: Order.state == v,
        "batch": lambda v: Order.batch_id == uuid.UUID(v),
        "kind": lambda v: Order.kind == v,
        "flagged": lambda v: Order.flagged == v,
    },
    search=order_condition,
    columns=(
        Column(Text("订单号", "Order"), lambda o, lang: o.number),
        Column(Text("学号", "Student no."), lambda o, lang: o.enrolment.student_no),
        Column(Text("姓名", "Name"), lambda o, lang: o.enrolment.name_masked),
        Column(Text("院系", "College"), lambda o, lang: o.enrolment.college),
        Column(Text("班级", "Class"), lambda o, lang: o.enrolment.class_name),
        Column(Text("学校", "School"), lambda o, lang: o.batch.school.name),
        Column(Text("批次", "Batch"), lambda o, lang: o.batch.name),
        Column(Text("类型", "Kind"), lambda o, lang: word("kind", o.kind, lang)),
        Column(Text("状态", "State"), _state),
        Column(Text("标记", "Flag"), lambda o, lang: word("flag", o.flagged, lang)),
        Column(Text("金额（元）", "Amount (yuan)"), lambda o, lang: _yuan(o.amount_fen)),
        Column(
            Text("取件方式", "Delivery"), lambda o, lang: word("delivery", o.delivery_method, lang)
        ),
        Column(Text("下单时间", "Ordered"), lambda o, lang: o.created_at),
        Column(Text("支付时间", "Paid"), lambda o, lang: o.paid_at),
        Column(Text("进入本状态", "In this state since"), lambda o, lang: o.entered_at),
    ),
    options=(joinedload(Order.batch), joinedload(Order.enrolment)),
)

ENROLMENTS = ListSpec(
    room="enrolments",
    title=Text("学生名册", "Enrolments"),
    model=Enrolment,
    filters={
        "batch": lambda v: Enrolment.batch_id == uuid.UUID(v),
        "claimed": lambda v: (
            Enrolment.student_id.is_not(None) if v == "yes" else Enrolment.student_id.is_(None)
        ),
    },
    search=enrolment_condition,
    columns=(
        Column(Text("学号", "Student no."), lambda e, lang: e.student_no),
        Column(Text("姓名", "Name"), lambda e, lang: e.name_masked),
        Column(Text("证件号", "ID number"), lambda e, lang: e.id_masked),
        Column(Text("院系", "College"), lambda e, lang: e.college),
        Column(Text("班级", "Class"), lambda e, lang: e.class_name),
        Column(Text("批次", "Batch"), lambda e, lang: e.batch.name),
        Column(Text("来源", "Source"), lambda e, lang: word("source", e.source, lang)),
        Column(Text("认领时间", "Claimed"), lambda e, lang: e.claimed_at),
    ),
    options=(joinedload(Enrolment.batch),),
)


def _order_number(row: Payment | Refund, lang: str) -> str:
    return str(row.order_number)  # type: ignore[union-attr]


def money_condition(model: Any, *numbers: str) -> Condition:
    """Return how payments or refunds are found: by the order's number or one of their own."""

    def condition(term: str) -> ColumnElement[bool]:
        orders = select(Order.id).where(Order.number == term.upper())
        ways = [select(model.id).where(model.order_id.in_(orders))]
        ways += [select(model.id).where(getattr(model, name) == term) for name in numbers]
        found: ColumnElement[bool] = model.id.in_(union_all(*ways))
        return found

    return condition


PAYMENTS = ListSpec(
    room="payments",
    title=Text("付款", "Payments"),
    model=Payment,
    filters={
        "status": lambda v: Payment.status == v,
        "surplus": lambda v: Payment.surplus.is_(True),
    },
    search=money_condition(Payment, "out_trade_no", "trade_no"),
    columns=(
        Column(Text("订单号", "Order"), _order_number),
        Column(Text("支付方式", "Provider"), lambda p, lang: p.provider),
        Column(Text("金额（元）", "Amount (yuan)"), lambda p, lang: _yuan(p.amount_fen)),
        Column(Text("状态", "State"), lambda p, lang: word("payment", p.status, lang)),
        Column(Text("商户单号", "Our number"), lambda p, lang: p.out_trade_no),
        Column(Text("平台单号", "Provider's number"), lambda p, lang: p.trade_no),
        Column(Text("支付时间", "Paid"), lambda p, lang: p.paid_at),
        Column(Text("创建时间", "Created"), lambda p, lang: p.created_at),
    ),
)

REFUNDS = ListSpec(
    room="refunds",
    title=Text("退款", "Refunds"),
    model=Refund,
    filters={"status": lambda v: Refund.status == v},
    search=money_condition(Refund, "refund_no", "provider_refund_no"),
    columns=(
        Column(Text("订单号", "Order"), _order_number),
        Column(Text("退款单号", "Refund number"), lambda r, lang: r.refund_no),
        Column(Text("金额（元）", "Amount (yuan)"), lambda r, lang: _yuan(r.amount_fen)),
        Column(Text("状态", "State"), lambda r, lang: word("refund", r.status, lang)),
        Column(Text("平台返回", "Provider's code"), lambda r, lang: r.last_error),
        Column(Text("完成时间", "Settled"), lambda r, lang: r.settled_at),
        Column(Text("创建时间", "Created"), lambda r, lang: r.created_at),
    ),
)

SPECS: dict[str, ListSpec] = {s.room: s for s in (ORDERS, ENROLMENTS, PAYMENTS, REFUNDS)}
