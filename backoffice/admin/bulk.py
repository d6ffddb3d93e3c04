"""Bulk runs: one transition for the chosen orders, worked in the background, a result for each."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import flash, redirect, request
from sqlalchemy import ColumnElement, Select, case, func, or_, select, true
from sqlalchemy.orm import joinedload

from backoffice.admin import moves
from backoffice.admin.labels import newest_definitions
from backoffice.admin.language import t
from backoffice.admin.people import actor, may, me, own_school, record
from backoffice.admin.room import Page, expose, one_or_404, parse_uuid
from backoffice.admin.search_terms import open_term
from backoffice.db import db
from backoffice.errors import InvalidInput, NotFound
from backoffice.i18n import Text
from backoffice.lists.specs import ORDERS
from backoffice.models import BulkItem, BulkRun, Order, OutboxRow, Staff
from backoffice.security.tenancy import visible
from backoffice.workflows import bulk
from backoffice.workflows.definition import Transition
from backoffice.workflows.errors import TransitionForbidden

# What makes sense for many orders at once. Decisions about photos are made one by one, and a
# parcel has a number of its own, so neither is here.
RUNNABLE = ("start_processing", "complete", "request_refund")
LIMIT = 1000  # orders chosen one by one
WHOLE_LIMIT = 100_000  # orders of a whole filter
SAMPLE = 50
SHOWN = 500
RECENT = 50


@dataclass(frozen=True)
class Result:
    """What became of one order of a run."""

    item: BulkItem
    order: Order


@dataclass(frozen=True)
class Line:
    """One run of the list."""

    run: BulkRun
    who: str
    progress: bulk.Progress


def runnable() -> list[Transition]:
    """Return the transitions this member's roles may fire for many orders at once."""
    found: dict[str, Transition] = {}
    roles = actor().roles
    for definition in newest_definitions():
        for name in RUNNABLE:
            transition = definition.by_name.get(name)
            if transition and roles & {who.role for who in transition.who}:
                found.setdefault(name, transition)
    return list(found.values())


class BulkRoom(Page):
    """Starting a run, watching it, and the runs of the past."""

    room = "bulk"
    label = Text("批量操作", "Bulk runs")
    section = Text("制作", "Fulfilment")

    @expose("/")
    def index(self) -> str:
        """Show the recent runs: one's own, or everybody's for an administrator."""
        rows = db.session.execute(
            select(BulkRun, Staff.name)
            .join(Staff, Staff.id == BulkRun.staff_id)
            .where(_mine())
            .order_by(BulkRun.created_at.desc())
            .limit(RECENT)
        ).all()
        progress = bulk.progress_of(db.session(), [row.BulkRun.id for row in rows])
        lines = [Line(row.BulkRun, row.name, progress[row.BulkRun.id]) for row in rows]
        return str(self.render("backoffice/bulk_runs.html", lines=lines))

    @expose("/new", methods=("POST",))
    def ask(self) -> Any:
        """Show what is about to happen and ask for the data the transition wants."""
        transition = _posted_transition()
        if request.form.get("all"):
            return self._ask_for_all(transition)
        orders = _posted_orders()
        if not orders:
            flash(t("请先在列表中选择订单。", "Choose orders in the list first."), "warning")
            return redirect(self.get_url("orders.index_view"), 303)
        ready = [o for o in orders if transition.name in {m.name for m in moves.offered(o)}]
        return self.render(
            "backoffice/bulk_new.html",
            transition=transition,
            orders=orders,
            ready=frozenset(order.id for order in ready),
            key=moves.new_key(),
            total=len(orders),
            scope={},
        )

    def _ask_for_all(self, transition: Transition) -> Any:
        """Show how many orders of a filter would move, and a few of them."""
        scope = _posted_filter()
        wanted = _movable(transition, scope)
        total = db.session.scalar(select(func.count()).select_from(wanted.subquery())) or 0
        if total == 0:
            text = t(
                "筛选结果中没有可以执行此操作的订单。",
                "No order of this filter can make this move.",
            )
            flash(text, "warning")
            return redirect(self.get_url("orders.index_view"), 303)
        some = select(Order).where(Order.id.in_(wanted.limit(SAMPLE)))
        some = some.options(joinedload(Order.enrolment), joinedload(Order.batch))
        orders = db.session.scalars(some.order_by(Order.created_at, Order.id)).all()
        return self.render(
            "backoffice/bulk_new.html",
            transition=transition,
            orders=orders,
            ready=frozenset(order.id for order in orders),
            key=moves.new_key(),
            total=total,
            scope=scope,
        )

    @expose("/start", methods=("POST",))
    def start(self) -> Any:
        """Start a run over the chosen orders and go to its page; the same form starts one run."""
        transition = _posted_transition()
        ids = _posted_ids(transition)
        if not ids:
            flash(t("请先选择订单。", "Choose orders first."), "warning")
            return redirect(
                self.get_url("fulfilment.index" if may("fulfilment") else ".index"), 303
            )
        key = request.form.get("key", "")[:64] or moves.new_key()
        run = bulk.start_run(
            db.session(),
            me().id,
            transition.name,
            ids,
            moves.posted_data(request.form),
            run_id=uuid.uuid5(me().id, key),
        )
        run_id = run.id
        record("bulk:start", "bulk_run", run_id, transition=transition.name, orders=len(ids))
        db.session.commit()
        return redirect(self.get_url(".run", id=run_id), 303)

    @expose("/<uuid:id>/")
    def run(self, id: uuid.UUID) -> str:
        """Show how far a run is and what became of each order."""
        run: BulkRun = one_or_404(select(BulkRun).where(BulkRun.id == id, _mine()))
        return str(
            self.render(
                "backoffice/bulk_run.html",
                run=run,
                who=db.session.get_one(Staff, run.staff_id).name,
                progress=bulk.progress_of(db.session(), [run.id])[run.id],
                results=_results(run),
                stopped=_stopped(run),
                shown=SHOWN,
            )
        )


