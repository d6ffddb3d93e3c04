"""One-click sign-in against a local server that speaks WeChat's protocol."""

from __future__ import annotations

import dataclasses

import pytest
from sqlalchemy import select, text

from backoffice.accounts.consents import KINDS, consent_text
from backoffice.models import Student
from tests.student_api.conftest import (
    Api,
    another_person,
    code_for,
    list_person,
    ordered,
    signed_in,
)
from tests.student_api.test_sign_in import problem
from tests.student_api.wechat_stand_in import APP_ID, SECRET, running

CONSENTS = {kind: consent_text(kind, "zh").version for kind in KINDS}


@pytest.fixture
def wechat(app, monkeypatch):
    with running() as stand_in:
        shared = app.extensions["backoffice"]
        changed = dataclasses.replace(
            shared.settings,
            wechat_base_url=stand_in.base_url,
            wechat_app_id=APP_ID,
            wechat_app_secret=SECRET,
        )
        monkeypatch.setattr(shared, "settings", changed)
        yield stand_in


def first_time(wechat, openid="o-1", phone="13912340001", **changes):
    return {
        "code": wechat.login_code(openid),
        "phone_code": wechat.phone_code(phone),
        "consents": CONSENTS,
    } | changes


def by_token(client, answer):
    return Api(client, {"Authorization": f"Bearer {answer.get_json()['access_token']}"})


def test_a_new_wechat_user_gets_an_account_at_once(api, wechat, committed):
    answer = api.post("/auth/wechat", first_time(wechat))
    assert answer.status_code == 200, answer.get_json()
    student = answer.get_json()["student"]
    assert (student["phone"], student["wechat"]) == ("+8613912340001", True)
    assert student["id_number"] is None
    assert student["must_change_password"] is False
    again = api.post("/auth/wechat", {"code": wechat.login_code("o-1")})
    assert again.get_json()["student"]["id"] == student["id"]
    with committed() as session:
        raw = session.execute(text("SELECT * FROM students")).mappings().one()
        assert b"o-1" not in b"".join(bytes(v) for v in raw.values() if isinstance(v, bytes))
    given = by_token(api.client, again).get("/me/consents").get_json()["items"]
    assert {item["kind"] for item in given} == set(KINDS)


def test_the_journey_of_manual_003_needs_no_id_number(api, wechat, committed, settings, batch):
    student = by_token(api.client, api.post("/auth/wechat", first_time(wechat)))
    person = another_person()
    entry = list_person(committed, batch, person)
    found = student.post(
        f"/batches/{batch.feature_code}/identify",
        {
            "id_last4": person.id_number[-4:],
            "capture_code": code_for(settings, batch, person, entry.student_no),
        },
    )
    assert found.status_code == 200, found.get_json()
    enrolment = found.get_json()["enrolment"]["id"]
    student.post(f"/enrolments/{enrolment}/confirm")
    assert ordered(student, enrolment)["state"] == "draft"


def test_where_the_number_is_compared_it_is_asked_for(api, wechat, committed, batch):
    with committed() as session:
        session.merge(batch).requires_capture_code = False
        session.commit()
    person = another_person()
    list_person(committed, batch, person)
    student = by_token(api.client, api.post("/auth/wechat", first_time(wechat)))
    body = {"id_last4": person.id_number[-4:]}
    path = f"/batches/{batch.feature_code}/identify"
    assert problem(student.post(path, body)) == (409, "identity_required")
    identity = {"id_type": "resident_id", "id_number": person.id_number, "name": person.name}
    given = student.post("/me/identity", identity)
    assert given.status_code == 200
    assert given.get_json()["student"]["id_number"].endswith(person.id_number[-4:])
    assert student.post(path, body).status_code == 200
    assert problem(student.post("/me/identity", identity)) == (409, "identity_known")


def test_an_id_number_that_has_an_account_is_not_taken_over(api, wechat, person):
    signed_in(api.client, person)
    student = by_token(api.client, api.post("/auth/wechat", first_time(wechat)))
    identity = {"id_type": "resident_id", "id_number": person.id_number, "name": person.name}
    assert problem(student.post("/me/identity", identity)) == (409, "account_exists")


