"""batch.file: sheets of personal codes, progress workbooks and the like, with progress."""

from __future__ import annotations

import io
import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path

from backoffice.batches.jobs import MadeFile, begin, fail_job, keep_file, teller
from backoffice.batches.printables import class_sheets_pdf
from backoffice.batches.progress import Progress
from backoffice.batches.stages import ClassRef
from backoffice.fulfilment.export_package import export_package
from backoffice.fulfilment.mini_program_code import mini_program_code
from backoffice.fulfilment.progress_workbook import progress_workbook
from backoffice.imports.uploads import marked_upload
from backoffice.models import Batch, BatchJob, RosterImport
from backoffice.models.batch_life import BatchJobKind
from worker.jobs.job import Job

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def make_batch_file(job: Job) -> None:
    """Make the file a member of staff asked for. Safe to run again from its beginning."""
    job_id = uuid.UUID(job.payload["job_id"])
    row = begin(job.session, job_id)
    if row is None:
        return
    batch = job.session.get_one(Batch, row.batch_id)
    made = MAKERS[BatchJobKind(row.kind)](job, row, batch, teller(job.session, job_id))
    with made.content:
        keep_file(job.session, job.services.storage, job_id, made)


def give_up_file(job: Job, code: str) -> None:
    """Say that it failed and why; the caller commits."""
    fail_job(job.session, uuid.UUID(job.payload["job_id"]), code)


def _class_sheets(job: Job, row: BatchJob, batch: Batch, progress: Progress) -> MadeFile:
    options = dict(row.options)
    chosen = None
    if "class_name" in options:
        chosen = ClassRef(options.get("college", ""), options["class_name"])
    name = f"{batch.feature_code}-class-sheets.pdf"
    settings, locale = job.services.settings, options.get("locale", "zh")
    data = class_sheets_pdf(job.session, batch, settings, locale, chosen, progress)
    return MadeFile(name, "application/pdf", io.BytesIO(data))


def _progress(job: Job, row: BatchJob, batch: Batch, progress: Progress) -> MadeFile:
    name = f"{batch.feature_code}-progress.xlsx"
    zone, locale = job.services.settings.timezone, row.options.get("locale", "zh")
    data = progress_workbook(job.session, batch, zone, locale, progress)
    return MadeFile(name, XLSX, io.BytesIO(data))


def _mini_program_code(job: Job, row: BatchJob, batch: Batch, progress: Progress) -> MadeFile:
    data, ending = mini_program_code(job.services.settings, batch.feature_code)
    media_type = "image/jpeg" if ending == "jpg" else "image/png"
    name = f"{batch.feature_code}-mini-program.{ending}"
    return MadeFile(name, media_type, io.BytesIO(data))


def _export_package(job: Job, row: BatchJob, batch: Batch, progress: Progress) -> MadeFile:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "package.zip"
        export_package(job.session, job.services.storage, batch, out, progress=progress)
        # opened before the folder goes: the file lives on until it is stored
        return MadeFile(f"{batch.feature_code}.zip", "application/zip", out.open("rb"))


def _roster_errors(job: Job, row: BatchJob, batch: Batch, progress: Progress) -> MadeFile:
    record = job.session.get_one(RosterImport, uuid.UUID(row.options["import"]))
    data = marked_upload(job.services.storage, record, row.options.get("locale", "zh"))
    return MadeFile(f"{batch.feature_code}-errors.xlsx", XLSX, io.BytesIO(data))


Maker = Callable[[Job, BatchJob, Batch, Progress], MadeFile]
MAKERS: dict[BatchJobKind, Maker] = {
    BatchJobKind.CLASS_SHEETS: _class_sheets,
    BatchJobKind.PROGRESS: _progress,
    BatchJobKind.MINI_PROGRAM_CODE: _mini_program_code,
    BatchJobKind.EXPORT_PACKAGE: _export_package,
    BatchJobKind.ROSTER_ERRORS: _roster_errors,
}
