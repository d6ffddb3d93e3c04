"""Roster imports: upload, look at what would happen, confirm; and the history."""

from __future__ import annotations

import io
import secrets
import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from flask import Response, flash, make_response, redirect, request, send_file
from itsdangerous import BadSignature, URLSafeTimedSerializer
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import Query, joinedload

from backoffice.admin import answers
from backoffice.admin.labels import badge, word
from backoffice.admin.language import lazy, local_time, locale, t
from backoffice.admin.orders import batch_options
from backoffice.admin.people import me, own_school, record
from backoffice.admin.room import Choice, ListRoom, expose, one_or_404, parse_uuid
from backoffice.db import db
from backoffice.errors import BackofficeError
from backoffice.i18n import Text
from backoffice.imports.findings import Finding
from backoffice.imports.operations import import_roster
from backoffice.imports.template import template_workbook
from backoffice.models import Batch, RosterImport
from backoffice.security.tenancy import visible
from backoffice.services import services

PREVIEW_SECONDS = 2 * 3600
SHOWN_FINDINGS = 200
SPREADSHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class PreviewGone(BackofficeError):
    """The uploaded file is no longer there, or the form is not ours."""

    code = "import_preview_gone"
    title = Text("预览已失效", "The preview has expired")
    detail = Text("请重新上传名单文件。", "Please upload the roster again.")


@dataclass(frozen=True)
class Upload:
    """A file between preview and confirmation; it lies sealed in the store."""

    key: str
    batch_id: uuid.UUID
    file_name: str

    def token(self) -> str:
        """Return what the confirming form carries."""
        return str(
            _serializer().dumps([self.key, str(self.batch_id), self.file_name, str(me().id)])
        )


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(services().settings.secret_key, salt="roster-upload")


def opened_upload(token: str) -> Upload:
    """Return the upload of a form of this very member. Raises PreviewGone."""
    try:
        key, batch_id, name, staff_id = _serializer().loads(token, max_age=PREVIEW_SECONDS)
    except (BadSignature, ValueError):
        raise PreviewGone() from None
    if staff_id != str(me().id):
        raise PreviewGone()
    return Upload(key, uuid.UUID(batch_id), name)


def _link(view: Any, context: Any, row: Any, name: str) -> Markup:
    return Markup('<a href="{}">{}</a>').format(view.get_url(".report", id=row.id), row.file_name)


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
        "rejected_count", "created_at",
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
            "state": lambda v, c, r, n: badge(word("import", r.state), "good"),
            "created_at": lambda v, c, r, n: local_time(r.created_at),
        }
        super().__init__(RosterImport, "imports")

    def get_query(self) -> Query[Any]:
        """Return the imports with their batches in one query."""
        return super().get_query().options(joinedload(RosterImport.batch))

    def render(self, template: str, **kwargs: Any) -> str:
        """Give the upload form its batches."""
        return str(super().render(template, batches=batch_options(), **kwargs))

    @expose("/preview", methods=("POST",))
    def preview(self) -> Any:
        """Read the uploaded file and show what an import would do; writes no roster row."""
        batch = self._batch(parse_uuid(request.form.get("batch", "")))
        file = request.files.get("file")
        if file is None or not file.filename:
            flash(t("请选择要上传的名单文件。", "Please choose a roster file."), "error")
            return redirect(self.get_url(".index_view", batch=batch.id), 303)
        data = file.read()
        upload = Upload(f"roster-uploads/{secrets.token_hex(16)}", batch.id, file.filename[-120:])
        try:
            report = import_roster(
                db.session(), batch, data, upload.file_name, dry_run=True, actor=me().id
            )
        except BackofficeError as error:
            db.session.rollback()
            answers.flash_error(error)
            return redirect(self.get_url(".index_view", batch=batch.id), 303)
        services().storage.put(upload.key, data)
        record("roster:preview", "batch", batch.id, rows=report.rows)
        db.session.commit()
        return make_response(
            self.render(
                "backoffice/import_preview.html",
                batch=batch,
                upload=upload,
                report=report,
                findings=report.findings[:SHOWN_FINDINGS],
                language=locale(),
            )
        )

    @expose("/confirm", methods=("POST",))
    def confirm(self) -> Any:
        """Import the file that was previewed."""
        upload = opened_upload(request.form.get("upload", ""))
        batch = self._batch(upload.batch_id)
        data = self._bytes(upload)
        report = import_roster(db.session(), batch, data, upload.file_name, actor=me().id)
        record("roster:import", "batch", batch.id, rows=report.rows, new=report.new)
        db.session.commit()
        services().storage.delete(upload.key)
        flash(
            t(
                f"已导入：新增 {report.new}，变更 {report.changed}，未变 {report.same}，拒绝 {report.rejected}。",
                f"Imported: {report.new} new, {report.changed} changed, {report.same} same, "
                f"{report.rejected} rejected.",
            ),
            "success",
        )
        return redirect(self.get_url(".report", id=report.import_id), 303)

    @expose("/errors", methods=("POST",))
    def error_workbook(self) -> Response:
        """Send the clerk's own workbook back with the findings marked."""
        upload = opened_upload(request.form.get("upload", ""))
        batch = self._batch(upload.batch_id)
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "errors.xlsx"
            import_roster(
                db.session(),
                batch,
                self._bytes(upload),
                upload.file_name,
                dry_run=True,
                errors_out=out,
                locale=locale(),
            )
            if not out.exists():
                raise PreviewGone()
            data = out.read_bytes()
        record("roster:errors", "batch", batch.id)
        db.session.commit()
        return _workbook(data, f"{batch.feature_code}-errors.xlsx")

    @expose("/template/<any(full, minimal):mode>")
    def template(self, mode: str) -> Response:
        """Send an empty workbook to fill in."""
        return _workbook(template_workbook(mode, locale()), f"roster-{mode}.xlsx")

    @expose("/<uuid:id>/")
    def report(self, id: uuid.UUID) -> Response:
        """Show one import: counts and findings, worded now from their codes."""
        row: RosterImport = one_or_404(
            select(RosterImport).where(RosterImport.id == id, visible(RosterImport, own_school()))
        )
        findings = [Finding.from_record(found) for found in row.findings[:SHOWN_FINDINGS]]
        html = self.render(
            "backoffice/import_report.html", row=row, findings=findings, language=locale()
        )
        return make_response(html)

    def _batch(self, id: uuid.UUID) -> Batch:
        batch: Batch = one_or_404(select(Batch).where(Batch.id == id, visible(Batch, own_school())))
        return batch

    def _bytes(self, upload: Upload) -> bytes:
        try:
            return services().storage.get(upload.key)
        except BackofficeError:
            raise PreviewGone() from None


def _workbook(data: bytes, name: str) -> Response:
    return send_file(io.BytesIO(data), mimetype=SPREADSHEET, as_attachment=True, download_name=name)
