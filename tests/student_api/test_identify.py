"""Identification: what has to agree, and how guessing ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from backoffice.batches.qr import batch_url, personal_url
from backoffice.blind_indexes import last4_index
from backoffice.capture_codes.demo import DemoCaptureCodes
from backoffice.capture_codes.reading import draw_qr
from backoffice.models import CaptureCode, Enrolment
from tests.factories import make_batch
from tests.student_api.conftest import (
    Person,
    another_person,
    code_for,
    jpeg,
    list_person,
    signed_in,
)
from tests.student_api.test_sign_in import problem

OTHER_KEY = b"x" * 32


def identify(api, batch, last4, code=None):
    body = {"id_last4": last4} | ({"capture_code": code} if code else {})
    return api.post(f"/batches/{batch.feature_code}/identify", body)


def test_a_capture_code_is_read_from_a_picture_and_identifies(
    student, settings, committed, batch, person
):
    entry = list_person(committed, batch, person)
    text = code_for(settings, batch, person, entry.student_no)
    read = student.upload("/capture-codes/decode", draw_qr(text), "code.png", source=None)
    assert read.status_code == 200, read.get_json()
    code = read.get_json()["capture_code"]
    assert (code["text"], code["id_last4"]) == (text, person.id_number[-4:])
    answer = identify(student, batch, person.id_number[-4:], code["text"])
    assert answer.get_json()["enrolment"]["name_masked"] == "吴*兰"
    with committed() as session:
        kept = session.scalars(select(CaptureCode)).one()
        assert kept.code_text == text
        raw = session.scalar(select(func.encode(CaptureCode.__table__.c.code_text, "escape")))
        assert "GPC1" not in (raw or "")


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"key": OTHER_KEY}, 422, "capture_code_invalid"),
        ({"expires_at": datetime(2020, 1, 1, tzinfo=UTC)}, 422, "capture_code_expired"),
        ({"school_code": "99999"}, 404, "not_on_roster"),
        ({"id_last4": "0000"}, 404, "not_on_roster"),
        ({"name_masked": "王*明"}, 404, "not_on_roster"),
        ({"id_masked": "999***********9999"}, 404, "not_on_roster"),
    ],
)
def test_codes_that_do_not_fit(student, settings, committed, batch, person, changes, status, code):
    entry = list_person(committed, batch, person)
    changes = dict(changes)
    key = changes.pop("key", None)
    if key:
        payload = DemoCaptureCodes.from_settings(settings).decode(
            code_for(settings, batch, person, entry.student_no)
        )
        text = DemoCaptureCodes(key).issue(payload)
    else:
        text = code_for(settings, batch, person, entry.student_no, **changes)
    answer = identify(student, batch, person.id_number[-4:], text)
    assert problem(answer) == (status, code)
    with committed() as session:
        assert session.scalars(select(Enrolment.student_id)).all() == [None]


def test_pictures_without_a_code(student):
    for data, name in ((jpeg(), "a.jpg"), (b"nothing", "a.txt")):
        answer = student.upload("/capture-codes/decode", data, name, source=None)
        assert problem(answer) == (422, "capture_code_unreadable")


@pytest.mark.parametrize("token", [None, "abc.def"])
def test_a_batch_code_is_read_from_a_picture_without_an_account(api, batch, token):
    address = batch_url("https://old-host.example.edu.cn", batch.feature_code.lower())
    if token:
        address = personal_url("https://old-host.example.edu.cn", batch.feature_code, token)
    answer = api.upload("/batch-codes/decode", draw_qr(address), "poster.png", source=None)
    assert answer.status_code == 200, answer.get_json()
    assert answer.get_json() == {"feature_code": batch.feature_code, "personal_token": token}
    assert api.get(f"/batches/{batch.feature_code}").status_code == 200


def test_pictures_that_lead_to_no_batch(api):
    elsewhere = draw_qr("https://example.com/pay?order=1")
    for data in (elsewhere, jpeg(), b"nothing"):
        answer = api.upload("/batch-codes/decode", data, "poster.png", source=None)
        assert problem(answer) == (422, "batch_code_unreadable")


def test_a_needed_code_must_come(student, batch):
    assert problem(identify(student, batch, "1234")) == (422, "capture_code_required")


def test_the_code_identifies_whatever_document_the_account_has(
    client, settings, committed, batch, person
):
    """CONTRACT section 6: school code and last four agree with the roster; claimed once."""
    entry = list_person(committed, batch, person)
    text = code_for(settings, batch, person, entry.student_no)
    last4 = person.id_number[-4:]
    by_passport = signed_in(client, another_person())
    assert identify(by_passport, batch, last4, text).status_code == 200
    owner = signed_in(client, person)
    assert problem(identify(owner, batch, last4, text)) == (409, "enrolment_taken")


def test_ten_wrong_tries_and_then_not_even_the_right_one(
    client, settings, committed, batch, person
):
    entry = list_person(committed, batch, person)
    text = code_for(settings, batch, person, entry.student_no)
    student = signed_in(client, person, address="203.0.113.1")
    last4 = person.id_number[-4:]
    for number in range(10):
        wrong = identify(student, batch, f"{number:04d}", text)
        assert problem(wrong) == (404, "not_on_roster")
    stopped = identify(student, batch, last4, text)
    assert problem(stopped) == (429, "too_many_requests")
    assert 3000 < int(stopped.headers["Retry-After"]) <= 3601
    elsewhere = type(student)(client, student.headers, "203.0.113.2")
    assert problem(identify(elsewhere, batch, last4, text))[0] == 429, "the account is counted"
    other = signed_in(client, another_person(), address="203.0.113.1")
    assert problem(identify(other, batch, last4, text))[0] == 429, "the address is counted"
    fresh = signed_in(client, another_person(), address="203.0.113.3")
    assert identify(fresh, batch, last4, text).status_code == 200, "others are not held up"


def test_right_tries_are_not_counted(student, settings, committed, batch, person):
    entry = list_person(committed, batch, person)
    text = code_for(settings, batch, person, entry.student_no)
    for _ in range(12):
        assert identify(student, batch, person.id_number[-4:], text).status_code == 200


@pytest.mark.parametrize("typed", ["6(3)", "4563", "６（３）"])
def test_last_four_with_brackets(client, settings, committed, batch, typed):
    person = Person("A123456(3)", "CHAN Tai Man", id_type="hk_id")
    entry = list_person(committed, batch, person)
    text = code_for(settings, batch, person, entry.student_no)
    answer = identify(signed_in(client, person), batch, typed, text)
    assert answer.status_code == 200, answer.get_json()


@pytest.mark.parametrize("typed", ["6(3)", "4563", "６（３）"])
def test_last_four_with_brackets_on_a_minimal_roster(client, settings, committed, typed):
    """The roster says 6(3) and nothing else: the account's number tells that 4563 is the same."""
    person = Person("A123456(3)", "CHAN Tai Man", id_type="hk_id")
    with committed() as session:
        batch = make_batch(session, roster_mode="minimal")
        session.commit()
        _ = batch.school.code
    with committed() as session:
        entry = session.get_one(Enrolment, list_person(committed, batch, person).id)
        entry.name = entry.name_index = entry.id_number = entry.id_index = entry.id_masked = None
        entry.id_last4_indexes = [last4_index(batch.id, "6(3)")]
        number = entry.student_no
        session.commit()
    text = code_for(settings, batch, person, number)
    answer = identify(signed_in(client, person), batch, typed, text)
    assert answer.status_code == 200, answer.get_json()


