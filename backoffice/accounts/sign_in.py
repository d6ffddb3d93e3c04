"""Signing in with an ID number or a phone, and changing the password."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from backoffice.accounts.errors import (
    InvalidCredentials,
    PasswordChangeRequired,
    WrongPassword,
)
from backoffice.accounts.passwords import check_new_password, hash_password, verify_password
from backoffice.blind_indexes import id_number_index, phone_index
from backoffice.identity.characters import compact
from backoffice.identity.documents import IdDocument, detect_type, normalise
from backoffice.identity.errors import InvalidPhone
from backoffice.identity.phones import normalise_phone
from backoffice.models import Student

# A family may share one phone; more accounts than this are not tried.
MAX_ACCOUNTS_OF_ONE_PHONE = 3


def log_in(session: Session, login: str, password: str) -> Student:
    """Return the account of an ID number or phone whose password this is.

    Unknown and wrong cost the same work and raise the same InvalidCredentials.
    """
    known = _accounts(session, login)
    hashes: list[tuple[Student | None, str | None]] = [(s, s.password_hash) for s in known]
    found: Student | None = None
    for student, password_hash in hashes or [(None, None)]:
        right = _matches(password_hash, password, student)
        if right and found is None:
            found = student
    if found is None or not found.active:
        raise InvalidCredentials()
    return found


def change_password(student: Student, current: str | None, new: str) -> None:
    """Set a new password. Raises WrongPassword or PasswordUnsuitable.

    current: None only for an account that WeChat opened and that has no password yet.
    """
    if student.password_hash is not None and (
        current is None or not _matches(student.password_hash, current, student)
    ):
        raise WrongPassword()
    check_new_password(new, student.id_number or "", "new_password")
    student.password_hash = hash_password(new)
    student.must_change_password = False


def require_changed_password(student: Student, hours: int) -> None:
    """Raise PasswordChangeRequired `hours` after registration with the first password.

    Not sooner: a student may register and order in one go (CONTRACT section 4), and only then is
    asked for a password of their own.
    """
    if not student.must_change_password:
        return
    if datetime.now(UTC) >= student.created_at + timedelta(hours=hours):
        raise PasswordChangeRequired()


def login_digest(login: str) -> str:
    """Return a name for this log-in that counters may keep: a keyed hash, nothing readable."""
    return id_number_index(compact(login)[:100]).hex()[:32]


def _matches(password_hash: str | None, password: str, student: Student | None) -> bool:
    """Verify; a first password (part of the ID number) may be typed with a small x.

    The second form is tried for every account or none, so that time tells nothing.
    """
    right = verify_password(password_hash, password)
    folded = compact(password)
    if folded == password:
        return right
    folded_right = verify_password(password_hash, folded)
    first = student is not None and student.must_change_password
    return right or (folded_right and first)


def _accounts(session: Session, login: str) -> list[Student]:
    number = normalise(login)
    kind = detect_type(number)
    conditions = [Student.id_index == id_number_index(number)]
    if kind is not None:  # a permit is matched without its reissue count
        conditions.append(Student.id_index == id_number_index(IdDocument(kind, number).match_key))
    with contextlib.suppress(InvalidPhone):
        conditions.append(Student.phone_index == phone_index(normalise_phone(login)))
    return list(
        session.scalars(
            select(Student)
            .where(or_(*conditions))
            .order_by(Student.created_at)
            .limit(MAX_ACCOUNTS_OF_ONE_PHONE)
        )
    )
