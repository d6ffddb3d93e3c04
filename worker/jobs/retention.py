"""retention.daily: erasures nobody carried out in time, old pictures, files nobody points to."""

from __future__ import annotations

import logging
import uuid

from backoffice.errors import BackofficeError
from backoffice.retention.erasure import ERASED, delete_files, due_students, erase
from backoffice.retention.orphans import purge_orphans
from backoffice.retention.pictures import purge_pictures
from backoffice.security.access import record_access
from worker.jobs.job import Job

ERASED_A_DAY = 200
log = logging.getLogger("worker.jobs")


def keep_no_longer(job: Job) -> None:
    """Erase who is due, each in a transaction of its own; delete old pictures and orphaned files.

    An account that cannot be erased today does not hold up the others; it is due again tomorrow.
    """
    due = due_students(job.session, job.services.settings.erasure_days, ERASED_A_DAY)
    job.session.commit()
    for student_id in due:
        try:
            _erase(job, student_id)
        except BackofficeError as error:
            job.session.rollback()
            log.warning("student=%s not erased why=%s", student_id, error.code)
    purged = purge_pictures(job.session, job.services.storage, job.services.settings)
    if purged:
        log.info("pictures whose time is over deleted=%d", purged)
    count = purge_orphans(job.session, job.services.storage)
    if count:
        log.info("files nobody pointed to deleted=%d", count)


def _erase(job: Job, student_id: uuid.UUID) -> None:
    keys = erase(job.session, job.services.storage, student_id)
    record_access(
        job.session,
        staff_id=None,
        action=ERASED,
        subject_kind="student",
        subject_id=student_id,
        data={"files": len(keys)},
    )
    job.session.commit()
    delete_files(job.services.storage, keys)