@pytest.mark.parametrize("with_code", [True, False])
def test_a_minimal_roster_holds_masks_only(client, settings, committed, person, with_code):
    with committed() as session:
        batch = make_batch(session, roster_mode="minimal", requires_capture_code=with_code)
        session.commit()
        _ = batch.school.code
    with committed() as session:
        entry = session.get_one(Enrolment, list_person(committed, batch, person).id)
        entry.name = entry.name_index = entry.id_number = entry.id_index = None
        entry.id_masked = None
        session.commit()
        number = entry.student_no
    text = code_for(settings, batch, person, number) if with_code else None
    if not with_code:  # then the account itself must fit
        namesake = signed_in(client, another_person(name="王小明"))
        assert problem(identify(namesake, batch, person.id_number[-4:], text))[0] == 404
    answer = identify(signed_in(client, person), batch, person.id_number[-4:], text)
    assert answer.status_code == 200, answer.get_json()


def test_two_alike_are_told_apart_by_the_number_of_the_code(
    student, settings, committed, batch, person
):
    first = list_person(committed, batch, person, student_no="2023000001")
    list_person(committed, batch, person, student_no="2023000002")
    unclear = code_for(settings, batch, person, "CHSI-77")
    assert problem(identify(student, batch, person.id_number[-4:], unclear))[0] == 404
    clear = code_for(settings, batch, person, first.student_no)
    answer = identify(student, batch, person.id_number[-4:], clear)
    assert answer.get_json()["enrolment"]["student_no"] == "2023000001"
    other = code_for(settings, batch, person, "2023000002")
    assert problem(identify(student, batch, person.id_number[-4:], other)) == (
        409,
        "already_enrolled",
    )


