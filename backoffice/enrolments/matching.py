"""Which roster entry a student means, and whether it can be theirs.

What has to agree: CONTRACT section 6 (school code and last four), DOMAIN section 2 (the capture
code shows the masked name and number) and section 4 (a last four alone has 11,000 values).
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from backoffice.blind_indexes import last4_index
from backoffice.capture_codes.payload import CaptureCodePayload
from backoffice.enrolments.errors import NotOnRoster
from backoffice.identity.characters import compact
from backoffice.identity.last_four import last_four_matches, last_four_variants, same_last_four
from backoffice.identity.masking import mask_matches
from backoffice.models import Batch, Enrolment, Student

MAX_CANDIDATES = 200
LAST_FOUR_MAX = 8  # longer input is no last four
_BY_LAST_FOUR = (
    select(Enrolment)
    .where(
        Enrolment.batch_id == bindparam("batch_id"),
        Enrolment.id_last4_indexes.overlap(bindparam("indexes")),
    )
    .order_by(Enrolment.student_no)
    .limit(MAX_CANDIDATES)
)


@dataclass(frozen=True, repr=False)
class Claim:
    """What a student gives: the typed last four and, decoded, the capture code."""

    last_four: str
    payload: CaptureCodePayload | None
    code_text: str | None = None
    provider: str = ""


def find_entry(session: Session, batch: Batch, student: Student, claim: Claim) -> Enrolment:
    """Return the one roster entry that agrees with the claim. Raises NotOnRoster.

    A genuine capture code speaks for itself; without one the account's own number must fit.
    """
    found = [
        entry
        for entry in _candidates(session, batch, student, claim)
        if (
            agrees_with_code(entry, claim.payload, claim.last_four, student.id_number or "")
            if claim.payload is not None
            else is_theirs(entry, student, claim) and _agrees_with_account(entry, student)
        )
    ]
    if len(found) > 1 and claim.payload is not None:
        found = [entry for entry in found if entry.student_no == claim.payload.serial]
    if len(found) != 1:
        raise NotOnRoster()
    return found[0]


def agrees_with_code(
    entry: Enrolment, payload: CaptureCodePayload, typed: str, own_number: str
) -> bool:
    """Return whether a capture code shows this entry's person, and the typed last four fits.

    A minimal roster holds no number: there the account's own one tells that 4563 is 6(3).
    """
    number = entry.id_number or own_number
    if not _same(typed, payload.id_last4, number):
        return False
    on_file = entry.id_last4 or ""
    if not _same(payload.id_last4, on_file, number):
        return False
    if not mask_matches(payload.name_masked, entry.name or entry.name_masked):
        return False
    shown = entry.id_number or entry.id_masked
    return shown is None or mask_matches(payload.id_masked, shown)


def is_theirs(entry: Enrolment, student: Student, claim: Claim) -> bool:
    """Return whether the account's own ID number is the entry's; for claims without a code."""
    if not student.id_number or not last_four_matches(claim.last_four, student.id_number):
        return False
    return entry.id_index is None or entry.id_index == student.id_index


def own_variants(student: Student) -> list[str]:
    """Return the accepted last fours of the account's number; none before it has one."""
    return last_four_variants(student.id_number) if student.id_number else []


def shows_student(payload: CaptureCodePayload, student: Student) -> bool:
    """Return whether a capture code's masked number is the account's."""
    if not student.id_number or not last_four_matches(payload.id_last4, student.id_number):
        return False
    return mask_matches(payload.id_masked, student.id_number)


def _agrees_with_account(entry: Enrolment, student: Student) -> bool:
    """Without a capture code: the whole number (checked in `is_theirs`), or name and mask."""
    if entry.id_index is not None:
        return True
    if student.name is None or student.id_number is None:
        return False
    if not mask_matches(entry.name_masked, student.name):
        return False
    return entry.id_masked is None or mask_matches(entry.id_masked, student.id_number)


def _same(one: str, other: str, number: str) -> bool:
    """Two last fours mean the same: equal, or both accepted forms of the full number."""
    if same_last_four(one, other):
        return True
    accepted = last_four_variants(number) if number else []
    return compact(one) in accepted and compact(other) in accepted


def _candidates(session: Session, batch: Batch, student: Student, claim: Claim) -> list[Enrolment]:
    typed = compact(claim.last_four)
    if not typed or len(typed) > LAST_FOUR_MAX:
        raise NotOnRoster()
    forms = {typed}
    own = own_variants(student)
    if typed in own:  # a roster that holds only 6(3) is found by somebody who types 4563
        forms.update(own)
    if claim.payload is not None:
        forms.add(compact(claim.payload.id_last4))
    indexes = [last4_index(batch.id, form) for form in sorted(forms)]
    return list(session.scalars(_BY_LAST_FOUR, {"batch_id": batch.id, "indexes": indexes}))
