"""Accounts that WeChat vouches for.

A WeChat user who is new gets an account at once, with the phone WeChat knows and without an ID
document (manual S3). A phone alone never opens an account that has a password: whoever typed
somebody else's phone at registration would otherwise share an account with its owner.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backoffice.accounts.consents import check_consents, record_consents
from backoffice.accounts.errors import (
    AccountExists,
    IdentityKnown,
    InvalidCredentials,
    WechatAccountExists,
    WechatPhoneNeeded,
    WechatTaken,
)
from backoffice.accounts.registration import ID_INDEX_CONSTRAINT, checked_name
from backoffice.blind_indexes import id_number_index, phone_index, wechat_index
from backoffice.identity.documents import validate
from backoffice.models import Student

WECHAT_CONSTRAINT = "uq_students_wechat_index"


def student_of_openid(session: Session, openid: str) -> Student | None:
    """Return the account of a WeChat user, None for a new one. Raises InvalidCredentials."""
    found = session.scalars(
        select(Student).where(Student.wechat_index == wechat_index(openid))
    ).one_or_none()
    if found is not None and not found.active:
        raise InvalidCredentials()
    return found


def open_account(
    session: Session,
    openid: str,
    ask_phone: Callable[[], str] | None,
    consents: Mapping[str, str | None],
    locale: str,
) -> Student:
    """Write an account for a new WeChat user and return it. Flushes.

    ask_phone: fetches the phone (E.164) from WeChat; None when the client sent no code for it.
    The consents are looked at first, because the code for the phone works once. Raises
    WechatPhoneNeeded, ConsentRequired, ConsentOutdated, WechatAccountExists.
    """
    if ask_phone is None:
        raise WechatPhoneNeeded()
    accepted = check_consents(consents)
    phone = ask_phone()
    known = session.scalars(
        select(Student.id)
        .where(Student.phone_index == phone_index(phone), Student.password_hash.is_not(None))
        .limit(1)
    ).first()
    if known is not None:
        raise WechatAccountExists()
    student = Student(
        phone=phone,
        phone_index=phone_index(phone),
        wechat_index=wechat_index(openid),
        locale=locale,
        must_change_password=False,
    )
    _write(session, student, WECHAT_CONSTRAINT, WechatTaken)
    record_consents(session, student, accepted)
    return student


def bind(session: Session, student: Student, openid: str) -> None:
    """Let this WeChat user sign in to the account from now on. Flushes. Raises WechatTaken."""
    student.wechat_index = wechat_index(openid)
    _write(session, student, WECHAT_CONSTRAINT, WechatTaken)


def add_identity(
    session: Session, student: Student, id_type: str, id_number: str, name: str
) -> None:
    """Write the ID document of an account that has none. Flushes.

    Raises IdentityKnown, InvalidIdNumber and its kin, InvalidInput (name), AccountExists.
    """
    if student.id_number is not None:
        raise IdentityKnown()
    document = validate(id_type, id_number)
    student.id_type = document.id_type.value
    student.id_number = document.number
    student.id_index = id_number_index(document.match_key)
    student.name = checked_name(name)
    student.gender = student.gender or document.gender
    _write(session, student, ID_INDEX_CONSTRAINT, AccountExists)


def _write(
    session: Session,
    student: Student,
    constraint: str,
    refusal: type[AccountExists | WechatTaken],
) -> None:
    """Flush, leaving it to the database to say that the key is taken: two requests may race."""
    try:
        with session.begin_nested():
            session.add(student)
            session.flush()
    except IntegrityError as error:
        diagnosis = getattr(error.orig, "diag", None)
        if getattr(diagnosis, "constraint_name", None) == constraint:
            raise refusal() from None
        raise
