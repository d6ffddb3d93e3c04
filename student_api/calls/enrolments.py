"""Capture codes, identification, and students who are not on the roster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date

from sqlalchemy import func, select

from backoffice.batches.operations import BatchNotFound
from backoffice.capture_codes import errors as code_errors
from backoffice.capture_codes.payload import CaptureCodePayload
from backoffice.capture_codes.providers import decoder_for
from backoffice.capture_codes.reading import read_qr
from backoffice.crypto import keyring
from backoffice.enrolments import errors
from backoffice.enrolments.identification import (
    check_ready,
    confirm,
    enrolments_of,
    find_enrolment,
    identify,
)
from backoffice.enrolments.matching import Claim
from backoffice.enrolments.unlisted import Entry, enrol_unlisted
from backoffice.identity.errors import InvalidPhone
from backoffice.models import Batch, Enrolment
from student_api.calls.batches import known_batch, visible_batch
from student_api.errors import TooManyRequests
from student_api.limits import (
    DECODE_ACCOUNT,
    IDENTIFY_ACCOUNT,
    IDENTIFY_ADDRESS,
    IDENTIFY_SCHOOL,
    Counted,
    limiter,
)
from student_api.operations import Call, operation
from student_api.paging import ShortListQuery
from student_api.schemas import (
    Answer,
    CaptureCodeText,
    Email,
    Gender,
    Line12,
    Line20,
    Line40,
    Line100,
    Request,
    Time,
)

# What spends one of the ten tries: anything that may be guessing.
WRONG_TRY = (errors.NotOnRoster, code_errors.CaptureCodeInvalid)


def guesses(call: Call) -> Sequence[Counted]:
    """Return what stops who has guessed too often: the account's tries and the address's."""
    return (IDENTIFY_ACCOUNT, str(call.student.id)), (IDENTIFY_ADDRESS, call.address)


class CaptureCodeAnswer(Answer):
    """What a capture code says; `text` is what /identify takes."""

    text: str
    serial: str
    name_masked: str
    id_masked: str
    id_last4: str
    school_code: str
    school_name: str
    level: str
    major: str
    expires_at: Time


class DecodeAnswer(Answer):
    """A genuine capture code."""

    capture_code: CaptureCodeAnswer


class IdentifyRequest(Request):
    """Last four characters of the ID number, and the text of the capture code."""

    id_last4: Line12
    capture_code: CaptureCodeText | None = None


class UnlistedRequest(Request):
    """The whole entry; name and ID number must be the account's own."""

    feature_code: Line20
    student_no: Line40
    name: Line100 | None = None
    id_type: Line40 | None = None
    id_number: Line40 | None = None
    gender: Gender | None = None
    birth_date: date | None = None
    phone: Line40 | None = None
    email: Email | None = None
    level: Line40 | None = None
    study_form: Line40 | None = None
    college: Line100 | None = None
    major: Line100 | None = None
    class_name: Line100 | None = None
    capture_code: CaptureCodeText | None = None


class EnrolmentAnswer(Answer):
    """A place in a batch. `prefilled`: the data came from the school or the capture code."""

    id: str
    feature_code: str
    name_masked: str
    student_no: str
    level: str | None
    college: str | None
    major: str | None
    class_name: str | None
    id_last4: str | None
    prefilled: bool
    confirmed_at: Time | None


class OneEnrolmentAnswer(Answer):
    """One enrolment."""

    enrolment: EnrolmentAnswer


class EnrolmentsAnswer(Answer):
    """The student's places, newest first."""

    items: list[EnrolmentAnswer]
    next_cursor: str | None


def _one(enrolment: Enrolment) -> OneEnrolmentAnswer:
    return OneEnrolmentAnswer(enrolment=_answer(enrolment))


def _answer(enrolment: Enrolment) -> EnrolmentAnswer:
    return EnrolmentAnswer.model_validate(
        {
            "id": str(enrolment.id),
            "feature_code": enrolment.batch.feature_code,
            "name_masked": enrolment.name_masked,
            "student_no": enrolment.student_no,
            "level": enrolment.level,
            "college": enrolment.college,
            "major": enrolment.major,
            "class_name": enrolment.class_name,
            "id_last4": enrolment.id_last4,
            "prefilled": enrolment.source != "student",
            "confirmed_at": enrolment.confirmed_at,
        }
    )


@operation(
    "POST",
    "/capture-codes/decode",
    tag="enrolments",
    summary="Read a capture code",
    answer=DecodeAnswer,
    upload="image",
    idempotent=False,
    errors=(
        code_errors.CaptureCodeUnreadable,
        code_errors.CaptureCodeInvalid,
        code_errors.CaptureCodeExpired,
        code_errors.CaptureCodeUnavailable,
        TooManyRequests,
    ),
)
def decode_capture_code(call: Call) -> DecodeAnswer:
    """Read the QR code in a picture (saved picture, screenshot, photo of a screen)."""
    limiter().take((DECODE_ACCOUNT, str(call.student.id)))
    call.session.rollback()  # reading a picture and asking a service hold no connection
    text = read_qr(call.file)
    payload = decoder_for(call.services.settings).decode(text)
    return DecodeAnswer.model_validate(
        {"capture_code": {"text": text, **payload.to_dict(), "expires_at": payload.expires_at}}
    )