def _mine() -> ColumnElement[bool]:
    return true() if may("bulk.everybodys") else BulkRun.staff_id == me().id


def _posted_transition() -> Transition:
    """Return the transition the form names. Raises NotFound, TransitionForbidden."""
    name = request.form.get("transition", "")
    if name not in RUNNABLE:
        raise NotFound()
    for transition in runnable():
        if transition.name == name:
            return transition
    raise TransitionForbidden()


def _posted_filter() -> dict[str, str]:
    """Return the filter of the list the form came from; the search term stays sealed."""
    names = [*ORDERS.filters, "search"]
    return {name: request.form[name][:400] for name in names if request.form.get(name)}


def _movable(transition: Transition, scope: Mapping[str, str]) -> Select[Any]:
    """Return the ids of a filter's orders that are in a state this transition leaves from.

    Raises NotFound for a filter that is none.
    """
    args = {name: value for name, value in scope.items() if name != "search"}
    args["term"] = open_term(scope.get("search", ""))
    try:
        found = ORDERS.query(args, own_school())
    except ValueError:
        raise NotFound() from None
    leaves = [
        (Order.workflow == definition.name) & Order.state.in_(known.sources)
        for definition in newest_definitions()
        if (known := definition.by_name.get(transition.name))
    ]
    return found.with_only_columns(Order.id).where(or_(*leaves)).limit(WHOLE_LIMIT)


def _posted_ids(transition: Transition) -> list[uuid.UUID]:
    """Return the ids to move: the chosen orders, or all of a filter when `all` was posted."""
    if request.form.get("all"):
        return list(db.session.scalars(_movable(transition, _posted_filter())))
    return [order.id for order in _posted_orders()]


def _posted_orders() -> Sequence[Order]:
    """Return the chosen orders (`order` holds an id, or `id:version`).

    Raises NotFound if any is not this member's to see, InvalidInput if there are too many.
    """
    ids = {parse_uuid(raw.partition(":")[0]) for raw in request.form.getlist("order")}
    if len(ids) > LIMIT:
        reason = Text("一次最多 {limit} 个订单，请分批进行。", "At most {limit} orders at once.")
        raise InvalidInput("order", reason, limit=LIMIT)
    query = select(Order).where(Order.id.in_(ids), visible(Order, own_school()))
    query = query.options(joinedload(Order.enrolment), joinedload(Order.batch))
    orders = db.session.scalars(query.order_by(Order.created_at, Order.id)).all()
    if len(orders) != len(ids):
        raise NotFound()
    return orders


def _results(run: BulkRun) -> list[Result]:
    """Return the orders of a run that this member may see, refused ones first."""
    order_of_interest = case((BulkItem.outcome == "refused", 0), (BulkItem.outcome.is_(None), 1), else_=2)  # fmt: skip
    rows = db.session.execute(
        select(BulkItem, Order)
        .join(Order, Order.id == BulkItem.order_id)
        .where(BulkItem.run_id == run.id, visible(Order, own_school()))
        .options(joinedload(Order.enrolment), joinedload(Order.batch))
        .order_by(order_of_interest, Order.created_at, Order.id)
        .limit(SHOWN)
    )
    return [Result(row.BulkItem, row.Order) for row in rows]


def _stopped(run: BulkRun) -> OutboxRow | None:
    """Return the run's task if it has stopped after all its tries, None otherwise."""
    if run.state == "finished":
        return None
    return db.session.scalars(
        select(OutboxRow).where(OutboxRow.dedupe_key == f"bulk/{run.id}", OutboxRow.state == "dead")
    ).one_or_none()
