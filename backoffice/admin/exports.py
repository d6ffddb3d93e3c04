"""Workbooks of lists: start one, watch it, fetch it. Everybody sees their own."""

from __future__ import annotations

import io
import uuid
from typing import Any

from flask import Response, flash, redirect, request, send_file
from sqlalchemy import select

from backoffice.admin.language import locale, t
from backoffice.admin.people import me, record
from backoffice.admin.room import Page, expose, one_or_404
from backoffice.admin.search_terms import open_term
from backoffice.db import db
from backoffice.errors import NotFound
from backoffice.i18n import Text
from backoffice.lists.exporting import ROWS_MAX, start_export, still_allowed
from backoffice.lists.specs import SPECS
from backoffice.models import ListExport
from backoffice.services import services

SHOWN = 30
MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class ExportsRoom(Page):
    """The workbooks a member asked for."""

    room = "exports"
    label = Text("导出文件", "Exports")
    section = Text("系统", "System")

    @expose("/")
    def index(self) -> str:
        """Show one's own exports, newest first."""
        query = select(ListExport).where(ListExport.staff_id == me().id)
        rows = db.session.scalars(query.order_by(ListExport.created_at.desc()).limit(SHOWN)).all()
        working = any(row.state in ("waiting", "running") for row in rows)
        return str(
            self.render(
                "backoffice/exports.html", rows=rows, working=working, specs=SPECS, most=ROWS_MAX
            )
        )

    @expose("/start", methods=("POST",))
    def start(self) -> Any:
        """Ask for the rows of the present filter as a workbook."""
        room = request.form.get("room", "")
        spec = SPECS.get(room)
        if spec is None:
            raise NotFound()
        args = {n: request.form[n][:100] for n in spec.filters if request.form.get(n)}
        args["term"] = open_term(request.form.get("search", ""))
        try:  # a value that is none is refused here, not in the worker
            spec.query(args, me().school_id)
        except ValueError:
            raise NotFound() from None
        export = start_export(db.session(), me(), room, args, locale(), None)
        record("export:start", "list_export", export.id, room=room)
        db.session.commit()
        flash(
            t(
                "已开始导出，完成后可在此页下载。",
                "The export has started; fetch it here when ready.",
            ),
            "success",
        )
        return redirect(self.get_url(".index"), 303)

    @expose("/<uuid:id>/file")
    def file(self, id: uuid.UUID) -> Response:
        """Send a finished workbook to whoever asked for it, while they may see what it holds."""
        export: ListExport = one_or_404(select(ListExport).where(ListExport.id == id))
        if not still_allowed(export, me()) or export.storage_key is None:
            raise NotFound()
        data = services().storage.get(export.storage_key)
        record("export:download", "list_export", export.id, rows=export.rows_written)
        db.session.commit()
        name = f"{export.room}-{export.created_at:%Y%m%d-%H%M}.xlsx"
        return send_file(io.BytesIO(data), MEDIA_TYPE, as_attachment=True, download_name=name)
