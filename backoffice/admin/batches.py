"""Batches: the list, one batch's page, the steps of its life."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, ClassVar

from flask import Response, flash, make_response, redirect, request
from flask_admin.form import BaseForm
from markupsafe import Markup
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Query, joinedload

from backoffice.admin.batch_board import BoardViews, board_of, stage_words
from backoffice.admin.batch_files import FileViews, shown_kinds
from backoffice.admin.batch_opening import OpeningForms
from backoffice.admin.batch_record import record_lines
from backoffice.admin.keeping import kept
from backoffice.admin.labels import badge, word, words
from backoffice.admin.language import lazy, local_time, say, t, to_utc
from backoffice.admin.list_room import Choice, ListRoom
from backoffice.admin.orders import school_options
from backoffice.admin.people import may, me, own_school, record
from backoffice.admin.room import expose, one_or_404, require
from backoffice.admin.state_figures import figures
from backoffice.batches.changes import by_staff, history
from backoffice.batches.jobs import recent_jobs
from backoffice.batches.life import steps_from, take_step
from backoffice.batches.qr import batch_url
from backoffice.db import db
from backoffice.enrolments.windows import batch_phase
from backoffice.errors import InvalidInput
from backoffice.fulfilment.mini_program_code import offers_mini_program_codes
from backoffice.i18n import Text
from backoffice.models import Batch, RosterImport
from backoffice.models.vocabulary import BatchState
from backoffice.security.tenancy import visible
from backoffice.services import services

BATCH_TONES = {
    "draft": "neutral", "upcoming": "working", "open": "good", "closed": "waiting",
    "archived": "neutral",
}  # fmt: skip
UPCOMING = Text("未到开放时间", "Not open yet")
NEWEST_CHANGES, ALL_CHANGES = 6, 500


def _link(view: Any, context: Any, batch: Any, name: str) -> Markup:
    return Markup('<a href="{}">{}</a>').format(view.get_url(".batch", id=batch.id), batch.name)


class BatchesRoom(BoardViews, FileViews, OpeningForms, ListRoom):
    """Collection rounds."""

    room = "batches"
    label = Text("批次", "Batches")
    section = Text("采集", "Collection")
    form = BaseForm
    create_template = edit_template = "backoffice/batch_form.html"
    empty = Text(
        "还没有批次。新建批次后会得到特征码和海报。",
        "No batch yet. A new one comes with its code and poster.",
    )
    column_list = ("name", "feature_code", "school", "kind", "mode", "state", "closes_at")
    column_labels: ClassVar[dict[str, Any]] = {
        "name": lazy("名称", "Name"),
        "feature_code": lazy("特征码", "Code"),
        "school": lazy("学校", "School"),
        "kind": lazy("对象", "For"),
        "mode": lazy("流程", "Flow"),
        "state": lazy("状态", "State"),
        "closes_at": lazy("结束时间", "Closes"),
    }
    column_sortable_list = ("closes_at",)
    column_default_sort = ("created_at", True)
    column_auto_select_related = False
    search_hint = Text("特征码或名称", "Code or name")
    choices = (
        Choice(
            "state",
            Text("全部状态（不含已归档）", "All states but archived"),
            lambda: words("batch_state"),
            lambda v: Batch.state == v,
        ),
        Choice(
            "school",
            Text("全部学校", "All schools"),
            lambda: [] if own_school() else school_options(),
            lambda v: Batch.school_id == uuid.UUID(v),
        ),
    )

    def __init__(self) -> None:
        self.column_formatters = {
            "name": _link,
            "feature_code": lambda v, c, b, n: Markup('<span class="code">{}</span>').format(
                b.feature_code
            ),
            "school": lambda v, c, b, n: b.school.name,
            "kind": lambda v, c, b, n: word("kind", b.kind),
            "mode": lambda v, c, b, n: word("mode", b.mode),
            "state": lambda v, c, b, n: batch_badge(b),
            "closes_at": lambda v, c, b, n: local_time(b.closes_at),
        }
        super().__init__(Batch, "batches")

    @property
    def can_create(self) -> bool:  # type: ignore[override]
        """Administrators and schools."""
        return may("batches.edit")

    @property
    def can_edit(self) -> bool:  # type: ignore[override]
        """Administrators and schools."""
        return may("batches.edit")

    def get_query(self) -> Query[Any]:
        """Return the batches with their schools in one query; the archive only when asked for."""
        return self._without_archive(super().get_query()).options(joinedload(Batch.school))

    def get_count_query(self) -> Query[Any]:
        """Return the count of the same rows."""
        return self._without_archive(super().get_count_query())

    def _without_archive(self, query: Query[Any]) -> Query[Any]:
        asked = request.args.get("state") == BatchState.ARCHIVED or request.args.get("search")
        return query if asked else query.filter(Batch.state != BatchState.ARCHIVED)

    def search_condition(self, term: str) -> ColumnElement[bool]:
        """Find by feature code or part of the name."""
        return (Batch.feature_code == term.upper()) | Batch.name.contains(term, autoescape=True)

    @expose("/<uuid:id>/")
    def batch(self, id: uuid.UUID) -> Response:
        """Show one batch."""
        batch = self._find(id)
        everything = request.args.get("changes") == "all"
        limit = ALL_CHANGES if everything else NEWEST_CHANGES
        changes = history(db.session(), batch.id, limit + 1)
        times = kept("workflows", lambda: figures(batch.id), batch.id)
        html = self.render(
            "backoffice/batch.html",
            batch=batch,
            badge_of_batch=batch_badge(batch),
            mini_program=offers_mini_program_codes(services().settings),
            url=batch_url(services().settings.public_url, batch.feature_code),
            board=board_of(batch.id),
            steps=steps_from(batch) if may("batches.edit") else [],
            changes=record_lines(changes[:limit]),
            more_changes=len(changes) > limit,
            jobs=recent_jobs(db.session(), batch.id, shown_kinds()),
            workflows=[found for found in times if found.used],
            imports=list(
                db.session.scalars(
                    select(RosterImport)
                    .where(RosterImport.batch_id == batch.id)
                    .order_by(RosterImport.created_at.desc())
                    .limit(5)
                )
            ),
            **stage_words(),
        )
        return make_response(html)

    @expose("/<uuid:id>/step", methods=("POST",))
    def step(self, id: uuid.UUID) -> Any:
        """Open, extend, close, reopen, archive or bring back; recorded with who did it."""
        require("batches.edit")
        batch = self._find(id)
        action, end = request.form.get("action", ""), _posted_end()
        batch = take_step(db.session(), batch, action, by_staff(me().id), end)
        record(f"batch:{action}", "batch", batch.id)
        db.session.commit()
        flash(t("已保存：", "Saved: ") + word("batch_step", action), "success")
        return redirect(self.get_url(".batch", id=id), 303)

    def _find(self, id: uuid.UUID) -> Batch:
        batch: Batch = one_or_404(select(Batch).where(Batch.id == id, visible(Batch, own_school())))
        return batch


def _posted_end() -> datetime | None:
    """Return the posted end of the window in UTC; None without one. Raises InvalidInput."""
    raw = request.form.get("closes_at", "").strip()
    if not raw:
        return None
    try:
        return to_utc(datetime.fromisoformat(raw).replace(tzinfo=None))
    except ValueError:
        raise InvalidInput(
            "closes_at", Text("结束时间无法识别，请重新选择。", "Choose the end once more.")
        ) from None


def batch_badge(batch: Batch) -> Markup:
    """Return the batch's state as a coloured label; an open one may still wait for its start."""
    if batch.state == BatchState.OPEN and batch_phase(batch) == "upcoming":
        return badge(say(UPCOMING), BATCH_TONES["upcoming"])
    return badge(word("batch_state", batch.state), BATCH_TONES[batch.state])