def test_unlisted_students_where_the_batch_takes_them(client, settings, committed, batch, person):
    student = signed_in(client, person)
    body = {"feature_code": batch.feature_code, "student_no": "2023999", "major": "数学"}
    assert problem(student.post("/enrolments", body)) == (403, "unlisted_not_allowed")
    with committed() as session:
        open_one = make_batch(session, allow_unlisted=True, requires_capture_code=False)
        session.commit()
        _ = open_one.school.code
    body["feature_code"] = open_one.feature_code
    wrong = student.post("/enrolments", body | {"id_number": another_person().id_number})
    assert problem(wrong) == (422, "invalid_input")
    made = student.post("/enrolments", body | {"name": person.name, "id_number": person.id_number})
    assert made.status_code == 201, made.get_json()
    assert made.get_json()["enrolment"]["prefilled"] is False
    assert problem(student.post("/enrolments", body)) == (409, "already_on_roster")
    other = another_person()
    list_person(committed, open_one, other, student_no="2023888")
    listed = signed_in(client, other)
    again = listed.post("/enrolments", body | {"student_no": "2023777"})
    assert problem(again) == (409, "already_on_roster")


def test_an_unlisted_student_brings_a_code_where_codes_are_needed(
    client, settings, committed, person
):
    with committed() as session:
        batch = make_batch(session, allow_unlisted=True)
        session.commit()
        _ = batch.school.code
    student = signed_in(client, person)
    body = {"feature_code": batch.feature_code, "student_no": "2023999"}
    assert problem(student.post("/enrolments", body)) == (422, "capture_code_required")
    foreign = code_for(settings, batch, another_person(), "2023999")
    assert problem(student.post("/enrolments", body | {"capture_code": foreign}))[0] == 404
    own = code_for(
        settings, batch, person, "2023999", expires_at=datetime.now(UTC) + timedelta(days=1)
    )
    assert student.post("/enrolments", body | {"capture_code": own}).status_code == 201


def test_the_machines_own_address_is_nobodys(client, settings, committed, batch, person):
    """Behind a proxy everybody has it: a class's mistakes there must not add up."""
    for _ in range(2):
        student = signed_in(client, another_person(), address="127.0.0.1")
        for number in range(6):
            code = code_for(settings, batch, person, "1")
            assert problem(identify(student, batch, f"{number:04d}", code))[0] == 404
