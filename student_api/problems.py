"""Every error of the API as RFC 9457 `application/problem+json`: one table, one shape."""

from __future__ import annotations

import json
from collections.abc import Sequence

from flask import Response
from pydantic import BaseModel, ConfigDict

from backoffice.accounts import errors as accounts
from backoffice.capture_codes.errors import CaptureCodeUnavailable
from backoffice.enrolments import errors as enrolments
from backoffice.errors import BackofficeError, InvalidInput, NotFound
from backoffice.identity.id_card_errors import IdCardReaderBusy
from backoffice.orders import errors as orders
from backoffice.orders.photo_queue import PhotoQueueFull
from backoffice.payments import errors as payments
from backoffice.photos.errors import ModelMissing
from backoffice.storage import (
    ObjectDamaged,
    SignedUrlExpired,
    SignedUrlInvalid,
    StorageUnavailable,
)
from backoffice.workflows import errors as workflows
from student_api import errors

DOCS = "/api/v1/docs"
MEDIA_TYPE = "application/problem+json"
DEFAULT_STATUS = 422

# The nearest ancestor of an error that is listed here decides; anything else is 422.
STATUS: dict[type[BackofficeError], int] = {
    errors.MalformedBody: 400,
    accounts.InvalidCredentials: 401,
    accounts.TokenInvalid: 401,
    accounts.PasswordChangeRequired: 403,
    accounts.WechatNotOffered: 403,
    accounts.WechatRefused: 403,
    workflows.TransitionForbidden: 403,
    SignedUrlInvalid: 403,
    enrolments.UnlistedNotAllowed: 403,
    NotFound: 404,
    errors.MethodNotAllowed: 405,
    accounts.AccountExists: 409,
    accounts.IdentityKnown: 409,
    accounts.WechatAccountExists: 409,
    accounts.WechatTaken: 409,
    accounts.TicketClosed: 409,
    accounts.TooManyAddresses: 409,
    enrolments.BatchNotOpen: 409,
    enrolments.EnrolmentTaken: 409,
    enrolments.AlreadyEnrolled: 409,
    enrolments.AlreadyOnRoster: 409,
    enrolments.IdentityRequired: 409,
    enrolments.NothingToContest: 409,
    enrolments.RequestOpen: 409,
    orders.OrderExists: 409,
    orders.EnrolmentNotConfirmed: 409,
    orders.PhotoNotAccepted: 409,
    orders.AttemptsExhausted: 409,
    orders.PhotoNotFinished: 409,
    orders.ReprintNotPossible: 409,
    orders.UploadOffsetWrong: 409,
    orders.UploadIncomplete: 409,
    orders.UploadDone: 409,
    payments.OrderNotPayable: 409,
    workflows.TransitionNotAllowed: 409,
    workflows.TransitionDenied: 409,
    workflows.VersionConflict: 409,
    workflows.OrderBusy: 409,
    errors.RequestInProgress: 409,
    SignedUrlExpired: 410,
    errors.RequestTooLarge: 413,
    orders.ImageTooLarge: 413,
    errors.UnsupportedMediaType: 415,
    orders.UnsupportedImageType: 415,
    errors.TooManyRequests: 429,
    errors.InternalError: 500,
    ObjectDamaged: 500,
    errors.ServiceUnavailable: 503,
    StorageUnavailable: 503,
    CaptureCodeUnavailable: 503,
    IdCardReaderBusy: 503,
    PhotoQueueFull: 503,
    ModelMissing: 503,
    payments.PaymentProviderUnavailable: 503,
    accounts.WechatUnavailable: 503,
}
RETRY_AFTER: dict[type[BackofficeError], int] = {
    workflows.OrderBusy: 2,
    errors.RequestInProgress: 2,
    errors.ServiceUnavailable: 5,
    StorageUnavailable: 10,
    CaptureCodeUnavailable: 30,
    IdCardReaderBusy: 3,
    PhotoQueueFull: 60,
    payments.PaymentProviderUnavailable: 10,
    accounts.WechatUnavailable: 10,
}


class FieldError(BaseModel):
    """One field that has to be corrected."""

    model_config = ConfigDict(title="FieldError")
    field: str
    message: str


class Problem(BaseModel):
    """An error: `code` is stable, `title` and `detail` follow Accept-Language."""

    model_config = ConfigDict(title="Problem")
    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: list[FieldError]


def status_of(error: BackofficeError | type[BackofficeError]) -> int:
    """Return the HTTP status of an error or error class."""
    kind = error if isinstance(error, type) else type(error)
    for ancestor in kind.__mro__:
        if ancestor in STATUS:
            return STATUS[ancestor]
    return DEFAULT_STATUS


def problem_of(error: BackofficeError, locale: str) -> Problem:
    """Return the error as the body of an answer, in `locale`."""
    return Problem(
        type=f"{DOCS}#{error.code}",
        title=error.title.get(locale),
        status=status_of(error),
        detail=error.text(locale),
        code=error.code,
        errors=[
            FieldError(field=field, message=message) for field, message in _fields(error, locale)
        ],
    )


def problem_response(error: BackofficeError, locale: str) -> Response:
    """Return the whole answer, with Retry-After, Allow and WWW-Authenticate where they belong."""
    problem = problem_of(error, locale)
    response = Response(
        json.dumps(problem.model_dump(), ensure_ascii=False),
        status=problem.status,
        content_type=MEDIA_TYPE,
    )
    retry = _retry_after(error)
    if retry is not None:
        response.headers["Retry-After"] = str(retry)
    if isinstance(error, errors.MethodNotAllowed):
        response.headers["Allow"] = ", ".join(error.allowed)
    if problem.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _retry_after(error: BackofficeError) -> int | None:
    if isinstance(error, errors.TooManyRequests):
        return error.retry_after
    for kind, seconds in RETRY_AFTER.items():
        if isinstance(error, kind):
            return seconds
    return None


def _fields(error: BackofficeError, locale: str) -> Sequence[tuple[str, str]]:
    if isinstance(error, errors.RequestInvalid):
        return [(field, text.get(locale, **params)) for field, text, params in error.errors]
    if isinstance(error, InvalidInput):
        return [(error.field, error.text(locale))]
    if isinstance(error, workflows.TransitionDataMissing):
        return [(name, error.text(locale)) for name in error.fields]
    return []
