"""Pictures that arrive in parts: a dropped connection costs one part, not the whole picture.

Every part is a sealed file of its own until the picture is complete. What is not completed in
UPLOAD_HOURS is thrown away.
"""

from __future__ import annotations

import hashlib
import uuid
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from backoffice.models import Order, Photo, PhotoUpload, Student
from backoffice.orders.errors import (
    ImageTooLarge,
    UploadChecksumWrong,
    UploadDone,
    UploadIncomplete,
    UploadNotFound,
    UploadOffsetWrong,
    UploadPartInvalid,
)
from backoffice.orders.photos import (
    MEBIBYTE,
    attach_photo,
    check_accepts_photo,
    checked_upload,
    find_photo,
)
from backoffice.settings import Settings
from backoffice.storage import Storage

PART_MIN_BYTES = 64 * 1024  # but for the last part; keeps the number of files of an upload small
PURGE_AT_ONCE = 100


def begin_upload(
    session: Session,
    storage: Storage,
    order: Order,
    settings: Settings,
    *,
    source: str,
    total_bytes: int,
    sha256: bytes | None,
) -> PhotoUpload:
    """Write a new upload and return it; an unfinished one of the same order is given up. Flushes.

    Raises PhotoNotAccepted, AlbumNotAllowed, AttemptsExhausted, ImageTooLarge.
    """
    check_accepts_photo(session, order, source)
    if total_bytes > settings.upload_max_bytes:
        raise ImageTooLarge(megabytes=settings.upload_max_bytes // MEBIBYTE)
    for earlier in session.scalars(
        select(PhotoUpload)
        .where(PhotoUpload.order_id == order.id, PhotoUpload.photo_id.is_(None))
        .with_for_update(skip_locked=True)
    ):
        _throw_away(session, storage, earlier)
    upload = PhotoUpload(
        order_id=order.id,
        student_id=order.student_id,
        source=source,
        total_bytes=total_bytes,
        received_bytes=0,
        offsets=[],
        sha256=sha256,
        expires_at=datetime.now(UTC) + timedelta(hours=settings.upload_hours),
    )
    session.add(upload)
    session.flush()
    return upload


def find_upload(
    session: Session, student: Student, upload_id: uuid.UUID, *, lock: bool = False
) -> PhotoUpload:
    """Return one upload of this student. Raises UploadNotFound, also once it has expired."""
    query = select(PhotoUpload).where(
        PhotoUpload.id == upload_id, PhotoUpload.student_id == student.id
    )
    found = session.scalars(query.with_for_update() if lock else query).one_or_none()
    if found is None or (found.photo_id is None and found.expires_at <= datetime.now(UTC)):
        raise UploadNotFound()
    return found


def add_part(
    session: Session, storage: Storage, upload: PhotoUpload, offset: int, data: bytes
) -> None:
    """Keep the next part of a locked upload. Flushes.

    A part that was kept already (its answer was lost) is taken again without harm. Raises
    UploadDone, UploadOffsetWrong, UploadPartInvalid.
    """
    if upload.photo_id is not None:
        raise UploadDone()
    if offset in upload.offsets and _end_of(upload, offset) == offset + len(data):
        return
    if offset != upload.received_bytes:
        raise UploadOffsetWrong(offset=upload.received_bytes)
    end = offset + len(data)
    is_last = end == upload.total_bytes
    if not data or end > upload.total_bytes or (len(data) < PART_MIN_BYTES and not is_last):
        raise UploadPartInvalid(least=PART_MIN_BYTES // 1024)
    # the file first: a row must not name a part that is not there; a file without a row is
    # written over by the next try
    storage.put(_key(upload, offset), data)
    upload.offsets = [*upload.offsets, offset]
    upload.received_bytes = end
    session.flush()


def complete_upload(
    session: Session, storage: Storage, order: Order, upload: PhotoUpload, max_bytes: int
) -> Photo:
    """Make the picture of a locked upload's parts; a second call returns the same picture.

    The parts stay until the purge, so that a rollback loses nothing. Raises UploadIncomplete,
    UploadChecksumWrong and everything `checked_upload` and `attach_photo` raise.
    """
    if upload.photo_id is not None:
        return find_photo(session, order, upload.photo_id)
    if upload.received_bytes != upload.total_bytes:
        raise UploadIncomplete(offset=upload.received_bytes)
    data = b"".join(storage.get(_key(upload, offset)) for offset in upload.offsets)
    if upload.sha256 is not None and hashlib.sha256(data).digest() != upload.sha256:
        raise UploadChecksumWrong()
    photo = attach_photo(session, storage, order, checked_upload(data, upload.source, max_bytes))
    upload.photo_id = photo.id
    # the purge takes the parts with its next round
    upload.expires_at = datetime.now(UTC)
    session.flush()
    return photo


def give_up_upload(session: Session, storage: Storage, upload: PhotoUpload) -> None:
    """Throw a locked, unfinished upload away. Flushes. Raises UploadDone."""
    if upload.photo_id is not None:
        raise UploadDone()
    _throw_away(session, storage, upload)


def purge_uploads(session: Session, storage: Storage, now: datetime | None = None) -> int:
    """Throw away what expired, at most PURGE_AT_ONCE; return how many. The caller commits.

    Completed uploads stay as rows for a day after their parts are gone, so that a repeated
    `complete` still finds its picture.
    """
    moment = now or datetime.now(UTC)
    count = 0
    for upload in session.scalars(
        select(PhotoUpload)
        .where(PhotoUpload.expires_at <= moment)
        .order_by(PhotoUpload.expires_at)
        .limit(PURGE_AT_ONCE)
        .with_for_update(skip_locked=True)
    ):
        if upload.photo_id is not None and upload.offsets:
            _delete_parts(storage, upload)
            upload.offsets = []
            upload.expires_at = moment + timedelta(days=1)
        else:
            _throw_away(session, storage, upload)
        count += 1
    session.flush()
    return count


def _throw_away(session: Session, storage: Storage, upload: PhotoUpload) -> None:
    _delete_parts(storage, upload)
    session.delete(upload)
    session.flush()


def _delete_parts(storage: Storage, upload: PhotoUpload) -> None:
    # with the place after the last part: a file whose row was rolled back
    for offset in {*upload.offsets, upload.received_bytes}:
        storage.delete(_key(upload, offset))


def _end_of(upload: PhotoUpload, offset: int) -> int:
    later = [begin for begin in upload.offsets if begin > offset]
    return min(later, default=upload.received_bytes)


def _key(upload: PhotoUpload, offset: int) -> str:
    return f"uploads/{upload.id}/{offset}"
