"""Batches: the list, opening one, its page with code, posters, progress and export."""

from __future__ import annotations

import tempfile
import uuid
from pathlib import Path
from typing import Any, ClassVar

from flask import Response, make_response, request, send_file
from flask_admin.form import BaseForm
from markupsafe import Markup
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Query, joinedload

from backoffice.admin.batch_forms import BatchCreateForm, BatchEditForm, change_batch
from backoffice.admin.labels import badge, word, words
from backoffice.admin.language import lazy, local_time, locale
from backoffice.admin.orders import school_options
from backoffice.admin.people import may, own_school, record
from backoffice.admin.room import Choice, ListRoom, expose, one_or_404, require
from backoffice.admin.state_figures import figures
from backoffice.batches.closing import arm_closing
from backoffice.batches.operations import create_batch
from backoffice.batches.printables import write_printables
from backoffice.batches.qr import batch_qr_png, batch_qr_svg, batch_url
from backoffice.db import db
from backoffice.errors import InvalidInput, NotFound
from backoffice.fulfilment.export_package import export_package
from backoffice.i18n import Text
from backoffice.models import Batch, Enrolment, RosterImport
from backoffice.security.tenancy import visible
from backoffice.services import services

BATCH_TONES = {"draft": "neutral", "open": "good", "closed": "waiting", "archived": "neutral"}


def _link(view: Any, context: Any, batch: Any, name: str) -> Markup:
    return Markup('<a href="{}">{}</a>').format(view.get_url(".batch", id=batch.id), batch.name)


class BatchesRoom(ListRoom):
    """Collection rounds."""

    room = "batches"
    label = Text("批次", "Batches")
    section = Text("采集", "Collection")
    form = BaseForm
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
            Text("全部状态", "All states"),
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
        """Return the batches with their schools in one query."""
        return super().get_query().options(joinedload(Batch.school))

    def search_condition(self, term: str) -> ColumnElement[bool]:
        """Find by feature code or part of the name."""
        return (Batch.feature_code == term.upper()) | Batch.name.contains(term, autoescape=True)

    def create_form(self, obj: Any = None) -> BatchCreateForm:
        """Return the form for a new batch."""
        return BatchCreateForm(request.form or None)

    def edit_form(self, obj: Any = None) -> BatchEditForm:
        """Return the form of a running batch."""
        return BatchEditForm(request.form or None, obj=obj)

    def create_model(self, form: BatchCreateForm) -> Any:
        """Open the batch; a refused value is shown above the form."""
        try:
            school = form.chosen_school()
            if school is None:
                raise NotFound()
            batch = create_batch(db.session(), school, form.plan())
            record("batch:create", "batch", batch.id)
            db.session.commit()
        except Exception as error:
            db.session.rollback()
            self.handle_view_exception(error)
            return False
        return batch

    def update_model(self, form: BatchEditForm, model: Batch) -> bool:
        """Change the settings."""
        try:
            change_batch(form, model)
            if model.closes_at <= model.opens_at:
                raise InvalidInput(
                    "closes_at",
                    Text("结束时间必须晚于开始时间。", "The end must be after the start."),
                )
            arm_closing(db.session(), model)
            record("batch:change", "batch", model.id)
            db.session.commit()
        except Exception as error:
            db.session.rollback()
            self.handle_view_exception(error)
            return False
        return True

    def get_save_return_url(self, model: Any, is_created: bool = False) -> str:
        """Go to the batch's page."""
        return str(self.get_url(".batch", id=model.id))

    # -- one batch ------------------------------------------------------------------------

    @expose("/<uuid:id>/")
    def batch(self, id: uuid.UUID) -> Response:
        """Show one batch."""
        batch = self._find(id)
        enrolled, claimed = db.session.execute(
            select(func.count(), func.count(Enrolment.student_id)).where(
                Enrolment.batch_id == batch.id
            )
        ).one()
        html = self.render(
            "backoffice/batch.html",
            batch=batch,
            url=batch_url(services().settings.public_url, batch.feature_code),
            enrolled=enrolled,
            claimed=claimed,
            workflows=[found for found in figures(batch.id) if found.used],
            imports=list(
                db.session.scalars(
                    select(RosterImport)
                    .where(RosterImport.batch_id == batch.id)
                    .order_by(RosterImport.created_at.desc())
                    .limit(5)
                )
            ),
        )
        return make_response(html)

    @expose("/<uuid:id>/print/<any(png, svg):kind>")
    def code(self, id: uuid.UUID, kind: str) -> Response:
        """Send the batch's QR code."""
        batch = self._find(id)
        url = batch_url(services().settings.public_url, batch.feature_code)
        response = make_response(batch_qr_png(url) if kind == "png" else batch_qr_svg(url))
        response.content_type = "image/png" if kind == "png" else "image/svg+xml"
        if request.args.get("download"):
            response.headers["Content-Disposition"] = (
                f'attachment; filename="{batch.feature_code}.{kind}"'
            )
        return response

    @expose("/<uuid:id>/print/<any(poster, sheets):what>")
    def printable(self, id: uuid.UUID, what: str) -> Response:
        """Send the poster, or the sheets of personal codes, whose taking is recorded."""
        batch = self._find(id)
        if what == "sheets":
            require("enrolments")
            record("batch:class_sheets", "batch", batch.id)
            db.session.commit()
        with tempfile.TemporaryDirectory() as folder:
            files = write_printables(
                db.session(), batch, services().settings, Path(folder), locale()
            )
            wanted = next(file for file in files if file.stem.endswith(what))
            data = wanted.read_bytes()
        response = make_response(data)
        response.content_type = "application/pdf"
        response.headers["Content-Disposition"] = f'attachment; filename="{wanted.name}"'
        return response

    @expose("/<uuid:id>/export", methods=("POST",))
    def export_pictures(self, id: uuid.UUID) -> Any:
        """Build the school's package and send it; who took it is recorded."""
        require("batches.export")
        batch = self._find(id)
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "package.zip"
            report = export_package(db.session(), services().storage, batch, out)
            record("export:download", "batch", batch.id, photos=report.photos)
            db.session.commit()
            # opened before the folder goes: the file lives on until the answer is sent
            file = out.open("rb")
        return send_file(
            file,
            mimetype="application/zip",
            as_attachment=True,
            download_name=f"{batch.feature_code}.zip",
        )

    def _find(self, id: uuid.UUID) -> Batch:
        batch: Batch = one_or_404(select(Batch).where(Batch.id == id, visible(Batch, own_school())))
        return batch


def batch_badge(batch: Batch) -> Markup:
    """Return the batch's state as a coloured label."""
    return badge(word("batch_state", batch.state), BATCH_TONES[batch.state])
