"""Money: what came in, what goes back, and what somebody has to look at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from markupsafe import Markup
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import joinedload

from backoffice.admin.keeping import kept
from backoffice.admin.labels import badge, word, words
from backoffice.admin.language import lazy, local_time, t, yuan
from backoffice.admin.list_room import Choice, ListRoom
from backoffice.admin.people import own_school
from backoffice.admin.room import Page, expose
from backoffice.db import db
from backoffice.i18n import Text
from backoffice.lists.specs import PAYMENTS, REFUNDS, SPECS
from backoffice.models import Order, Payment, Refund
from backoffice.security.tenancy import visible
from backoffice.services import services

PAYMENT_TONES = {"pending": "waiting", "succeeded": "good", "failed": "bad", "closed": "neutral"}
REFUND_TONES = {
    "pending": "working",
    "succeeded": "neutral",
    "failed": "bad",
    "cancelled": "neutral",
}


class FinanceRoom(Page):
    """Totals, flagged refunds and refunds under way."""

    room = "finance"
    label = Text("财务概览", "Finance")
    section = Text("财务", "Finance")

    @expose("/")
    def index(self) -> str:
        """Show totals and what waits."""
        return str(
            self.render(
                "backoffice/finance.html",
                received=kept("received", lambda: _sum(Payment, Payment.status == "succeeded")),
                refunded=kept("refunded", lambda: _sum(Refund, Refund.status == "succeeded")),
                pending=_sum(Refund, Refund.status == "pending"),
                kept_seconds=services().settings.figures_seconds,
                surplus=_sum(Payment, Payment.surplus.is_(True)),
                flagged=_orders(Order.flagged.is_not(None)),
                refunding=_orders(Order.state == "refunding"),
            )
        )


def _sum(model: Any, condition: ColumnElement[bool]) -> tuple[int, int]:
    """Return number and total (fen) of the visible rows that meet the condition."""
    query = select(func.count(), func.coalesce(func.sum(model.amount_fen), 0))
    row = db.session.execute(query.where(condition, visible(model, own_school()))).one()
    return int(row[0]), int(row[1])


def _orders(condition: ColumnElement[bool]) -> list[Order]:
    query = select(Order).where(condition, visible(Order, own_school()))
    query = query.options(joinedload(Order.enrolment), joinedload(Order.batch))
    return list(db.session.scalars(query.order_by(Order.entered_at).limit(50)))


class MoneyRoom(ListRoom):
    """What the lists of payments and refunds share: the order's number, and finding by it."""

    section = Text("财务", "Finance")
    column_auto_select_related = False
    column_sortable_list = ("created_at",)
    big = True
    column_default_sort = ("created_at", True)
    column_labels: ClassVar[dict[str, Any]] = {
        "order_id": lazy("订单", "Order"),
        "provider": lazy("支付方式", "Provider"),
        "amount_fen": lazy("金额", "Amount"),
        "status": lazy("状态", "State"),
        "out_trade_no": lazy("商户单号", "Our number"),
        "trade_no": lazy("平台单号", "Provider's number"),
        "refund_no": lazy("退款单号", "Refund number"),
        "tries": lazy("尝试", "Tries"),
        "last_error": lazy("平台返回", "Provider's code"),
        "created_at": lazy("创建时间", "Created"),
        "paid_at": lazy("支付时间", "Paid"),
        "settled_at": lazy("完成时间", "Settled"),
    }

    def decorate(self, rows: Sequence[Any]) -> None:
        """Give the rows their orders' numbers, in one query."""
        ids = {row.order_id for row in rows}
        numbers = db.session.execute(select(Order.id, Order.number).where(Order.id.in_(ids)))
        known = {row.id: row.number for row in numbers}
        for row in rows:
            row.order_number = known.get(row.order_id, "")

    def search_condition(self, term: str) -> ColumnElement[bool]:
        """Find by the order's number or the numbers of provider and ours."""
        return SPECS[self.room].search(term)


def _order_cell(view: Any, context: Any, row: Any, name: str) -> Markup:
    return Markup('<a class="code" href="{}">{}</a>').format(
        view.get_url("orders.order", id=row.order_id), row.order_number
    )


class PaymentsRoom(MoneyRoom):
    """Payments, read only: they change through the providers' notices."""

    room = "payments"
    label = Text("付款", "Payments")
    search_hint = Text("订单号或支付单号", "Order or payment number")
    empty = Text("还没有付款记录。", "No payment yet.")
    column_list = ("order_id", "provider", "amount_fen", "status", "out_trade_no", "paid_at", "created_at")  # fmt: skip
    choices = (
        Choice(
            "status",
            Text("全部状态", "All states"),
            lambda: words("payment"),
            PAYMENTS.filters["status"],
        ),
        Choice(
            "surplus",
            Text("全部款项", "All money"),
            lambda: [("yes", t("多付款项", "Surplus only"))],
            PAYMENTS.filters["surplus"],
        ),
    )

    def __init__(self) -> None:
        self.column_formatters = {
            "order_id": _order_cell,
            "provider": lambda v, c, p, n: word("provider", p.provider),
            "amount_fen": lambda v, c, p, n: yuan(p.amount_fen),
            "status": lambda v, c, p, n: (
                badge(word("payment", p.status), PAYMENT_TONES[p.status])
                + (Markup(" ") + badge(t("多付", "Surplus"), "bad") if p.surplus else "")
            ),
            "paid_at": lambda v, c, p, n: local_time(p.paid_at),
            "created_at": lambda v, c, p, n: local_time(p.created_at),
        }
        super().__init__(Payment, "payments")


class RefundsRoom(MoneyRoom):
    """Refunds, read only: asked for on the order's page, settled by the providers."""

    room = "refunds"
    label = Text("退款", "Refunds")
    search_hint = Text("订单号或退款单号", "Order or refund number")
    empty = Text(
        "还没有退款。需要退款时，在订单页点“申请退款”。",
        "No refund yet. Ask for one on the order's page.",
    )
    column_list = ("order_id", "refund_no", "amount_fen", "status", "tries", "last_error", "settled_at", "created_at")  # fmt: skip
    choices = (
        Choice(
            "status",
            Text("全部状态", "All states"),
            lambda: words("refund"),
            REFUNDS.filters["status"],
        ),
    )

    def __init__(self) -> None:
        self.column_formatters = {
            "order_id": _order_cell,
            "amount_fen": lambda v, c, r, n: yuan(r.amount_fen),
            "status": lambda v, c, r, n: badge(word("refund", r.status), REFUND_TONES[r.status]),
            "last_error": lambda v, c, r, n: r.last_error or "—",
            "settled_at": lambda v, c, r, n: local_time(r.settled_at),
            "created_at": lambda v, c, r, n: local_time(r.created_at),
        }
        super().__init__(Refund, "refunds")
