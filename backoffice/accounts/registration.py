"""New accounts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backoffice.accounts.consents import check_consents, record_consents
from backoffice.accounts.errors import AccountExists
from backoffice.accounts.passwords import check_new_password, hash_password, initial_password
from backoffice.blind_indexes import id_number_index, phone_index
from backoffice.errors import InvalidInput
from backoffice.i18n import Text
from backoffice.identity.documents import validate
from backoffice.identity.names import clean_name
from backoffice.identity.phones import normalise_phone
from backoffice.models import Student

NAME_MAX = 100
ID_INDEX_CONSTRAINT = "uq_students_id_index"


@dataclass(frozen=True, repr=False)
class Registration:
    """What a student enters. `password` None: the last six characters of the number."""

    id_type: str
    id_number: str
    name: str
    phone: str
    email: str | None = None
    gender: str | None = None
    password: str | None = None
    locale: str = "zh"


def register(session: Session, entry: Registration, consents: Mapping[str, str | None]) -> Student:
    """Write a new account with its consents and return it. Flushes, does not commit.

    Raises InvalidIdNumber and its kin, InvalidPhone, InvalidInput (name), PasswordUnsuitable,
    ConsentRequired, ConsentOutdated, AccountExists.
    """
    document = validate(entry.id_type, entry.id_number)
    phone = normalise_phone(entry.phone)
    name = checked_name(entry.name)
    if entry.password is not None:
        check_new_password(entry.password, document.number, "password")
    accepted = check_consents(consents)
    student = Student(
        id_type=document.id_type.value,
        id_number=document.number,
        id_index=id_number_index(document.match_key),
        name=name,
        phone=phone,
        phone_index=phone_index(phone),
        email=entry.email,
        gender=entry.gender or document.gender,
        locale=entry.locale,
        password_hash=hash_password(entry.password or initial_password(document.number)),
        must_change_password=entry.password is None,
    )
    _insert(session, student)
    record_consents(session, student, accepted)
    return student


def checked_name(raw: str) -> str:
    """Return a cleaned name. Raises InvalidInput when nothing is left or it is too long."""
    name = clean_name(raw)
    if not 1 <= len(name) <= NAME_MAX:
        raise InvalidInput(
            "name", Text("请填写证件上的姓名。", "Enter the name as on your document.")
        )
    return name


def _insert(session: Session, student: Student) -> None:
    """Insert, leaving it to the database to say that the ID is taken: two requests may race."""
    try:
        with session.begin_nested():
            session.add(student)
            session.flush()
    except IntegrityError as error:
        diagnosis = getattr(error.orig, "diag", None)
        if getattr(diagnosis, "constraint_name", None) == ID_INDEX_CONSTRAINT:
            raise AccountExists() from None
        raise
