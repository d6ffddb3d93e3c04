"""Pictures of an order: what is taken, and the row that sends one to the photo worker."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backoffice.db import uuid7
from backoffice.errors import NotFound
from backoffice.i18n import Text
from backoffice.models import Order, OutboxRow, Photo, ReviewDecision
from backoffice.models.vocabulary import BatchMode, OrderKind, OrderState, PhotoStatus
from backoffice.orders.errors import (
    AlbumNotAllowed,
    AttemptsExhausted,
    ImageTooLarge,
    ImageUnreadable,
    PhotoAlreadyRejected,
    PhotoNotAccepted,
    PhotoNotFinished,
    UnsupportedImageType,
)
from backoffice.orders.reprints import FINISHED_STATES
from backoffice.photos import reading
from backoffice.photos.errors import ImageTooLarge as TooManyPixels
from backoffice.photos.errors import ImageTruncated, NotAnImage
from backoffice.storage import Storage
from backoffice.workflows.orders import engine as process_engine

MEDIA_TYPES = {
    "jpeg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "heic": "image/heic",
}
MEBIBYTE = 1024 * 1024


class PhotoNotFound(NotFound):
    """No such picture of this order."""

    code = "photo_not_found"
    title = Text("没有找到该照片", "Photo not found")
    detail = Text("没有找到该照片。", "No such photo.")


@dataclass(frozen=True, repr=False)
class Upload:
    """A picture as it came: bytes, where from (`camera` or `album`), what it is by content."""

    data: bytes
    source: str
    kind: reading.Format

    @property
    def sha256(self) -> bytes:
        """Digest of the file, by which the same file is known again."""
        return hashlib.sha256(self.data).digest()


def checked_upload(data: bytes, source: str, max_bytes: int) -> Upload:
    """Return the upload if its content is a picture we take.

    Raises ImageTooLarge, ImageUnreadable, UnsupportedImageType and photos.errors.PhotoRefused
    (too small, animated, carrying something else).
    """
    if len(data) > max_bytes:
        raise ImageTooLarge(megabytes=max_bytes // MEBIBYTE)
    if not data:
        raise ImageUnreadable()
    kind = reading.sniff(data)
    if kind is None:
        raise UnsupportedImageType()
    _check_header(data, max_bytes)
    return Upload(data, source, kind)


def check_accepts_photo(session: Session, order: Order, source: str | None = None) -> None:
    """Raise PhotoNotAccepted, AlbumNotAllowed or AttemptsExhausted if no picture is taken now."""
    if not takes_photos(order):
        label = process_engine().definition_of(order).states_by_name[order.state].label
        raise PhotoNotAccepted(state_zh=label.zh, state_en=label.en)
    if source == "album" and not (order.batch.allow_album and order.standard.allows_album):
        raise AlbumNotAllowed()
    limit = order.standard.attempts_within(order.batch.max_attempts)
    if attempts_used(session, order) >= limit:
        raise AttemptsExhausted(limit=limit)


def takes_photos(order: Order) -> bool:
    """Return whether pictures are taken in this state (CONTRACT section 4)."""
    if order.kind != OrderKind.CAPTURE:
        return False
    if order.state == OrderState.DRAFT:
        return order.batch.mode == BatchMode.PHOTO_FIRST
    return order.state in (OrderState.PAID, OrderState.REJECTED)


def attempts_used(session: Session, order: Order) -> int:
    """Return how many pictures were uploaded for an order."""
    return session.scalar(select(func.count()).where(Photo.order_id == order.id)) or 0


def attach_photo(session: Session, storage: Storage, order: Order, upload: Upload) -> Photo:
    """Store a picture, write its row and send it to the photo worker. Flushes.

    The file is written first, under a random key, so that a committed row always has its file; a
    refusal or a rollback leaves at most a sealed file nobody points to. Raises PhotoNotAccepted,
    AlbumNotAllowed, AttemptsExhausted, PhotoAlreadyRejected, StorageUnavailable.
    """
    check_accepts_photo(session, order, upload.source)
    _refuse_rejected_file(session, order, upload.sha256)
    key = f"photos/{datetime.now(UTC):%Y/%m}/{uuid.uuid4().hex}/original"
    storage.put(key, upload.data, MEDIA_TYPES[upload.kind])
    try:
        locked: Order = process_engine().lock(session, order.id)
        check_accepts_photo(session, locked, upload.source)
        return _write_photo(session, locked, upload, key)
    except BaseException:
        storage.delete(key)
        raise


def find_photo(session: Session, order: Order, photo_id: uuid.UUID) -> Photo:
    """Return one picture of an order. Raises PhotoNotFound."""
    photo = session.scalars(
        select(Photo).where(Photo.id == photo_id, Photo.order_id == order.id)
    ).one_or_none()
    if photo is None:
        raise PhotoNotFound()
    return photo


def is_judged(session: Session, photo_id: uuid.UUID) -> bool:
    """Return whether the machine has finished with a picture."""
    status = session.scalar(select(Photo.status).where(Photo.id == photo_id))
    return status in (PhotoStatus.PASSED, PhotoStatus.FAILED)


def finished_photo(session: Session, order: Order) -> Photo:
    """Return the approved picture. Raises PhotoNotFinished."""
    shown = order.kind == OrderKind.REPRINT or order.state in FINISHED_STATES
    photo = session.get(Photo, order.photo_id) if shown and order.photo_id else None
    if photo is None or photo.result_key is None:
        raise PhotoNotFinished()
    return photo


def _check_header(data: bytes, max_bytes: int) -> None:
    try:
        reading.inspect(data)
    except TooManyPixels:
        raise ImageTooLarge(megabytes=max_bytes // MEBIBYTE) from None
    except ImageTruncated:
        raise ImageUnreadable() from None
    except NotAnImage:
        raise UnsupportedImageType() from None


def _refuse_rejected_file(session: Session, order: Order, sha256: bytes) -> None:
    """The same rejected file must not be sent again, whatever order it was in."""
    known = session.scalars(
        select(Photo.id)
        .join(ReviewDecision, ReviewDecision.photo_id == Photo.id)
        .join(Order, Order.id == Photo.order_id)
        .where(
            Photo.original_sha256 == sha256,
            Order.student_id == order.student_id,
            ReviewDecision.decision == "reject",
        )
        .limit(1)
    ).first()
    if known is not None:
        raise PhotoAlreadyRejected()


def _write_photo(session: Session, order: Order, upload: Upload, key: str) -> Photo:
    newest = session.scalar(select(func.max(Photo.attempt)).where(Photo.order_id == order.id))
    photo = Photo(
        id=uuid7(),
        order_id=order.id,
        attempt=(newest or 0) + 1,
        source=upload.source,
        standard_id=order.standard_id,
        original_key=key,
        original_type=MEDIA_TYPES[upload.kind],
        original_bytes=len(upload.data),
        original_sha256=upload.sha256,
    )
    session.add(photo)
    session.flush()
    session.add(
        OutboxRow(
            order_id=order.id,
            effect="photo.process",
            queue="photos",
            payload={"photo_id": str(photo.id)},
            dedupe_key=f"photo.process/{photo.id}",
        )
    )
    session.flush()
    return photo
