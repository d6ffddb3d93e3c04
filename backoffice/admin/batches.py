"""Batches: the list, opening, copying and changing one, its page, the steps of its life."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, ClassVar

from flask import Response, flash, make_response, redirect, request
from flask_admin.form import BaseForm
from flask_admin.helpers import validate_form_on_submit
from markupsafe import Markup
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Query, joinedload

from backoffice.admin.batch_board import BoardViews, board_of, stage_words
from backoffice.admin.batch_files import FileViews, shown_kinds
from backoffice.admin.batch_forms import BatchForm, form_values
from backoffice.admin.batch_record import record_lines
from backoffice.admin.labels import badge, word, words
from backoffice.admin.language import lazy, local_time, say, t, to_utc, zone
from backoffice.admin.list_room import Choice, ListRoom
from backoffice.admin.orders import school_options
from backoffice.admin.people import may, me, own_school, record
from backoffice.admin.room import expose, one_or_404, parse_uuid, require
from backoffice.admin.state_figures import figures
from backoffice.batches.changes import by_staff, history
from backoffice.batches.defaults import copied_plan, new_plan
from backoffice.batches.jobs import recent_jobs
from backoffice.batches.life import change_batch, fixed_fields, steps_from, take_step
from backoffice.batches.operations import create_batch
from backoffice.batches.plans import BatchPlan, plan_of
from backoffice.batches.qr import batch_url
from backoffice.db import db
from backoffice.enrolments.windows import batch_phase
from backoffice.errors import InvalidInput, NotFound
from backoffice.fulfilment.mini_program_code import offers_mini_program_codes
from backoffice.i18n import Text
from backoffice.models import Batch, RosterImport, School
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


class BatchesRoom(BoardViews, FileViews, ListRoom):
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
            school_options,
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

    # -- opening and changing -------------------------------------------------------------

    def create_form(self, obj: Any = None) -> BatchForm:
        """Return the form of a new batch: as the school's last one, or as the one to copy."""
        if request.form:
            return BatchForm(request.form)
        source = self._copied()
        if source is not None:
            plan = copied_plan(db.session(), source, zone())
            form = BatchForm(data=form_values(plan, source.school_id))
            form.copy_of.data = str(source.id)
            return form
        school = self._first_school()
        if school is None:
            return BatchForm(data=form_values(BatchPlan(name="")))
        plan, last = new_plan(db.session(), school, zone())
        form = BatchForm(data=form_values(plan, school.id))
        form.taken_from = last
        return form

    def edit_form(self, obj: Any = None) -> BatchForm:
        """Return the form of a batch with the fields that may still change."""
        assert obj is not None
        form = (
            BatchForm(request.form) if request.form else BatchForm(data=form_values(plan_of(obj)))
        )
        form.fix({"school", "copy_of", *fixed_fields(db.session(), obj)})
        form.fixed_roster_mode = obj.roster_mode
        form.keep_standard(obj.standard)
        return form

    def validate_form(self, form: BatchForm) -> bool:
        """Check the form; what is wrong stands at its field, not in a message above."""
        return bool(validate_form_on_submit(form))

    def create_model(self, form: BatchForm) -> Any:
        """Open the batch, or keep it as a draft; a refused value is shown at its field."""
        draft = request.form.get("state") == BatchState.DRAFT
        try:
            school = self._chosen_school(form)
            copy_of = self._batch_or_none(form.copy_of.data)
            plan = form.plan(
                BatchPlan(name=""), state=BatchState.DRAFT if draft else BatchState.OPEN
            )
            batch = create_batch(db.session(), school, plan, by_staff(me().id), copy_of)
            record("batch:create", "batch", batch.id)
            db.session.commit()
        except Exception as error:
            db.session.rollback()
            self._show(form, error)
            return False
        return batch

    def update_model(self, form: BatchForm, model: Batch) -> bool:
        """Write what has changed; the domain decides what may."""
        try:
            plan = form.plan(plan_of(model))
            change_batch(db.session(), model, plan, by_staff(me().id))
            record("batch:change", "batch", model.id)
            db.session.commit()
        except Exception as error:
            db.session.rollback()
            self._show(form, error)
            return False
        return True

    def get_save_return_url(self, model: Any, is_created: bool = False) -> str:
        """Go to the batch's page."""
        return str(self.get_url(".batch", id=model.id))

    def _show(self, form: BatchForm, error: Exception) -> None:
        """Put a refused value's reason under its field; everything else above the form."""
        if isinstance(error, InvalidInput) and error.field in form:
            field = form[error.field]
            field.errors = [*field.errors, say(error.reason)]
        else:
            self.handle_view_exception(error)

    def _copied(self) -> Batch | None:
        return self._batch_or_none(request.args.get("copy", ""))

    def _batch_or_none(self, raw: str | None) -> Batch | None:
        return self._find(parse_uuid(raw)) if raw else None

    def _first_school(self) -> School | None:
        """Return the school the form is about: the chosen one, else the first in the list."""
        query = select(School).where(visible(School, own_school())).order_by(School.code).limit(1)
        if request.args.get("school"):
            query = query.where(School.id == parse_uuid(request.args["school"]))
        return db.session.scalars(query).first()

    def _chosen_school(self, form: BatchForm) -> School:
        school = db.session.scalars(
            select(School).where(
                School.id == parse_uuid(form.school.data), visible(School, own_school())
            )
        ).one_or_none()
        if school is None:
            raise NotFound()
        return school

    # -- one batch ------------------------------------------------------------------------

    @expose("/<uuid:id>/")
    def batch(self, id: uuid.UUID) -> Response:
        """Show one batch."""
        batch = self._find(id)
        everything = request.args.get("changes") == "all"
        limit = ALL_CHANGES if everything else NEWEST_CHANGES
        changes = history(db.session(), batch.id, limit + 1)
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
            workflows=[found for found in figures(batch.id) if found.used],
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