@operation(
    "POST",
    "/batches/{feature_code}/identify",
    tag="enrolments",
    summary="Identify",
    brakes=guesses,
    request=IdentifyRequest,
    answer=OneEnrolmentAnswer,
    errors=(
        BatchNotFound,
        errors.BatchNotOpen,
        errors.NotOnRoster,
        errors.EnrolmentTaken,
        errors.AlreadyEnrolled,
        errors.CaptureCodeRequired,
        errors.IdentityRequired,
        code_errors.CaptureCodeInvalid,
        code_errors.CaptureCodeExpired,
        code_errors.CaptureCodeUnavailable,
        TooManyRequests,
    ),
)
def identify_student(call: Call, body: IdentifyRequest) -> OneEnrolmentAnswer:
    """Claim the roster entry that agrees with the last four and the capture code.

    The same call by the same account answers the same. Ten wrong tries an hour, for the account
    and for the address; then 429. Batches with `requires_capture_code` false take the last four
    and the account's own ID number.
    """
    batch = visible_batch(call)
    with counting_wrong_tries(call, batch):
        claim = claimed(call, batch, body.id_last4, body.capture_code)
        return _one(identify(call.session, batch, call.student, claim))


@operation(
    "POST",
    "/enrolments",
    tag="enrolments",
    summary="Enrol without a roster entry",
    brakes=guesses,
    request=UnlistedRequest,
    answer=OneEnrolmentAnswer,
    status=201,
    errors=(
        BatchNotFound,
        errors.BatchNotOpen,
        errors.UnlistedNotAllowed,
        errors.AlreadyOnRoster,
        errors.AlreadyEnrolled,
        errors.NotOnRoster,
        errors.CaptureCodeRequired,
        errors.IdentityRequired,
        code_errors.CaptureCodeInvalid,
        code_errors.CaptureCodeExpired,
        code_errors.CaptureCodeUnavailable,
        InvalidPhone,
        TooManyRequests,
    ),
)
def enrol(call: Call, body: UnlistedRequest) -> OneEnrolmentAnswer:
    """Enter oneself, where the batch has `allow_unlisted`.

    A batch that requires capture codes requires one here too; one that does not agree is a wrong
    try. The entry counts as confirmed.
    """
    batch = known_batch(call, body.feature_code)
    fields = body.model_dump(exclude={"feature_code", "capture_code", "id_type", "email"})
    with counting_wrong_tries(call, batch):
        payload = _decoded(call, body.capture_code)
        _one_at_a_time(call, batch)
        claim = Claim("", payload, body.capture_code, call.services.settings.capture_code_provider)
        enrolment = enrol_unlisted(
            call.session, batch, call.student, Entry(**fields), claim if payload else None
        )
        return _one(enrolment)


@operation(
    "GET",
    "/enrolments",
    tag="enrolments",
    summary="My enrolments",
    query=ShortListQuery,
    answer=EnrolmentsAnswer,
)
def get_enrolments(call: Call) -> EnrolmentsAnswer:
    """Return the student's places in batches, newest first."""
    shown, more = call.query.page(enrolments_of(call.session, call.student))
    return EnrolmentsAnswer(items=[_answer(entry) for entry in shown], next_cursor=more)


@operation(
    "GET",
    "/enrolments/{id}",
    tag="enrolments",
    summary="One enrolment",
    answer=OneEnrolmentAnswer,
    errors=(errors.EnrolmentNotFound,),
)
def get_enrolment(call: Call) -> OneEnrolmentAnswer:
    """Return one place in a batch."""
    return _one(find_enrolment(call.session, call.student, call.id("id", errors.EnrolmentNotFound)))


@operation(
    "POST",
    "/enrolments/{id}/confirm",
    tag="enrolments",
    summary="Confirm the data",
    answer=OneEnrolmentAnswer,
    errors=(errors.EnrolmentNotFound,),
)
def confirm_enrolment(call: Call) -> OneEnrolmentAnswer:
    """Say that the prefilled data is right; an order needs it."""
    enrolment = find_enrolment(call.session, call.student, call.id("id", errors.EnrolmentNotFound))
    confirm(call.session, enrolment)
    return _one(enrolment)


@contextmanager
def counting_wrong_tries(call: Call, batch: Batch) -> Iterator[None]:
    """Count what may be a guess: for the account, the address and, against guesses spread over
    many of both, the school. Calls declare `guesses` as their brakes.
    """
    try:
        yield
    except WRONG_TRY:
        limiter().count(*guesses(call), (IDENTIFY_SCHOOL, str(batch.school_id)))
        raise


def claimed(call: Call, batch: Batch, id_last4: str, capture_code: str | None) -> Claim:
    """Return what the student gives, decoded. Raises what the decoder and `check_ready` raise."""
    check_ready(batch, bool(capture_code))
    payload = _decoded(call, capture_code)
    _one_at_a_time(call, batch)
    return Claim(
        last_four=id_last4,
        payload=payload,
        code_text=capture_code,
        provider=call.services.settings.capture_code_provider,
    )


def _decoded(call: Call, text: str | None) -> CaptureCodePayload | None:
    """Ask the decoder, which may be a service outside: before any row is locked."""
    return decoder_for(call.services.settings).decode(text) if text else None


def _one_at_a_time(call: Call, batch: Batch) -> None:
    """Let an account try once at a time and look at its count again: parallel guesses wait."""
    digest = keyring().blind_index("identify lock", str(call.student.id))
    number = int.from_bytes(digest[:8], "big", signed=True)
    call.session.execute(select(func.pg_advisory_xact_lock(number)))
    limiter().check(
        (IDENTIFY_ACCOUNT, str(call.student.id)), (IDENTIFY_SCHOOL, str(batch.school_id))
    )
