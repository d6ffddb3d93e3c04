"""Asking the school: a correction of prefilled data, a contest of a claimed entry."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from backoffice.batches.operations import BatchNotFound
from backoffice.capture_codes import errors as code_errors
from backoffice.enrolments import errors
from backoffice.enrolments.identification import find_enrolment
from backoffice.enrolments.requests import (
    note_of,
    request_contest,
    request_correction,
    requests_of_student,
    wanted_changes,
)
from backoffice.identity.errors import InvalidPhone
from backoffice.models import EnrolmentRequest
from student_api.calls.batches import visible_batch
from student_api.calls.enrolments import claimed, counting_wrong_tries, guesses
from student_api.errors import TooManyRequests
from student_api.limits import REQUEST_ACCOUNT, limiter
from student_api.operations import Call, operation
from student_api.paging import ShortListQuery
from student_api.schemas import (
    Answer,
    CaptureCodeText,
    Gender,
    Line12,
    Line40,
    Line100,
    Note,
    Request,
    Time,
)


class CorrectedFields(Request):
    """The right values; what is absent stays. The ID number is corrected by the school alone."""

    name: Line100 | None = None
    student_no: Line40 | None = None
    gender: Gender | None = None
    birth_date: date | None = None
    phone: Line40 | None = None
    level: Line40 | None = None
    study_form: Line40 | None = None
    college: Line100 | None = None
    major: Line100 | None = None
    class_name: Line100 | None = None


class CorrectionRequest(Request):
    """What is wrong: fields with their right values, a note, or both."""

    changes: CorrectedFields
    note: Note | None = None


class ContestRequest(Request):
    """The same proof as at identification, and why the entry is yours."""

    id_last4: Line12
    capture_code: CaptureCodeText | None = None
    note: Note | None = None


class EnrolmentRequestAnswer(Answer):
    """A request and, once the school has decided, its answer."""

    id: str
    kind: Literal["correction", "contest"]
    state: Literal["open", "accepted", "refused"]
    feature_code: str
    enrolment_id: str | None
    changes: dict[str, Any]
    note: str | None
    answer: str | None
    created_at: Time
    decided_at: Time | None


class OneEnrolmentRequestAnswer(Answer):
    """One request."""

    request: EnrolmentRequestAnswer


class EnrolmentRequestsAnswer(Answer):
    """The student's requests, newest first."""

    items: list[EnrolmentRequestAnswer]
    next_cursor: str | None


def _answer(call: Call, request: EnrolmentRequest) -> EnrolmentRequestAnswer:
    """Show a request to its student; the entry's id only where the entry is theirs."""
    own = request.enrolment.student_id == call.student.id
    return EnrolmentRequestAnswer.model_validate(
        {
            "id": str(request.id),
            "kind": request.kind,
            "state": request.state,
            "feature_code": request.enrolment.batch.feature_code,
            "enrolment_id": str(request.enrolment_id) if own else None,
            "changes": wanted_changes(request),
            "note": note_of(request),
            "answer": request.answer,
            "created_at": request.created_at,
            "decided_at": request.decided_at,
        }
    )


@operation(
    "POST",
    "/enrolments/{id}/corrections",
    tag="enrolments",
    summary="Ask for a correction",
    request=CorrectionRequest,
    answer=OneEnrolmentRequestAnswer,
    status=201,
    errors=(
        errors.EnrolmentNotFound,
        errors.NothingToCorrect,
        errors.RequestOpen,
        InvalidPhone,
        TooManyRequests,
    ),
)
def ask_correction(call: Call, body: CorrectionRequest) -> OneEnrolmentRequestAnswer:
    """Ask the school to correct prefilled data; nothing changes until it agrees.

    The answer appears in GET /enrolment-requests. Confirming and ordering stay possible meanwhile.
    """
    limiter().take((REQUEST_ACCOUNT, str(call.student.id)))
    enrolment = find_enrolment(call.session, call.student, call.id("id", errors.EnrolmentNotFound))
    changes = body.changes.model_dump(exclude_none=True)
    request = request_correction(call.session, call.student, enrolment, changes, body.note)
    return OneEnrolmentRequestAnswer(request=_answer(call, request))


@operation(
    "POST",
    "/batches/{feature_code}/contest",
    tag="enrolments",
    summary="Contest a claimed entry",
    brakes=guesses,
    request=ContestRequest,
    answer=OneEnrolmentRequestAnswer,
    status=201,
    errors=(
        BatchNotFound,
        errors.BatchNotOpen,
        errors.NotOnRoster,
        errors.NothingToContest,
        errors.RequestOpen,
        errors.IdentityRequired,
        errors.CaptureCodeRequired,
        code_errors.CaptureCodeInvalid,
        code_errors.CaptureCodeExpired,
        code_errors.CaptureCodeUnavailable,
        TooManyRequests,
    ),
)
def contest(call: Call, body: ContestRequest) -> OneEnrolmentRequestAnswer:
    """Say that an entry another account holds (`enrolment_taken`) is yours; the school decides.

    Wrong tries count as at identification. Once accepted, GET /enrolments lists the entry.
    """
    batch = visible_batch(call)
    with counting_wrong_tries(call, batch):
        claim = claimed(call, batch, body.id_last4, body.capture_code)
        limiter().take((REQUEST_ACCOUNT, str(call.student.id)))
        request = request_contest(call.session, batch, call.student, claim, body.note)
    return OneEnrolmentRequestAnswer(request=_answer(call, request))


@operation(
    "GET",
    "/enrolment-requests",
    tag="enrolments",
    summary="My requests to the school",
    query=ShortListQuery,
    answer=EnrolmentRequestsAnswer,
    polled=True,
)
def get_enrolment_requests(call: Call) -> EnrolmentRequestsAnswer:
    """Return corrections and contests with the school's answers."""
    shown, more = call.query.page(requests_of_student(call.session, call.student))
    return EnrolmentRequestsAnswer(
        items=[_answer(call, request) for request in shown], next_cursor=more
    )
