"""What a student may change about the account, and asking for its erasure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from backoffice.blind_indexes import phone_index
from backoffice.identity.phones import normalise_phone
from backoffice.models import Student

CHANGEABLE = ("phone", "email", "gender", "locale")


def update_profile(session: Session, student: Student, changes: dict[str, Any]) -> None:
    """Write the given fields (of CHANGEABLE). Name and ID number are corrected by the school.

    Raises InvalidPhone. Flushes.
    """
    for name in CHANGEABLE:
        if name not in changes:
            continue
        value = changes[name]
        if name == "phone":
            value = normalise_phone(value)
            student.phone_index = phone_index(value)
        setattr(student, name, value)
    session.flush()


def request_erasure(session: Session, student: Student) -> datetime:
    """Note that the student wants the data erased; return when it was first asked for. Flushes.

    The account works until staff have settled orders in progress and money owed (PIPL 47).
    """
    if student.erasure_requested_at is None:
        student.erasure_requested_at = datetime.now(UTC)
        session.flush()
    return student.erasure_requested_at
