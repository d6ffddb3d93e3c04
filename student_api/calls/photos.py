"""Pictures: upload, what the machine found, and the finished one."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from backoffice import storage
from backoffice.accounts.consents import require_consents
from backoffice.accounts.errors import ConsentOutdated, ConsentRequired
from backoffice.messaging.operations import request_photo_email
from backoffice.models import Order, Photo
from backoffice.orders import errors
from backoffice.orders.photo_queue import PhotoQueueFull, check_room
from backoffice.orders.photos import (
    MEDIA_TYPES,
    PhotoNotFound,
    attach_photo,
    check_accepts_photo,
    checked_upload,
    find_photo,
    finished_photo,
    is_judged,
)
from backoffice.orders.views import find_order
from backoffice.photos.errors import (
    ImageAnimated,
    ImageBomb,
    ImagePanorama,
    ImagePolyglot,
    ImageTooSmall,
)
from backoffice.photos.reading import sniff
from backoffice.workflows.errors import OrderBusy, OrderNotFound
from student_api.errors import TooManyRequests
from student_api.limits import EMAIL_ACCOUNT, UPLOAD_ACCOUNT, UPLOAD_SCHOOL, limiter
from student_api.operations import PREFIX, Bytes, Call, operation
from student_api.schemas import Answer, Email, Request, Time
from student_api.signed_files import open_token, token_for
from student_api.waiting import MAX_WAIT_SECONDS, wait_until

Status = Literal["queued", "processing", "passed", "failed"]


# What is wrong with a file.
PICTURE_ERRORS = (
    errors.ImageTooLarge,
    errors.UnsupportedImageType,
    errors.ImageUnreadable,
    errors.PhotoAlreadyRejected,
    ImageTooSmall,
    ImagePanorama,
    ImageAnimated,
    ImagePolyglot,
    ImageBomb,
)


class UploadRequest(Request):
    """Form fields beside the file `image`."""

    source: Literal["camera", "album"]


class EmailRequest(Request):
    """Where to; absent: the account's own address."""

    email: Email | None = None


class QueuedAnswer(Answer):
    """The picture is waiting for the machine."""

    id: str
    status: Status


class UploadAnswer(Answer):
    """The picture was taken."""

    photo: QueuedAnswer


class CheckAnswer(Answer):
    """One automatic check: what was measured, what is allowed, what to do."""

    model_config = ConfigDict(extra="ignore")
    code: str
    passed: bool
    value: Any = None
    limits: Any = None
    severity: str
    advice: str | None
    rejection_code: str | None = None


class PhotoAnswer(Answer):
    """One picture. The addresses are signed and live for minutes only."""

    id: str
    status: Status
    attempt: int
    source: Literal["camera", "album"]
    checks: list[CheckAnswer]
    failure_code: str | None
    preview_url: str | None
    original_url: str
    created_at: Time


class PhotoQuery(BaseModel):
    """`wait`: seconds to wait for the machine's answer."""

    model_config = ConfigDict(extra="forbid")
    wait: int = Field(default=0, ge=0, le=MAX_WAIT_SECONDS)


class MailedAnswer(Answer):
    """The e-mail is on its way."""

    status: Literal["queued"] = "queued"


@operation(
    "POST",
    "/orders/{id}/photos",
    tag="photos",
    summary="Upload a picture",
    request=UploadRequest,
    answer=UploadAnswer,
    status=202,
    upload="image",
    errors=(
        OrderNotFound,
        OrderBusy,
        errors.PhotoNotAccepted,
        errors.AttemptsExhausted,
        errors.AlbumNotAllowed,
        *PICTURE_ERRORS,
        PhotoQueueFull,
        ConsentRequired,
        ConsentOutdated,
        TooManyRequests,
    ),
)
def upload_photo(call: Call, body: UploadRequest) -> UploadAnswer:
    """Upload JPEG, PNG, WebP or HEIC up to 20 MB.

    Taken in `draft` where the batch is photo-first, in `paid` and in `rejected`. The machine
    answers within seconds: GET the photo.
    """
    require_portrait_consent(call)
    order = find_order(call.session, call.student, call.id("id", OrderNotFound))
    count_upload(call, order)
    check_accepts_photo(call.session, order, body.source)
    settings = call.services.settings
    check_room(call.session, settings.photo_queue_limit)
    upload = checked_upload(call.file, body.source, settings.upload_max_bytes)
    photo = attach_photo(call.session, call.services.storage, order, upload)
    return UploadAnswer.model_validate({"photo": {"id": str(photo.id), "status": photo.status}})


