"""Rules of accounts that need no request."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from backoffice.accounts import errors
from backoffice.accounts.addresses import MAX_ADDRESSES, add_address, list_addresses
from backoffice.accounts.consents import FOLDER, KINDS, check_consents, consent_text
from backoffice.accounts.passwords import (
    check_new_password,
    hash_password,
    initial_password,
    verify_password,
)
from backoffice.accounts.registration import Registration, register
from backoffice.accounts.sign_in import log_in
from backoffice.accounts.tickets import add_student_message, open_ticket
from backoffice.accounts.tokens import issue_tokens, refresh_tokens, student_of
from backoffice.models import StudentToken
from tests.factories import make_student, resident_id

CONSENTS = {kind: consent_text(kind, "zh").version for kind in KINDS}
ADDRESS = {
    "recipient": "吴", "phone": "13800000001", "province": "沪", "city": "沪",
    "district": "杨浦", "detail": "邯郸路",
}  # fmt: skip


def entry(serial, **changes):
    return Registration(
        **{
            "id_type": "resident_id",
            "id_number": resident_id(serial),
            "name": "吴小兰",
            "phone": f"137{serial:08d}",
        }
        | changes
    )


@pytest.mark.parametrize("kind", KINDS)
def test_every_text_exists_in_both_languages_in_the_same_version(kind):
    zh, en = consent_text(kind, "zh"), consent_text(kind, "en")
    assert zh.version == en.version
    assert zh.title != en.title
    assert len(zh.body) > 100
    assert len(list(FOLDER.glob(f"{kind}.{zh.version}.*.md"))) == 2


@pytest.mark.parametrize("missing", KINDS)
def test_each_text_needs_its_own_consent(missing):
    with pytest.raises(errors.ConsentRequired) as refused:
        check_consents({k: v for k, v in CONSENTS.items() if k != missing})
    assert refused.value.field == f"consents.{missing}"


@pytest.mark.parametrize(
    ("password", "good"),
    [
        ("1234567", False),
        ("12345678", True),
        ("x" * 129, False),
        ("𠮷·密码很长很长", True),
        ("09150019", False),  # part of the number below
    ],
)
def test_new_passwords(password, good):
    if good:
        check_new_password(password, "31010120030915001X", "password")
    else:
        with pytest.raises(errors.PasswordUnsuitable):
            check_new_password(password, "310101200309150019", "password")


def test_the_first_password_is_the_last_six():
    assert initial_password("31010120030915001X") == "15001X"
    assert initial_password("A123456(3)") == "456(3)"


@given(st.text(max_size=20), st.text(max_size=20))
def test_an_account_that_is_not_there_has_no_password(one, other):
    assert verify_password(None, one) is False
    assert verify_password("no hash at all", other) is False


def test_a_first_password_may_be_typed_with_a_small_x(session):
    number = next(n for n in map(resident_id, range(400)) if n.endswith("X"))
    student = register(session, entry(0, id_number=number), CONSENTS)
    assert log_in(session, number, number[-6:].lower()) is student
    student.must_change_password = False
    with pytest.raises(errors.InvalidCredentials):
        log_in(session, number, number[-6:].lower())


def test_unknown_and_wrong_take_the_same_work(session):
    known = make_student(session, password_hash=hash_password("correct horse"))

    def seconds(login):
        started = time.process_time()
        for _ in range(5):
            with pytest.raises(errors.InvalidCredentials):
                log_in(session, login, "wrong horse")
        return time.process_time() - started

    seconds(known.id_number)
    assert 0.5 < seconds(known.id_number) / seconds(resident_id(999)) < 2


def test_brothers_may_share_a_phone(session):
    first = register(session, entry(1, phone="13700000000", password="first horse"), CONSENTS)
    second = register(session, entry(2, phone="13700000000", password="second horse"), CONSENTS)
    assert log_in(session, "13700000000", "first horse") is first
    assert log_in(session, "13700000000", "second horse") is second


def test_a_permit_is_the_same_after_a_reissue(session):
    first = entry(3, id_type="hk_macau_permit", id_number="H1234567801")
    student = register(session, first, CONSENTS)
    assert log_in(session, "H1234567802", "567801") is student
    with pytest.raises(errors.AccountExists):
        register(session, entry(4, id_type="hk_macau_permit", id_number="H1234567802"), CONSENTS)


def test_a_locked_account_cannot_sign_in_or_use_tokens(session, settings):
    student = register(session, entry(5, password="correct horse"), CONSENTS)
    pair = issue_tokens(session, student, settings)
    student.active = False
    session.flush()
    with pytest.raises(errors.InvalidCredentials):
        log_in(session, student.id_number, "correct horse")
    with pytest.raises(errors.TokenInvalid):
        student_of(session, pair.access_token)
    with pytest.raises(errors.TokenInvalid):
        refresh_tokens(session, pair.refresh_token, settings)


def test_tokens_die(session, settings):
    student = make_student(session)
    pair = issue_tokens(session, student, settings)
    for token in session.scalars(select(StudentToken)):
        token.expires_at = datetime.now(UTC) - timedelta(seconds=1)
    session.flush()
    with pytest.raises(errors.TokenExpired):
        student_of(session, pair.access_token)
    with pytest.raises(errors.TokenExpired):
        refresh_tokens(session, pair.refresh_token, settings)
    with pytest.raises(errors.TokenInvalid):
        student_of(session, pair.refresh_token)


def test_the_address_book_ends(session):
    student = make_student(session)
    for _ in range(MAX_ADDRESSES):
        add_address(session, student, dict(ADDRESS))
    with pytest.raises(errors.TooManyAddresses):
        add_address(session, student, dict(ADDRESS))
    assert [a.is_default for a in list_addresses(session, student)].count(True) == 1


def test_a_closed_ticket_takes_no_more(session):
    ticket = open_ticket(session, make_student(session), "退款", "何时？", None)
    ticket.state = "answered"
    add_student_message(session, ticket, "谢谢")
    assert ticket.state == "open"
    ticket.state = "closed"
    session.flush()
    with pytest.raises(errors.TicketClosed):
        add_student_message(session, ticket, "还有")