def test_a_phone_alone_opens_no_account_that_has_a_password(api, wechat, person):
    owner = signed_in(api.client, person)
    body = first_time(wechat, phone=person.phone)
    assert problem(api.post("/auth/wechat", body)) == (409, "wechat_account_exists")
    connected = owner.post("/me/wechat", {"code": wechat.login_code("o-1")})
    assert connected.get_json()["student"]["wechat"] is True
    now = api.post("/auth/wechat", {"code": wechat.login_code("o-1")})
    assert now.get_json()["student"]["id"] == connected.get_json()["student"]["id"]
    other = signed_in(api.client, another_person())
    taken = other.post("/me/wechat", {"code": wechat.login_code("o-1")})
    assert problem(taken) == (409, "wechat_taken")


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"phone_code": None}, 422, "wechat_phone_needed"),
        ({"consents": {}}, 422, "consent_required"),
        ({"consents": {**CONSENTS, "portrait": "2001-01-01"}}, 422, "consent_outdated"),
        ({"code": "made-up"}, 422, "wechat_code_invalid"),
        ({"phone_code": "made-up"}, 422, "wechat_code_invalid"),
        ({"code": ""}, 422, "invalid_input"),
    ],
)
def test_what_is_refused_makes_no_account(api, wechat, committed, changes, status, code):
    assert problem(api.post("/auth/wechat", first_time(wechat, **changes))) == (status, code)
    with committed() as session:
        assert session.scalars(select(Student.id)).all() == []


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        (-1, 503, "wechat_unavailable"),
        (45011, 503, "wechat_unavailable"),
        (40125, 503, "wechat_unavailable"),
        (40226, 403, "wechat_refused"),
        ("garbage", 503, "wechat_unavailable"),
        ("500", 503, "wechat_unavailable"),
    ],
)
def test_wechats_own_failures(api, wechat, caplog, failure, status, code):
    body = first_time(wechat)
    wechat.failure = failure
    answer = api.post("/auth/wechat", body)
    assert problem(answer) == (status, code)
    assert ("Retry-After" in answer.headers) == (status == 503)
    assert SECRET not in caplog.text


def test_wechat_not_reached(api, wechat, app):
    shared = app.extensions["backoffice"]
    shared.settings = dataclasses.replace(shared.settings, wechat_base_url="http://127.0.0.1:9")
    assert problem(api.post("/auth/wechat", {"code": "x"})) == (503, "wechat_unavailable")


def test_a_code_works_once_and_a_repetition_by_key_gives_the_same_answer(api, wechat):
    body = first_time(wechat)
    key = {"Idempotency-Key": "wechat-1"}
    first = api.post("/auth/wechat", body, headers=key)
    assert api.post("/auth/wechat", body, headers=key).get_json() == first.get_json()
    assert problem(api.post("/auth/wechat", body)) == (422, "wechat_code_invalid")


def test_an_expired_access_token_is_fetched_anew_and_a_good_one_kept(api, wechat):
    api.post("/auth/wechat", first_time(wechat, "o-1", "13912340001"))
    api.post("/auth/wechat", first_time(wechat, "o-2", "13912340002"))
    assert wechat.tokens_given == 1
    wechat.expire_token()
    third = api.post("/auth/wechat", first_time(wechat, "o-3", "13912340003"))
    assert third.status_code == 200
    assert wechat.tokens_given == 2


def test_a_phone_from_abroad(api, wechat):
    code = wechat.phone_code("61234567", "852")
    answer = api.post("/auth/wechat", first_time(wechat, phone_code=code))
    assert answer.get_json()["student"]["phone"] == "+85261234567"


def test_an_account_without_a_password_can_get_one(api, wechat):
    student = by_token(api.client, api.post("/auth/wechat", first_time(wechat)))
    changed = student.post("/auth/password", {"new_password": "correct horse"})
    assert changed.status_code == 200
    login = {"login": "13912340001", "password": "correct horse"}
    assert api.post("/auth/login", login).status_code == 200
    again = by_token(api.client, changed).post("/auth/password", {"new_password": "battery staple"})
    assert problem(again) == (422, "wrong_password")


def test_without_a_mini_program_it_is_not_offered(api):
    assert problem(api.post("/auth/wechat", {"code": "x"})) == (403, "wechat_not_offered")
