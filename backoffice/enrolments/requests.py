"""Requests to the school: a correction of prefilled data, a contest of a claimed entry.

The student opens one, the school's staff decide it once. Whose requests a member of staff may see
and decide is the admin door's rule; `open_requests` takes the school.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload

from backoffice.blind_indexes import name_index, phone_index
from backoffice.enrolments.errors import (
    EnrolmentRequestNotFound,
    HolderHasOrder,
    NothingToContest,
    NothingToCorrect,
    RequestDecided,
    RequestOpen,
    StudentNumberTaken,
)
from backoffice.enrolments.identification import already_enrolled_or, check_claim
from backoffice.enrolments.matching import Claim, find_entry
from backoffice.identity.masking import mask_name
from backoffice.identity.names import clean_name
from backoffice.identity.phones import normalise_phone
from backoffice.models import Batch, Enrolment, EnrolmentRequest, Order, OutboxRow, Student
from backoffice.models.vocabulary import OrderKind, OrderState

# What a student may ask to have corrected. A wrong ID number is no correction but another person
# as far as matching goes: the school imports the roster row again.
CORRECTABLE = (
    "name", "student_no", "gender", "birth_date", "phone",
    "level", "study_form", "college", "major", "class_name",
)  # fmt: skip
DECIDED = "notify.request"
ONE_OPEN = "uq_enrolment_requests_open"
ONE_NUMBER = "uq_enrolments_batch_id_student_no"
ENDED = (OrderState.CLOSED, OrderState.REFUNDED)


def request_correction(
    session: Session,
    student: Student,
    enrolment: Enrolment,
    changes: Mapping[str, Any],
    note: str | None,
) -> EnrolmentRequest:
    """Write down what the student wants corrected, and return it. Flushes.

    changes: field of CORRECTABLE -> wanted value. Raises NothingToCorrect, RequestOpen,
    InvalidPhone.
    """
    wanted = {
        field: value
        for field, raw in changes.items()
        if (value := _cleaned(field, raw)) != shown_value(enrolment, field)
    }
    if not wanted and not note:
        raise NothingToCorrect()
    return _open(session, "correction", student, enrolment, {"changes": wanted, "note": note})


def request_contest(
    session: Session, batch: Batch, student: Student, claim: Claim, note: str | None
) -> EnrolmentRequest:
    """Contest the entry that agrees with the claim and that another account holds. Flushes.

    The same proof is asked for as at identification. Raises what `identify` raises for a wrong
    claim, NothingToContest and RequestOpen.
    """
    check_claim(batch, student, claim)
    entry = find_entry(session, batch, student, claim)
    if entry.student_id is None or entry.student_id == student.id:
        raise NothingToContest()
    return _open(session, "contest", student, entry, {"changes": {}, "note": note})


def requests_of_student(session: Session, student: Student) -> list[EnrolmentRequest]:
    """Return the student's requests, newest first."""
    query = _with_batch(select(EnrolmentRequest))
    return list(
        session.scalars(
            query.where(EnrolmentRequest.student_id == student.id).order_by(
                EnrolmentRequest.id.desc()
            )
        )
    )


def open_requests(
    session: Session, school_id: uuid.UUID | None, limit: int, after: uuid.UUID | None = None
) -> list[EnrolmentRequest]:
    """Return undecided requests, oldest first; of one school unless `school_id` is None."""
    query = _with_batch(select(EnrolmentRequest)).where(EnrolmentRequest.state == "open")
    if school_id is not None:
        query = query.join(Enrolment).join(Batch).where(Batch.school_id == school_id)
    if after is not None:
        query = query.where(EnrolmentRequest.id > after)
    return list(session.scalars(query.order_by(EnrolmentRequest.id).limit(limit)))


def find_request(
    session: Session, request_id: uuid.UUID, school_id: uuid.UUID | None
) -> EnrolmentRequest:
    """Return one request; of another school's it says the same as of none.

    Raises EnrolmentRequestNotFound.
    """
    found = session.get(EnrolmentRequest, request_id)
    if found is None or school_id not in (None, found.enrolment.batch.school_id):
        raise EnrolmentRequestNotFound()
    return found


def accept(
    session: Session, request_id: uuid.UUID, staff_id: uuid.UUID, answer: str | None = None
) -> EnrolmentRequest:
    """Do what was asked for and note who decided; the students concerned are told. Flushes.

    A correction writes the wanted values. A contest hands the entry to the student who contests:
    the former holder loses it, and the data must be confirmed again. Raises RequestDecided,
    HolderHasOrder, AlreadyEnrolled, StudentNumberTaken.
    """
    request = _undecided(session, request_id)
    entry = session.get_one(Enrolment, request.enrolment_id, with_for_update=True)
    if request.kind == "correction":
        _correct(session, entry, wanted_changes(request))
    else:
        former = entry.student_id
        _hand_over(session, entry, request.student_id)
        if former is not None and former != request.student_id:
            _tell(session, request, former)
    return _decide(session, request, "accepted", staff_id, answer)


