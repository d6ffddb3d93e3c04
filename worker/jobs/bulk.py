"""bulk.run: one transition for many orders, chunk by chunk, each chunk its own transaction."""

from __future__ import annotations

import uuid

from backoffice.models import BulkRun, Staff
from backoffice.security.permissions import staff_as_actor
from backoffice.workflows import bulk
from worker.jobs.job import Job


def bulk_run(job: Job) -> None:
    """Carry a run out, commit by commit, until no order is left.

    Whoever started it is read again before every chunk: roles taken away meanwhile move nothing
    more. Safe to run twice: orders that were tried are not tried again, and each moves under the
    run's own key. Raises OrderBusy never: a busy order is one refused order.
    """
    session, run_id = job.session, uuid.UUID(job.payload["run_id"])
    left = 1
    while left:
        run = session.get_one(BulkRun, run_id)
        staff = session.get_one(Staff, run.staff_id, populate_existing=True)
        left = bulk.run_chunk(session, job.services.engine, run_id, staff_as_actor(staff)).left
        session.commit()
