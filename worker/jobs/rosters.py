"""roster.import, roster.forget: the steps of a roster import, and the end of its upload."""

from __future__ import annotations

import uuid

from backoffice.db import db
from backoffice.imports import uploads, working
from backoffice.imports.errors import ImportRunning
from backoffice.imports.progress import ProgressRow
from worker.jobs.job import Job, TryAgain


def import_roster(job: Job) -> None:
    """Work the step an import waits for: one transaction, so a killed worker leaves nothing of it.

    Raises TryAgain while a command imports into the same batch.
    """
    import_id = uuid.UUID(job.payload["import_id"])
    progress = ProgressRow(db.engine, import_id)
    try:
        working.work(job.session, job.services.storage, import_id, progress)
    except ImportRunning:
        raise TryAgain(ImportRunning.code) from None


def interrupt_import(job: Job, code: str) -> None:
    """Say on the import that its step could not be worked."""
    working.interrupted(job.session, uuid.UUID(job.payload["import_id"]))


def forget_upload(job: Job) -> None:
    """Delete an upload whose time is over."""
    uploads.forget(job.session, job.services.storage, uuid.UUID(job.payload["import_id"]))
