"""Uploads in parts, for connections that drop: begin, send parts, complete."""

from __future__ import annotations

from typing import Annotated, Literal

from flask import request
from pydantic import ConfigDict, Field, StringConstraints

from backoffice.accounts.errors import ConsentOutdated, ConsentRequired
from backoffice.models import Order, PhotoUpload
from backoffice.orders import errors
from backoffice.orders.photo_queue import PhotoQueueFull, check_room
from backoffice.orders.uploads import (
    PART_MIN_BYTES,
    add_part,
    begin_upload,
    complete_upload,
    find_upload,
    give_up_upload,
)
from backoffice.orders.views import find_order
from backoffice.workflows.errors import OrderBusy, OrderNotFound
from student_api.calls.photos import (
    PICTURE_ERRORS,
    UploadAnswer,
    count_upload,
    require_portrait_consent,
)
from student_api.errors import TooManyRequests
from student_api.field_messages import one_field
from student_api.operations import Call, operation
from student_api.parsing import PART_MAX_BYTES
from student_api.schemas import AS_WHOLE, Answer, Request, Time

OFFSET_HEADER = "Upload-Offset"
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class BeginRequest(Request):
    """What will come. `sha256` (hex) lets the server tell a damaged picture."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"source": "camera", "total_bytes": 3145728}]}
    )
    source: Literal["camera", "album"]
    total_bytes: Annotated[int, Field(ge=1, le=2**31), AS_WHOLE]
    sha256: Sha256 | None = None


class UploadStateAnswer(Answer):
    """Where an upload is: send the next part from `offset` on, of these sizes (bytes)."""

    id: str
    order_id: str
    offset: int
    total_bytes: int
    part_min_bytes: int
    part_max_bytes: int
    photo_id: str | None
    expires_at: Time


class OneUploadAnswer(Answer):
    """One upload."""

    upload: UploadStateAnswer


class GivenUpAnswer(Answer):
    """It is gone."""

    status: Literal["deleted"] = "deleted"


def _answer(upload: PhotoUpload) -> OneUploadAnswer:
    return OneUploadAnswer.model_validate(
        {
            "upload": {
                "id": str(upload.id),
                "order_id": str(upload.order_id),
                "offset": upload.received_bytes,
                "total_bytes": upload.total_bytes,
                "part_min_bytes": PART_MIN_BYTES,
                "part_max_bytes": PART_MAX_BYTES,
                "photo_id": str(upload.photo_id) if upload.photo_id else None,
                "expires_at": upload.expires_at,
            }
        }
    )


def _upload(call: Call, *, lock: bool = False) -> PhotoUpload:
    wanted = call.id("id", errors.UploadNotFound)
    return find_upload(call.session, call.student, wanted, lock=lock)


def _order(call: Call, upload: PhotoUpload) -> Order:
    return find_order(call.session, call.student, upload.order_id)


@operation(
    "POST",
    "/orders/{id}/uploads",
    tag="photos",
    summary="Begin an upload in parts",
    request=BeginRequest,
    answer=OneUploadAnswer,
    status=201,
    errors=(
        OrderNotFound,
        errors.PhotoNotAccepted,
        errors.AttemptsExhausted,
        errors.AlbumNotAllowed,
        errors.ImageTooLarge,
        PhotoQueueFull,
        ConsentRequired,
        ConsentOutdated,
        TooManyRequests,
    ),
)
def create_upload(call: Call, body: BeginRequest) -> OneUploadAnswer:
    """Begin to upload a picture in parts; an unfinished upload of the order is given up.

    Then PATCH the parts one after the other and POST complete. After a dropped connection GET
    the upload and go on at its `offset`. Unfinished uploads are deleted after a day.
    """
    require_portrait_consent(call)
    order = find_order(call.session, call.student, call.id("id", OrderNotFound))
    count_upload(call, order)
    check_room(call.session, call.services.settings.photo_queue_limit)
    upload = begin_upload(
        call.session,
        call.services.storage,
        order,
        call.services.settings,
        source=body.source,
        total_bytes=body.total_bytes,
        sha256=bytes.fromhex(body.sha256) if body.sha256 else None,
    )
    return _answer(upload)


@operation(
    "GET",
    "/uploads/{id}",
    tag="photos",
    summary="Where an upload is",
    answer=OneUploadAnswer,
    errors=(errors.UploadNotFound,),
)
def get_upload(call: Call) -> OneUploadAnswer:
    """Return how far an upload has come."""
    return _answer(_upload(call))


@operation(
    "PATCH",
    "/uploads/{id}",
    tag="photos",
    summary="Send a part",
    answer=OneUploadAnswer,
    part=True,
    errors=(
        errors.UploadNotFound,
        errors.UploadOffsetWrong,
        errors.UploadPartInvalid,
        errors.UploadDone,
        OrderBusy,
    ),
)
def send_part(call: Call) -> OneUploadAnswer:
    """Send the bytes from `Upload-Offset` on, 64 KB to 4 MB at a time.

    The same part sent again changes nothing. Another offset than the expected one is
    `upload_offset_wrong`; its text names the right one, as does GET.
    """
    upload = _upload(call, lock=True)
    add_part(call.session, call.services.storage, upload, _offset(), call.file)
    return _answer(upload)


@operation(
    "POST",
    "/uploads/{id}/complete",
    tag="photos",
    summary="Complete an upload",
    answer=UploadAnswer,
    status=202,
    errors=(
        errors.UploadNotFound,
        errors.UploadIncomplete,
        errors.UploadChecksumWrong,
        errors.PhotoNotAccepted,
        errors.AttemptsExhausted,
        errors.AlbumNotAllowed,
        *PICTURE_ERRORS,
        OrderBusy,
    ),
)
def finish_upload(call: Call) -> UploadAnswer:
    """Put the parts together; from here on it is as after POST photos. May be sent again."""
    upload = _upload(call, lock=True)
    photo = complete_upload(
        call.session,
        call.services.storage,
        _order(call, upload),
        upload,
        call.services.settings.upload_max_bytes,
    )
    return UploadAnswer.model_validate({"photo": {"id": str(photo.id), "status": photo.status}})


@operation(
    "DELETE",
    "/uploads/{id}",
    tag="photos",
    summary="Give an upload up",
    answer=GivenUpAnswer,
    errors=(errors.UploadNotFound, errors.UploadDone),
)
def delete_upload(call: Call) -> GivenUpAnswer:
    """Throw an unfinished upload away."""
    give_up_upload(call.session, call.services.storage, _upload(call, lock=True))
    return GivenUpAnswer()


def _offset() -> int:
    text = request.headers.get(OFFSET_HEADER, "")
    if not text.isascii() or not text.isdigit() or len(text) > 10:
        raise one_field(OFFSET_HEADER, "int_parsing")
    return int(text)