def refuse(
    session: Session, request_id: uuid.UUID, staff_id: uuid.UUID, answer: str
) -> EnrolmentRequest:
    """Leave everything as it is and tell the student why. Flushes. Raises RequestDecided."""
    return _decide(session, _undecided(session, request_id), "refused", staff_id, answer)


def wanted_changes(request: EnrolmentRequest) -> dict[str, Any]:
    """Return field -> wanted value of a correction; empty for a contest."""
    details = request.details
    return dict(details.get("changes", {})) if isinstance(details, dict) else {}


def note_of(request: EnrolmentRequest) -> str | None:
    """Return what the student wrote to the school."""
    return request.details.get("note") if isinstance(request.details, dict) else None


def shown_value(enrolment: Enrolment, field: str) -> Any:
    """Return a field's present value as corrections write it: dates as YYYY-MM-DD."""
    value = getattr(enrolment, field)
    return value.isoformat() if isinstance(value, date) else value


def _with_batch(query: Select[EnrolmentRequest]) -> Select[EnrolmentRequest]:
    return query.options(joinedload(EnrolmentRequest.enrolment).joinedload(Enrolment.batch))


def _cleaned(field: str, raw: Any) -> Any:
    cleaners: dict[str, Callable[[Any], Any]] = {
        "name": clean_name,
        "phone": normalise_phone,
        "birth_date": lambda day: day.isoformat() if isinstance(day, date) else day,
    }
    return cleaners[field](raw) if field in cleaners else raw


def _open(
    session: Session, kind: str, student: Student, entry: Enrolment, details: dict[str, Any]
) -> EnrolmentRequest:
    request = EnrolmentRequest(
        kind=kind, enrolment=entry, student_id=student.id, details=details, state="open"
    )
    try:
        with session.begin_nested():
            session.add(request)
            session.flush()
    except IntegrityError as error:
        if _constraint(error) == ONE_OPEN:
            raise RequestOpen() from None
        raise
    return request


def _undecided(session: Session, request_id: uuid.UUID) -> EnrolmentRequest:
    request = session.get(EnrolmentRequest, request_id, with_for_update={"of": EnrolmentRequest})
    if request is None:
        raise EnrolmentRequestNotFound()
    if request.state != "open":
        raise RequestDecided()
    return request


def _decide(
    session: Session, request: EnrolmentRequest, state: str, staff_id: uuid.UUID, answer: str | None
) -> EnrolmentRequest:
    request.state, request.decided_by, request.answer = state, staff_id, answer
    request.decided_at = datetime.now(UTC)
    _tell(session, request, request.student_id)
    session.flush()
    return request


def _tell(session: Session, request: EnrolmentRequest, student_id: uuid.UUID) -> None:
    """Let the worker tell a student what became of the request."""
    session.add(
        OutboxRow(
            effect=DECIDED,
            payload={"request_id": str(request.id), "student_id": str(student_id)},
            dedupe_key=f"{DECIDED}/{request.id}/{student_id}",
        )
    )


def _correct(session: Session, entry: Enrolment, changes: Mapping[str, Any]) -> None:
    for field, value in changes.items():
        if field == "name":
            _rename(entry, value)
        elif field == "birth_date":
            entry.birth_date = date.fromisoformat(value)
        elif field in CORRECTABLE:
            setattr(entry, field, value)
        if field == "phone":
            entry.phone_index = phone_index(value)
    entry.updated_at = datetime.now(UTC)
    try:
        with session.begin_nested():
            session.flush()
    except IntegrityError as error:
        if _constraint(error) == ONE_NUMBER:
            raise StudentNumberTaken() from None
        raise


def _rename(entry: Enrolment, name: str) -> None:
    """A minimal roster holds no full names (DOMAIN section 0), and a correction brings none."""
    entry.name_masked = mask_name(name)
    if entry.name is not None:
        entry.name, entry.name_index = name, name_index(name)


def _hand_over(session: Session, entry: Enrolment, student_id: uuid.UUID) -> None:
    live = session.scalars(
        select(Order.id)
        .where(
            Order.enrolment_id == entry.id,
            Order.kind == OrderKind.CAPTURE,
            Order.state.not_in(ENDED),
            Order.student_id != student_id,
        )
        .limit(1)
    ).first()
    if live is not None:
        raise HolderHasOrder()
    try:
        with session.begin_nested():
            entry.student_id, entry.claimed_at = student_id, datetime.now(UTC)
            entry.confirmed_at = None
            session.flush()
    except IntegrityError as error:
        raise already_enrolled_or(error) from None


def _constraint(error: IntegrityError) -> str | None:
    return getattr(getattr(error.orig, "diag", None), "constraint_name", None)