@operation(
    "GET",
    "/orders/{id}/photos/{photo_id}",
    tag="photos",
    summary="A picture and its checks",
    query=PhotoQuery,
    answer=PhotoAnswer,
    polled=True,
    errors=(OrderNotFound, PhotoNotFound),
)
def get_photo(call: Call) -> PhotoAnswer:
    """Return where the machine is, and what it found.

    With `wait` the answer waits so many seconds while the picture is `queued` or `processing`; a
    server that is busy answers at once, so pause a second before asking again.
    """
    order = find_order(call.session, call.student, call.id("id", OrderNotFound))
    photo = find_photo(call.session, order, call.id("photo_id", PhotoNotFound))
    photo_id = photo.id
    wait_until(call.session, call.query.wait, lambda: is_judged(call.session, photo_id))
    call.session.refresh(photo)
    return PhotoAnswer.model_validate(
        {
            "id": str(photo.id),
            "status": photo.status,
            "attempt": photo.attempt,
            "source": photo.source,
            "checks": [_check(check, call.locale) for check in photo.checks or []],
            "failure_code": photo.failure_code,
            "preview_url": _address(call, photo.result_key) if photo.result_key else None,
            "original_url": _address(call, photo.original_key),
            "created_at": photo.created_at,
        }
    )


@operation(
    "GET",
    "/orders/{id}/photo",
    tag="photos",
    summary="The finished picture",
    answer="image/jpeg",
    errors=(OrderNotFound, errors.PhotoNotFinished),
)
def get_finished_photo(call: Call) -> Bytes:
    """Return the finished picture, from `approved` on."""
    order = find_order(call.session, call.student, call.id("id", OrderNotFound))
    data = call.services.storage.get(_result_key(finished_photo(call.session, order)))
    name = f'attachment; filename="{order.number}.jpg"'
    return Bytes(data, "image/jpeg", {"Content-Disposition": name})


@operation(
    "POST",
    "/orders/{id}/email",
    tag="photos",
    summary="The finished picture by e-mail",
    request=EmailRequest,
    answer=MailedAnswer,
    status=202,
    errors=(OrderNotFound, errors.PhotoNotFinished, errors.EmailMissing, TooManyRequests),
)
def email_photo(call: Call, body: EmailRequest) -> MailedAnswer:
    """Send the finished picture, from `approved` on."""
    order = find_order(call.session, call.student, call.id("id", OrderNotFound))
    finished_photo(call.session, order)
    if not body.email and not call.student.email:
        raise errors.EmailMissing()
    limiter().take((EMAIL_ACCOUNT, str(call.student.id)))
    request_photo_email(call.session, order, body.email)
    return MailedAnswer()


@operation(
    "GET",
    "/files/{token}",
    tag="photos",
    summary="A picture by its signed address",
    answer="image/*",
    auth=False,
    errors=(storage.SignedUrlInvalid, storage.SignedUrlExpired, storage.ObjectMissing),
)
def get_file(call: Call) -> Bytes:
    """Return the picture a signed address stands for; addresses come from GET photo."""
    key = open_token(call.services.settings, call.args["token"])
    data = call.services.storage.get(key)
    kind = sniff(data)
    return Bytes(data, MEDIA_TYPES[kind] if kind else "application/octet-stream")


def require_portrait_consent(call: Call) -> None:
    """Refuse a portrait without the consents in force. Raises ConsentRequired, ConsentOutdated."""
    require_consents(call.session, call.student)


def count_upload(call: Call, order: Order) -> None:
    """Count an upload of this student and of the school. Raises TooManyRequests."""
    limiter().take((UPLOAD_ACCOUNT, str(call.student.id)), (UPLOAD_SCHOOL, str(order.school_id)))


def _address(call: Call, key: str) -> str:
    settings = call.services.settings
    return f"{settings.public_url}{PREFIX}/files/{token_for(settings, key)}"


def _result_key(photo: Photo) -> str:
    assert photo.result_key is not None, "finished_photo holds"
    return photo.result_key


def _check(check: dict[str, Any], locale: str) -> dict[str, Any]:
    """Advice is kept in both languages; the reader gets one."""
    advice = check.get("advice")
    if isinstance(advice, dict):
        advice = advice.get("en" if locale == "en" else "zh")
    return {**check, "advice": advice}
