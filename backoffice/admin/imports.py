"""Roster imports: upload, choose columns, look at what would happen, confirm, take back; history."""

from __future__ import annotations

import io
import uuid
from typing import Any, ClassVar

from flask import Response, flash, make_response, redirect, request, send_file
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import Query, joinedload

from backoffice.admin import answers
from backoffice.admin.import_page import page_of
from backoffice.admin.labels import badge, word
from backoffice.admin.language import lazy, local_time, locale, t
from backoffice.admin.list_room import Choice, ListRoom
from backoffice.admin.orders import batch_options
from backoffice.admin.people import me, own_school, record
from backoffice.admin.room import expose, one_or_404, parse_uuid
from backoffice.batches.jobs import request_job
from backoffice.db import db
from backoffice.errors import BackofficeError, NotFound
from backoffice.i18n import Text
from backoffice.imports import steps
from backoffice.imports.previewing import takes_roster
from backoffice.imports.template import batch_template
from backoffice.models import Batch, RosterImport, Staff
from backoffice.models.batch_life import BatchJobKind
from backoffice.security.tenancy import visible
from backoffice.services import services

SPREADSHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
TONES = {
    "applied": "good", "failed": "bad", "mapping": "waiting", "previewed": "waiting",
    "undone": "neutral", "discarded": "neutral",
}  # fmt: skip


def _link(view: Any, context: Any, row: Any, name: str) -> Markup:
    return Markup('<a href="{}">{}</a>').format(view.get_url(".report", id=row.id), row.file_name)


def state_of(row: RosterImport) -> Markup:
    """Return the import's state as a coloured label."""
    return badge(word("import", row.state), TONES.get(row.state, "working"))


