"""What can be taken from a batch: QR code, poster, and files made in the background."""

from __future__ import annotations

import io
import tempfile
import uuid
from pathlib import Path
from typing import Any

from flask import Response, make_response, redirect, request, send_file
from sqlalchemy import select

from backoffice.admin.batch_board import asked_class
from backoffice.admin.language import locale
from backoffice.admin.people import me, record
from backoffice.admin.room import expose, one_or_404, require
from backoffice.batches.jobs import request_job
from backoffice.batches.printables import poster_pdf
from backoffice.batches.qr import batch_qr_png, batch_qr_svg, batch_url
from backoffice.db import db
from backoffice.errors import NotFound
from backoffice.fulfilment.export_package import export_package
from backoffice.fulfilment.mini_program_code import offers_mini_program_codes
from backoffice.models import BatchJob
from backoffice.models.batch_life import BatchJobKind, BatchJobState
from backoffice.services import services

MEDIA_TYPES = {
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".jpg": "image/jpeg",
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
        offered = offers_mini_program_codes(services().settings)
        if kind == BatchJobKind.MINI_PROGRAM_CODE and not offered:
            raise NotFound()
        options, chosen = {"locale": locale()}, asked_class()
        if chosen is not None:
            options |= {"college": chosen.college, "class_name": chosen.class_name}
        job = request_job(db.session(), batch, me().id, kind, options)
        record(f"batch:{kind}", "batch", batch.id)
        db.session.commit()
        return redirect(self.get_url(".batch", id=id, _anchor=f"file-{job.id}"), 303)

    @expose("/<uuid:id>/files/<uuid:job_id>")
    def file(self, id: uuid.UUID, job_id: uuid.UUID) -> Response:
        """Send a finished file; who took it is recorded."""
        require("enrolments")
        batch = self._find(id)
        job: BatchJob = one_or_404(
            select(BatchJob).where(
                BatchJob.id == job_id,
                BatchJob.batch_id == batch.id,
                BatchJob.state == BatchJobState.READY,
            )
        )
        assert job.storage_key is not None
        assert job.file_name is not None
        data = services().storage.get(job.storage_key)
        record(f"batch:take_{job.kind}", "batch", batch.id)
        db.session.commit()
        media_type = MEDIA_TYPES.get(Path(job.file_name).suffix, "application/octet-stream")
        return _answer(data, media_type, job.file_name)

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


def _answer(data: bytes, media_type: str, download: str | None) -> Response:
    if download is None:
        response = make_response(data)
        response.content_type = media_type
        return response
    return send_file(
        io.BytesIO(data), mimetype=media_type, as_attachment=True, download_name=download
    )
