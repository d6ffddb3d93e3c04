"""photo.process: the picture goes through the pipeline; no transaction is open while it does."""

from __future__ import annotations

import hashlib
import uuid
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING, Any

from backoffice.models import Photo, PhotoStandard
from backoffice.models.vocabulary import PhotoStatus
from worker import runtime
from worker.jobs.job import Job

if TYPE_CHECKING:
    from backoffice.photos.checks import Check
    from backoffice.photos.pipeline import PhotoResult

MAX_CRASHES = 2  # a picture that killed its worker so often is not tried again
WAITING = (PhotoStatus.QUEUED, PhotoStatus.PROCESSING)


def process_photo(job: Job) -> None:
    """Make the finished picture and its report, and keep both.

    Claimed (commit), computed, saved (commit): a killed worker leaves `processing`, and the job runs
    again from the start. The result's key is the photo's own, so doing it twice leaves one file.
    """
    from backoffice.photos import pipeline

    session, storage = job.session, job.services.storage
    photo_id = uuid.UUID(job.payload["photo_id"])
    if job.tries > MAX_CRASHES and _was_interrupted(job, photo_id):
        fail_photo(job, "worker_died")
        return
    photo = session.get(Photo, photo_id, with_for_update=True, populate_existing=True)
    if photo is None or photo.status not in WAITING:
        session.rollback()
        return
    photo.status = PhotoStatus.PROCESSING
    original_key, created_at = photo.original_key, photo.created_at
    standard = session.get_one(PhotoStandard, photo.standard_id).as_standard()
    session.commit()

    started = monotonic()
    try:
        data = storage.get(original_key)
        result = pipeline.process(data, standard, runtime.photo_engine())
        look = bytes.fromhex(result.look) if result.look else None
        seen = _judge_seen(job, photo_id, look) if result.passed else []
        result_key = None
        if result.jpeg is not None and all(check.passed for check in seen if _refuses(check)):
            result_key = f"photos/{created_at:%Y}/{photo_id}/result.jpg"
            storage.put(result_key, result.jpeg, "image/jpeg")
    except Exception:
        _put_back(job, photo_id)  # so that `processing` tells a killed worker from an error
        raise
    result.checks.extend(seen)
    _save(job, photo_id, result, result_key, look, round((monotonic() - started) * 1000))


def _refuses(check: Check) -> bool:
    return check.severity == "refuse"


def _judge_seen(job: Job, photo_id: uuid.UUID, look: bytes | None) -> list[Check]:
    """Compare the picture with those uploaded before: a rejected one again, another student's."""
    from backoffice.orders.similar_photos import find_similar
    from backoffice.photos.judging import UNLIKE, judge_seen

    photo = job.session.get_one(Photo, photo_id)
    alike = find_similar(job.session, photo, look.hex() if look else None)
    job.session.rollback()
    own = [row.distance for row in alike if row.same_student and row.rejected]
    others = [row.distance for row in alike if not row.same_student]
    return judge_seen(min(own, default=UNLIKE), min(others, default=UNLIKE))


def _was_interrupted(job: Job, photo_id: uuid.UUID) -> bool:
    """Return True if the last try ended in the middle of the work and not with an error."""
    photo = job.session.get(Photo, photo_id, populate_existing=True)
    interrupted = photo is not None and photo.status == PhotoStatus.PROCESSING
    job.session.rollback()
    return interrupted


def _put_back(job: Job, photo_id: uuid.UUID) -> None:
    job.session.rollback()
    photo = job.session.get_one(Photo, photo_id, with_for_update=True, populate_existing=True)
    if photo.status == PhotoStatus.PROCESSING:
        photo.status = PhotoStatus.QUEUED
    job.session.commit()


def _save(
    job: Job,
    photo_id: uuid.UUID,
    result: PhotoResult,
    result_key: str | None,
    look: bytes | None,
    milliseconds: int,
) -> None:
    photo = job.session.get_one(Photo, photo_id, with_for_update=True, populate_existing=True)
    if photo.status not in WAITING:
        return
    photo.status = PhotoStatus.PASSED if result_key else PhotoStatus.FAILED
    photo.checks = [check_to_dict(check) for check in result.checks]
    photo.geometry = {name: _plain(value) for name, value in result.geometry.items()}
    photo.edits = list(result.edits)
    photo.making = result.making
    photo.perceptual_hash = look
    photo.processing_ms = milliseconds
    photo.processed_at = datetime.now(UTC)
    if result_key and result.jpeg is not None:
        photo.result_key = result_key
        photo.result_bytes = len(result.jpeg)
        photo.result_sha256 = hashlib.sha256(result.jpeg).digest()
        photo.quality = result.quality
        photo.failure_code = None
    else:
        photo.failure_code = first_refusal(photo.checks)
    job.session.flush()


def check_to_dict(check: Check) -> dict[str, Any]:
    """Return one check of the pipeline's report as it is stored, the advice in both languages.

    Advice and reason code only where the check failed (CONTRACT section 1).
    """
    return {
        "code": check.code,
        "passed": bool(check.passed),
        "value": _plain(check.value),
        "limits": {name: _plain(value) for name, value in check.limits.items()},
        "severity": check.severity,
        "advice": None if check.passed else {"zh": check.advice.zh, "en": check.advice.en},
        "rejection_code": None if check.passed else check.rejection_code,
    }


def _plain(value: Any) -> float | str | None:
    """Return a value JSON can hold: the pipeline's numbers may be NumPy's."""
    return value if value is None or isinstance(value, str) else float(value)


def first_refusal(checks: list[dict[str, Any]]) -> str:
    """Return the code of the first failed check that refuses the picture."""
    return next(
        (c["code"] for c in checks if not c["passed"] and c["severity"] == "refuse"),
        "processing_failed",
    )


def fail_photo(job: Job, code: str) -> None:
    """Mark the picture failed for good: the machine could not work it; the caller commits.

    The student may upload another one.
    """
    photo = job.session.get(
        Photo, uuid.UUID(job.payload["photo_id"]), with_for_update=True, populate_existing=True
    )
    if photo is None or photo.status not in WAITING:
        return
    photo.status = PhotoStatus.FAILED
    photo.failure_code = "processing_timeout" if code == "job_timeout" else "processing_failed"
    photo.processed_at = datetime.now(UTC)
    job.session.flush()
