"""Students who are not on the roster, in batches that take them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backoffice.blind_indexes import last4_index, name_index, phone_index
from backoffice.db import uuid7
from backoffice.enrolments.errors import (
    AlreadyOnRoster,
    IdentityRequired,
    NotOnRoster,
    UnlistedNotAllowed,
)
from backoffice.enrolments.identification import (
    already_enrolled_or,
    check_ready,
    keep_code,
)
from backoffice.enrolments.matching import Claim, shows_student
from backoffice.errors import InvalidInput
from backoffice.i18n import Text
from backoffice.identity.documents import normalise
from backoffice.identity.last_four import last_four, last_four_variants
from backoffice.identity.masking import mask_id, mask_name
from backoffice.identity.names import clean_name
from backoffice.identity.phones import normalise_phone
from backoffice.models import Batch, Enrolment, Student


@dataclass(frozen=True, repr=False)
class Entry:
    """What an unlisted student enters; name and number must be the account's own."""

    student_no: str
    name: str | None = None
    id_number: str | None = None
    gender: str | None = None
    birth_date: date | None = None
    phone: str | None = None
    level: str | None = None
    study_form: str | None = None
    college: str | None = None
    major: str | None = None
    class_name: str | None = None


def enrol_unlisted(
    session: Session, batch: Batch, student: Student, entry: Entry, claim: Claim | None
) -> Enrolment:
    """Write the student's own entry and return it, claimed and confirmed. Flushes.

    claim: the decoded capture code, where there is one. Raises BatchNotOpen, UnlistedNotAllowed,
    CaptureCodeRequired, IdentityRequired, AlreadyOnRoster, AlreadyEnrolled, NotOnRoster,
    InvalidInput.
    """
    if not batch.allow_unlisted:
        raise UnlistedNotAllowed()
    if student.id_number is None:
        raise IdentityRequired()
    check_ready(batch, claim is not None)
    _check_own(student, entry)
    if claim is not None and claim.payload is not None:
        payload = claim.payload
        if payload.school_code != batch.school.code or not shows_student(payload, student):
            raise NotOnRoster()
    _check_new(session, batch, student, entry)
    enrolment = _insert(session, batch, student, entry)
    if claim is not None:
        keep_code(session, enrolment, student, claim)
    return enrolment


def _check_own(student: Student, entry: Entry) -> None:
    number, name = entry.id_number, entry.name
    if number is not None and normalise(number) != student.id_number:
        raise InvalidInput(
            "id_number",
            Text("证件号码须与注册账号一致。", "The ID number must be your account's own."),
        )
    if name is not None and clean_name(name) != student.name:
        raise InvalidInput(
            "name", Text("姓名须与注册账号一致。", "The name must be your account's own.")
        )


def _check_new(session: Session, batch: Batch, student: Student, entry: Entry) -> None:
    """Raise AlreadyOnRoster for an entry of the batch that is not this student's own."""
    known = session.scalars(
        select(Enrolment.id).where(
            Enrolment.batch_id == batch.id,
            or_(
                Enrolment.student_no == entry.student_no,
                Enrolment.id_index == student.id_index,
            ),
        )
    ).first()
    if known is not None:
        raise AlreadyOnRoster()


def _insert(session: Session, batch: Batch, student: Student, entry: Entry) -> Enrolment:
    phone = normalise_phone(entry.phone) if entry.phone else student.phone
    number, name = student.id_number, student.name
    assert number is not None, "enrol_unlisted has looked"
    assert name is not None, "a document has a name"
    forms = last_four_variants(number)
    now = datetime.now(UTC)
    new_id = uuid7()
    try:
        with session.begin_nested():
            written = session.execute(
                insert(Enrolment)
                .values(
                    id=new_id,
                    batch_id=batch.id,
                    source="student",
                    student_no=entry.student_no,
                    name=name,
                    name_masked=mask_name(name),
                    name_index=name_index(name),
                    id_type=student.id_type,
                    id_number=number,
                    id_masked=mask_id(number),
                    id_index=student.id_index,
                    id_last4=last_four(number),
                    id_last4_indexes=[last4_index(batch.id, form) for form in forms],
                    gender=entry.gender or student.gender,
                    birth_date=entry.birth_date,
                    phone=phone,
                    phone_index=phone_index(phone),
                    level=entry.level,
                    study_form=entry.study_form,
                    college=entry.college,
                    major=entry.major,
                    class_name=entry.class_name,
                    student_id=student.id,
                    claimed_at=now,
                    confirmed_at=now,
                )
                .on_conflict_do_nothing(index_elements=["batch_id", "student_no"])
                .returning(Enrolment.id)
            ).scalar_one_or_none()
    except IntegrityError as error:
        raise already_enrolled_or(error) from None
    if written is None:
        raise AlreadyOnRoster()
    return session.get_one(Enrolment, new_id)
