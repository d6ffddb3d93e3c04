"""Identification: a student claims the roster entry that is theirs."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload

from backoffice.blind_indexes import capture_code_index, last4_index
from backoffice.db import uuid7
from backoffice.enrolments.errors import (
    AlreadyEnrolled,
    CaptureCodeRequired,
    EnrolmentNotFound,
    EnrolmentTaken,
    IdentityRequired,
    NotOnRoster,
    OtherSchool,
)
from backoffice.enrolments.matching import (
    Claim,
    find_entry,
    is_theirs,
    own_variants,
    shows_student,
)
from backoffice.enrolments.windows import require_open
from backoffice.identity.characters import compact
from backoffice.models import Batch, CaptureCode, Enrolment, Student
from backoffice.models.vocabulary import RosterMode

ONE_PER_BATCH = "uq_enrolments_batch_id_student_id"


def check_ready(batch: Batch, has_code: bool) -> None:
    """Refuse what no decoding can help. Raises BatchNotOpen, CaptureCodeRequired."""
    require_open(batch)
    needed = batch.requires_capture_code or batch.roster_mode == RosterMode.NONE
    if needed and not has_code:
        raise CaptureCodeRequired()


def check_claim(batch: Batch, student: Student, claim: Claim) -> None:
    """Refuse a claim before any entry is looked at.

    Raises BatchNotOpen, CaptureCodeRequired, IdentityRequired, OtherSchool.
    """
    check_ready(batch, claim.payload is not None)
    if claim.payload is None and student.id_number is None:
        raise IdentityRequired()
    if claim.payload is not None and claim.payload.school_code != batch.school.code:
        raise OtherSchool()


def identify(session: Session, batch: Batch, student: Student, claim: Claim) -> Enrolment:
    """Return the student's enrolment, now claimed; a second call returns the same. Flushes.

    Raises BatchNotOpen, CaptureCodeRequired, IdentityRequired, NotOnRoster (a wrong try),
    EnrolmentTaken, AlreadyEnrolled.
    """
    check_claim(batch, student, claim)
    if batch.roster_mode == RosterMode.NONE:
        enrolment = _from_code(session, batch, student, claim)
    else:
        enrolment = find_entry(session, batch, student, claim)
    _claim(session, enrolment, student, claim)
    keep_code(session, enrolment, student, claim)
    return enrolment


def find_enrolment(session: Session, student: Student, enrolment_id: uuid.UUID) -> Enrolment:
    """Return one enrolment of this student. Raises EnrolmentNotFound."""
    found = session.scalars(
        select(Enrolment).where(Enrolment.id == enrolment_id, Enrolment.student_id == student.id)
    ).one_or_none()
    if found is None:
        raise EnrolmentNotFound()
    return found


def enrolments_of(session: Session, student: Student) -> list[Enrolment]:
    """Return the student's places in batches, the newest claim first."""
    return list(
        session.scalars(
            select(Enrolment)
            .where(Enrolment.student_id == student.id)
            .options(joinedload(Enrolment.batch))
            .order_by(Enrolment.claimed_at.desc(), Enrolment.id)
        )
    )


def confirm(session: Session, enrolment: Enrolment) -> None:
    """Note that the student found the prefilled data right; the first time counts. Flushes."""
    if enrolment.confirmed_at is None:
        enrolment.confirmed_at = datetime.now(UTC)
        session.flush()


def _claim(session: Session, enrolment: Enrolment, student: Student, claim: Claim) -> None:
    if enrolment.student_id == student.id:
        return
    session.refresh(enrolment, with_for_update=True)
    if enrolment.student_id == student.id:
        return
    if enrolment.student_id is not None:
        raise EnrolmentTaken()
    # a genuine capture code and the last four identify (CONTRACT section 6), whatever document
    # the account was opened with; without a code the account's own number must be the entry's
    if claim.payload is None and not is_theirs(enrolment, student, claim):
        raise NotOnRoster()
    try:
        with session.begin_nested():
            enrolment.student_id = student.id
            enrolment.claimed_at = datetime.now(UTC)
            session.flush()
    except IntegrityError as error:
        raise already_enrolled_or(error) from None


def already_enrolled_or(error: IntegrityError) -> Exception:
    """Return AlreadyEnrolled if that is what the database refused, else the error itself."""
    diagnosis = getattr(error.orig, "diag", None)
    taken = getattr(diagnosis, "constraint_name", None) == ONE_PER_BATCH
    return AlreadyEnrolled() if taken else error


def _from_code(session: Session, batch: Batch, student: Student, claim: Claim) -> Enrolment:
    """Return the entry a capture code stands for, writing it when it is new (mode `none`).

    ON CONFLICT lets two requests with the same code meet on one row.
    """
    payload = claim.payload
    assert payload is not None, "check_ready holds"
    if compact(claim.last_four) not in _forms(payload.id_last4, student):
        raise NotOnRoster()
    known = _entry_by_number(session, batch, payload.serial)
    if known is not None:
        return known
    own = shows_student(payload, student)
    forms = own_variants(student) if own else [compact(payload.id_last4)]
    session.execute(
        insert(Enrolment)
        .values(
            id=uuid7(),
            batch_id=batch.id,
            source="capture_code",
            student_no=payload.serial,
            name_masked=payload.name_masked,
            id_type=student.id_type if own else None,
            id_masked=payload.id_masked,
            id_last4=forms[0],
            id_last4_indexes=[last4_index(batch.id, form) for form in forms],
            level=payload.level,
            major=payload.major,
        )
        .on_conflict_do_nothing(index_elements=["batch_id", "student_no"])
    )
    entry = _entry_by_number(session, batch, payload.serial)
    assert entry is not None, "just written, here or by another request"
    return entry


def _forms(shown: str, student: Student) -> set[str]:
    """Accepted forms of the last four a code shows."""
    own = own_variants(student)
    return {compact(shown), *own} if compact(shown) in own else {compact(shown)}


def _entry_by_number(session: Session, batch: Batch, student_no: str) -> Enrolment | None:
    return session.scalars(
        select(Enrolment).where(Enrolment.batch_id == batch.id, Enrolment.student_no == student_no)
    ).one_or_none()


def keep_code(session: Session, enrolment: Enrolment, student: Student, claim: Claim) -> None:
    """Store the presented capture code with the enrolment, sealed; once each."""
    if claim.payload is None or claim.code_text is None:
        return
    session.execute(
        insert(CaptureCode)
        .values(
            id=uuid7(),
            enrolment_id=enrolment.id,
            student_id=student.id,
            provider=claim.provider,
            code_text=claim.code_text,
            text_hash=capture_code_index(claim.code_text),
            payload=claim.payload.to_dict(),
            expires_at=claim.payload.expires_at,
        )
        .on_conflict_do_nothing(index_elements=["enrolment_id", "text_hash"])
    )
