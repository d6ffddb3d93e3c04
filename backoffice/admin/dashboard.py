"""The first page: what waits for this person, and how the batches stand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from backoffice.admin.dashboard_funnels import funnels
from backoffice.admin.dashboard_panels import panels
from backoffice.admin.figures import count_of, orders_by_state
from backoffice.admin.labels import states
from backoffice.admin.language import ago, t
from backoffice.admin.people import may, own_school
from backoffice.admin.room import FrontPage, expose
from backoffice.db import db
from backoffice.i18n import Text
from backoffice.models import Batch, Enrolment, Order, OutboxRow
from backoffice.models.vocabulary import BatchState
from backoffice.review import queue
from backoffice.security.tenancy import visible


@dataclass(frozen=True)
class Task:
    """One thing that waits: a count, what it means, and the page to go to."""

    count: int
    title: str
    hint: str
    endpoint: str
    args: dict[str, str]
    tone: str


class DashboardRoom(FrontPage):
    """The dashboard."""

    room = "dashboard"
    label = Text("工作台", "Dashboard")

    @expose("/")
    def index(self) -> str:
        """Show counts per state, tasks and open batches."""
        counts = orders_by_state()
        return str(
            self.render(
                "backoffice/dashboard.html",
                panels=list(panels()),
                tasks=list(_tasks(counts)),
                counts=[(state, counts.get(state.name, 0)) for state in states()],
                batches=funnels() if may("batches") else [],
            )
        )


def _tasks(counts: dict[str, int]) -> Iterator[Task]:
    if may("review"):
        yield _review_task(
            counts.get("pending_review", 0), db.session.scalar(queue.oldest(own_school()))
        )
    if may("fulfilment"):
        yield Task(
            counts.get("approved", 0),
            t("待制作", "To produce"),
            t("审核通过，等待开始制作", "Approved, waiting for production"),
            "fulfilment.index",
            {},
            "good",
        )
        yield Task(
            counts.get("processing", 0),
            t("待发货或完成", "To ship or complete"),
            t("制作中，登记快递单号或直接完成", "In production: ship or complete"),
            "fulfilment.index",
            {},
            "working",
        )
    if may("finance"):
        yield Task(
            counts.get("refunding", 0),
            t("退款中", "Refunds under way"),
            t("等待支付平台确认", "Waiting for the payment provider"),
            "orders.index_view",
            {"state": "refunding"},
            "working",
        )
        yield Task(
            _count(Order.flagged.is_not(None)),
            t("需要处理的退款", "Refunds to look at"),
            t("支付平台拒绝了退款", "The provider refused the refund"),
            "finance.index",
            {},
            "bad",
        )
    if may("imports"):
        yield Task(
            _unclaimed(),
            t("尚未认领的学生", "Students not yet here"),
            t(
                "在采集中的批次名单里，还没有扫码的学生",
                "On the roster of an open batch, not seen yet",
            ),
            "enrolments.index_view",
            {"claimed": "no"},
            "waiting",
        )
    if may("outbox"):
        yield Task(
            db.session.scalar(select(func.count()).where(OutboxRow.state == "dead")) or 0,
            t("失败停止的任务", "Dead tasks"),
            t("多次重试后停止，查明原因后重放", "Stopped after retries; replay when fixed"),
            "outbox.index_view",
            {"state": "dead"},
            "bad",
        )


def _review_task(count: int, oldest: datetime | None) -> Task:
    hint = (
        t(f"最早一张已等待 {ago(oldest)}", f"The oldest has waited {ago(oldest)}")
        if oldest
        else t("没有等待审核的照片", "No photo waits")
    )
    return Task(count, t("待审核照片", "Photos to review"), hint, "review.desk", {}, "working")


def _count(condition: object) -> int:
    query = select(func.count()).select_from(Order)
    return (
        db.session.scalar(query.where(condition, visible(Order, own_school())))  # type: ignore[arg-type]
        or 0
    )


def _unclaimed() -> int:
    query = (
        select(func.count())
        .select_from(Enrolment)
        .join(Batch)
        .where(
            Batch.state == BatchState.OPEN,
            Enrolment.student_id.is_(None),
            visible(Enrolment, own_school()),
        )
    )
    return count_of("unclaimed", query)
