"""list.export: the workbook of a list's rows."""

from __future__ import annotations

import uuid

from backoffice.lists.exporting import fail_export, run_export
from worker.jobs.job import Job


def export_list(job: Job) -> None:
    """Write the workbook; the row tells the page how far it is."""
    run_export(job.session, uuid.UUID(job.payload["export_id"]), job.services.storage)


def give_up_export(job: Job, code: str) -> None:
    """Tell the page that it failed."""
    fail_export(job.session, uuid.UUID(job.payload["export_id"]), code)
