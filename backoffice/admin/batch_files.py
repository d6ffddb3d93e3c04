"""What can be taken from a batch: QR code, poster, and files made in the background."""

from __future__ import annotations

import io
import uuid
from collections.abc import Collection
from pathlib import Path
from typing import Any

from flask import Response, make_response, redirect, request, send_file
from sqlalchemy import select

from backoffice.admin.batch_board import asked_class
from backoffice.admin.language import locale
from backoffice.admin.people import may, me, record
from backoffice.admin.room import expose, one_or_404, require
from backoffice.batches.jobs import read_file, request_job
from backoffice.batches.printables import poster_pdf
from backoffice.batches.qr import batch_qr_png, batch_qr_svg, batch_url
from backoffice.db import db
from backoffice.errors import NotFound
from backoffice.fulfilment.mini_program_code import offers_mini_program_codes
from backoffice.models import Batch, BatchJob
from backoffice.models.batch_life import BatchJobKind, BatchJobState
from backoffice.services import services

MEDIA_TYPES = {
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".zip": "application/zip",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class FileViews:
    """Views of the batches' room about files."""

    _find: Any
    get_url: Any

    @expose("/<uuid:id>/print/<any(png, svg):kind>")
    def code(self, id: uuid.UUID, kind: str) -> Response:
        """Send the batch's QR code."""
        batch = self._find(id)
        url = batch_url(services().settings.public_url, batch.feature_code)
        data = batch_qr_png(url) if kind == "png" else batch_qr_svg(url)
        media_type = "image/png" if kind == "png" else "image/svg+xml"
        name = f"{batch.feature_code}.{kind}" if request.args.get("download") else None
        return _answer(data, media_type, name)

    @expose("/<uuid:id>/print/poster")
    def poster(self, id: uuid.UUID) -> Response:
        """Send the poster in the reader's language."""
        batch = self._find(id)
        data = poster_pdf(batch, services().settings, locale())
        return _answer(data, "application/pdf", f"{batch.feature_code}-poster.pdf")

    @expose("/<uuid:id>/files", methods=("POST",))
    def ask_file(self, id: uuid.UUID) -> Any:
        """Have a file with students' data made in the background; asking is recorded."""
        require("enrolments")
        batch = self._find(id)
        try:
            kind = BatchJobKind(request.form.get("kind", ""))
        except ValueError:
            raise NotFound() from None
        if kind not in offered_kinds():
            raise NotFound()
        options, chosen = {"locale": locale()}, asked_class()
        if chosen is not None:
            options |= {"college": chosen.college, "class_name": chosen.class_name}
        return self._asked(batch, kind, options)

    @expose("/<uuid:id>/export", methods=("POST",))
    def export_pictures(self, id: uuid.UUID) -> Any:
        """Have the school's package built in the background; asking is recorded."""
        require("batches.export")
        return self._asked(self._find(id), BatchJobKind.EXPORT_PACKAGE, {"locale": locale()})

    def _asked(self, batch: Batch, kind: BatchJobKind, options: dict[str, str]) -> Any:
        job = request_job(db.session(), batch, me().id, kind, options)
        record(f"batch:{kind}", "batch", batch.id)
        db.session.commit()
        return redirect(self.get_url(".batch", id=batch.id, _anchor=f"file-{job.id}"), 303)

    @expose("/<uuid:id>/files/<uuid:job_id>")
    def file(self, id: uuid.UUID, job_id: uuid.UUID) -> Response:
        """Send a finished file; who took it is recorded."""
        require("enrolments")
        kinds = [kind for kind in BatchJobKind if kind != BatchJobKind.EXPORT_PACKAGE]
        return self._send(self._find(id), job_id, kinds)

    @expose("/<uuid:id>/package/<uuid:job_id>")
    def package(self, id: uuid.UUID, job_id: uuid.UUID) -> Response:
        """Send a finished package; who took it is recorded."""
        require("batches.export")
        return self._send(self._find(id), job_id, [BatchJobKind.EXPORT_PACKAGE])

    def _send(self, batch: Batch, job_id: uuid.UUID, kinds: Collection[BatchJobKind]) -> Response:
        job: BatchJob = one_or_404(
            select(BatchJob).where(
                BatchJob.id == job_id,
                BatchJob.batch_id == batch.id,
                BatchJob.state == BatchJobState.READY,
                BatchJob.kind.in_(kinds),
            )
        )
        assert job.file_name is not None
        assert job.file_bytes is not None
        pieces = read_file(services().storage, job)
        record(f"batch:take_{job.kind}", "batch", batch.id)
        name, size = job.file_name, job.file_bytes
        db.session.commit()
        media_type = MEDIA_TYPES.get(Path(name).suffix, "application/octet-stream")
        response = Response(pieces, mimetype=media_type)
        response.content_length = size
        response.headers.set("Content-Disposition", "attachment", filename=name)
        return response


def offered_kinds() -> list[BatchJobKind]:
    """Return the files with students' data that can be asked for on a batch's page."""
    kinds = [BatchJobKind.CLASS_SHEETS, BatchJobKind.PROGRESS]
    if offers_mini_program_codes(services().settings):
        kinds.append(BatchJobKind.MINI_PROGRAM_CODE)
    return kinds


def shown_kinds() -> list[BatchJobKind]:
    """Return the files whoever is signed in may take."""
    return [
        kind
        for kind in BatchJobKind
        if may("batches.export" if kind == BatchJobKind.EXPORT_PACKAGE else "enrolments")
    ]


def _answer(data: bytes, media_type: str, download: str | None) -> Response:
    if download is None:
        response = make_response(data)
        response.content_type = media_type
        return response
    return send_file(
        io.BytesIO(data), mimetype=media_type, as_attachment=True, download_name=download
    )