class ImportsRoom(ListRoom):
    """The history of imports, and the way in."""

    room = "imports"
    label = Text("名单导入", "Roster imports")
    section = Text("采集", "Collection")
    list_template = "backoffice/imports.html"
    empty = Text(
        "还没有导入过名单。选择批次，下载模板或直接上传学校的表格。",
        "No roster yet. Choose a batch, take the template or upload the school's own workbook.",
    )
    column_list = (
        "file_name", "batch", "state", "row_count", "new_count", "changed_count", "same_count",
        "rejected_count", "staff_id", "created_at",
    )  # fmt: skip
    column_labels: ClassVar[dict[str, Any]] = {
        "file_name": lazy("文件", "File"),
        "batch": lazy("批次", "Batch"),
        "state": lazy("状态", "State"),
        "row_count": lazy("行数", "Rows"),
        "new_count": lazy("新增", "New"),
        "changed_count": lazy("变更", "Changed"),
        "same_count": lazy("未变", "Same"),
        "rejected_count": lazy("拒绝", "Rejected"),
        "staff_id": lazy("上传人", "By"),
        "created_at": lazy("时间", "At"),
    }
    column_sortable_list = ("created_at",)
    column_default_sort = ("created_at", True)
    column_auto_select_related = False
    choices = (
        Choice(
            "batch",
            Text("全部批次", "All batches"),
            batch_options,
            lambda v: RosterImport.batch_id == uuid.UUID(v),
        ),
    )

    def __init__(self) -> None:
        self.column_formatters = {
            "file_name": _link,
            "batch": lambda v, c, r, n: r.batch.name,
            "state": lambda v, c, r, n: state_of(r),
            "staff_id": lambda v, c, r, n: name_of(r.staff_id),
            "created_at": lambda v, c, r, n: local_time(r.created_at),
        }
        super().__init__(RosterImport, "imports")

    def get_query(self) -> Query[Any]:
        """Return the imports with their batches in one query."""
        return super().get_query().options(joinedload(RosterImport.batch))

    def render(self, template: str, **kwargs: Any) -> str:
        """Give the upload form the batches that take a roster."""
        return str(super().render(template, batches=batch_options(takes_roster()), **kwargs))

    @expose("/upload", methods=("POST",))
    def upload(self) -> Any:
        """Take a file in; a job reads it and shows what importing it would do."""
        batch = one_or_404(
            select(Batch).where(
                Batch.id == parse_uuid(request.form.get("batch", "")), visible(Batch, own_school())
            )
        )
        back = self.get_url(".index_view", batch=batch.id)
        file = request.files.get("file")
        if file is None or not file.filename:
            flash(t("请选择要上传的名单文件。", "Please choose a roster file."), "error")
            return redirect(back, 303)
        storage = services().storage
        try:
            row = steps.start(db.session(), storage, batch, file.read(), file.filename, me().id)
        except BackofficeError as error:
            db.session.rollback()
            answers.flash_error(error)
            return redirect(back, 303)
        return self._done(row, "roster:upload")

    @expose("/<uuid:id>/")
    def report(self, id: uuid.UUID) -> Response:
        """Show one import: how far it is, what it asks, what it would do or has done."""
        row = self._import(id)
        page = page_of(db.session(), row, request.args)
        part = "columns" if page.proposal else page.part
        if part in ("columns", "changed", "new", "missing"):
            record("roster:preview", "roster_import", row.id, part=part, page=page.number)
            db.session.commit()
        html = self.render("backoffice/import_report.html", row=row, page=page, state_of=state_of,
                           name_of=name_of, language=locale())  # fmt: skip
        return make_response(html)

    @expose("/<uuid:id>/choose", methods=("POST",))
    def choose(self, id: uuid.UUID) -> Any:
        """Take the clerk's columns."""
        row, form = self._import(id), request.form
        number = form.get("sheet", "0")
        prefix = f"s{number}-"
        columns = {k.removeprefix(prefix): v for k, v in form.items() if k.startswith(prefix)}
        name = form.get(f"name-{number}", "")
        return self._step(
            row, "roster:choose", lambda: steps.choose(db.session(), row, name, columns)
        )

    @expose("/<uuid:id>/columns", methods=("POST",))
    def columns(self, id: uuid.UUID) -> Any:
        """Go back from the preview to the choice of columns."""
        row = self._import(id)
        return self._step(row, "roster:columns", lambda: steps.reconsider(db.session(), row))

    @expose("/<uuid:id>/confirm", methods=("POST",))
    def confirm(self, id: uuid.UUID) -> Any:
        """Write what was previewed: these bytes, these rows, or nothing."""
        row, seen = self._import(id), request.form.get("seen", "")
        return self._step(row, "roster:import", lambda: steps.confirm(db.session(), row, seen))

    @expose("/<uuid:id>/check", methods=("POST",))
    def check(self, id: uuid.UUID) -> Any:
        """Preview the same file anew."""
        row = self._import(id)
        return self._step(row, "roster:check", lambda: steps.check_again(db.session(), row))

    @expose("/<uuid:id>/discard", methods=("POST",))
    def discard(self, id: uuid.UUID) -> Any:
        """Give an upload up."""
        row, storage = self._import(id), services().storage
        return self._step(row, "roster:discard", lambda: steps.discard(db.session(), storage, row))

    @expose("/<uuid:id>/undo", methods=("POST",))
    def undo(self, id: uuid.UUID) -> Any:
        """Take an applied import back."""
        row, who = self._import(id), me().id
        return self._step(row, "roster:undo", lambda: steps.ask_undo(db.session(), row, who))

    @expose("/<uuid:id>/errors", methods=("POST",))
    def error_workbook(self, id: uuid.UUID) -> Any:
        """Have the clerk's own workbook marked in the background; the page offers it when ready."""
        row = self._import(id)
        if row.storage_key is None or not row.findings:
            raise NotFound()
        options = {"import": str(row.id), "locale": locale()}
        request_job(db.session(), row.batch, me().id, BatchJobKind.ROSTER_ERRORS, options)
        return self._done(row, "roster:errors")

    @expose("/template/<uuid:id>")
    def template(self, id: uuid.UUID) -> Response:
        """Send an empty workbook for a batch to fill in."""
        batch: Batch = one_or_404(select(Batch).where(Batch.id == id, visible(Batch, own_school())))
        data = batch_template(db.session(), batch, locale())
        return _workbook(data, f"{batch.feature_code}-roster.xlsx")

    def _import(self, id: uuid.UUID) -> RosterImport:
        row: RosterImport = one_or_404(
            select(RosterImport).where(RosterImport.id == id, visible(RosterImport, own_school()))
        )
        return row

    def _step(self, row: RosterImport, action: str, step: Any) -> Any:
        """Ask for a step; what does not go is said on the import's page."""
        try:
            step()
        except BackofficeError as error:
            id = row.id
            db.session.rollback()
            answers.flash_error(error)
            return redirect(self.get_url(".report", id=id), 303)
        return self._done(row, action)

    def _done(self, row: RosterImport, action: str) -> Any:
        id = row.id
        record(action, "roster_import", id)
        db.session.commit()
        return redirect(self.get_url(".report", id=id), 303)


def name_of(staff_id: uuid.UUID | None) -> str:
    """Return who did it; a command has no account."""
    member = db.session.get(Staff, staff_id) if staff_id else None
    return member.name if member else t("命令行", "Command line")


def _workbook(data: bytes, name: str) -> Response:
    return send_file(io.BytesIO(data), mimetype=SPREADSHEET, as_attachment=True, download_name=name)
