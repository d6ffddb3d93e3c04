"""Any exception into an answer: ours by the table, the rest without a word from inside."""

from __future__ import annotations

import logging
import traceback

import psycopg.errors
from flask import Response, current_app
from sqlalchemy.exc import InterfaceError, OperationalError
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from backoffice.errors import BackofficeError
from backoffice.orders.errors import ImageTooLarge
from backoffice.services import services
from backoffice.workflows.errors import OrderBusy
from student_api.errors import InternalError, MalformedBody, RequestTooLarge, ServiceUnavailable
from student_api.problems import problem_response

log = logging.getLogger("student_api")
# Two transactions met: nothing has changed, and the same request again will most likely pass.
TRY_AGAIN = (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected)


def answer_failure(error: Exception, locale: str, *, upload: bool = False) -> Response:
    """Return the problem+json answer of an exception. The session is rolled back already."""
    return problem_response(_known(error, upload), locale)


def _known(error: Exception, upload: bool) -> BackofficeError:
    if isinstance(error, BackofficeError):
        return error
    if isinstance(error, RequestEntityTooLarge):
        if not upload:
            return RequestTooLarge()
        return ImageTooLarge(megabytes=services().settings.upload_max_bytes // (1024 * 1024))
    if isinstance(error, HTTPException) and (error.code or 500) < 500:
        return MalformedBody()
    if isinstance(error, OperationalError | InterfaceError):
        if isinstance(error.orig, TRY_AGAIN):
            return OrderBusy()
        log.error("database unavailable: %s", type(error.orig).__name__)
        return ServiceUnavailable()
    _log_unexpected(error)
    return InternalError()


def _log_unexpected(error: Exception) -> None:
    """Log where, not what: messages of drivers and parsers repeat the data they choked on."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    log.error("unexpected %s\n%s", type(error).__name__, frames)
    if current_app.testing:
        current_app.extensions["student_api_last_error"] = error
