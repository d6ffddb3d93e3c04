"""Accounts, tokens and consents as programs meet them."""

from __future__ import annotations

import hashlib
import uuid

import pytest
from sqlalchemy import select

from backoffice.models import IdempotencyRecord, Student, StudentConsent, StudentToken
from tests.student_api.conftest import Api, another_person, signed_in


def problem(answer):
    body = answer.get_json()
    assert answer.content_type == "application/problem+json"
    assert set(body) == {"type", "title", "status", "detail", "code", "errors"}
    assert body["status"] == answer.status_code
    return answer.status_code, body["code"]


def test_a_new_account_has_a_first_password_consents_and_nothing_readable(api, person, committed):
    answer = api.post("/auth/register", person.registration(email="Lan@Example.com"))
    body = answer.get_json()
    assert answer.status_code == 201
    assert body["student"]["must_change_password"] is True
    assert body["student"]["id_number"] == person.id_number[:3] + "*" * 11 + person.id_number[-4:]
    assert body["expires_in"] == 7200
    assert answer.headers["Cache-Control"] == "no-store"
    with committed() as session:
        row = session.scalars(select(Student)).one()
        assert row.password_hash.startswith("$argon2id$")
        assert row.gender in ("male", "female")
        kinds = session.scalars(select(StudentConsent.kind)).all()
        assert sorted(kinds) == ["portrait", "privacy", "terms"]
        tokens = session.scalars(select(StudentToken.token_hash)).all()
        assert hashlib.sha256(body["access_token"].encode()).digest() in tokens
    login = api.post("/auth/login", {"login": person.id_number, "password": person.id_number[-6:]})
    assert login.status_code == 200


@pytest.mark.parametrize(
    ("changes", "status", "code", "field"),
    [
        ({"id_number": "310101200309150011"}, 422, "id_number_check_digit", "id_number"),
        ({"id_number": "12"}, 422, "id_number_format", "id_number"),
        ({"id_type": "driving_licence"}, 422, "invalid_input", "id_type"),
        ({"phone": "12345"}, 422, "phone_invalid", "phone"),
        ({"name": "  "}, 422, "invalid_input", "name"),
        ({"name": "a\x00b"}, 422, "invalid_input", "name"),
        ({"password": "short"}, 422, "password_unsuitable", "password"),
        ({"email": "nobody"}, 422, "invalid_input", "email"),
        ({"consents": {}}, 422, "consent_required", "consents.terms"),
        (
            {"consents": {"terms": "1999", "privacy": "1999", "portrait": "1999"}},
            422,
            "consent_outdated",
            "consents.terms",
        ),
        ({"admin": True}, 422, "invalid_input", "admin"),
        ({"name": 7}, 422, "invalid_input", "name"),
    ],
)
def test_wrong_registrations_name_the_field_and_change_nothing(
    api, person, committed, changes, status, code, field
):
    answer = api.post("/auth/register", person.registration(**changes))
    assert problem(answer) == (status, code)
    assert answer.get_json()["errors"][0]["field"] == field
    with committed() as session:
        assert session.scalars(select(Student.id)).all() == []


def test_one_number_has_one_account_also_under_another_spelling(api, person):
    assert api.post("/auth/register", person.registration()).status_code == 201
    spelled = person.registration(id_number=f" {person.id_number.lower()} ")
    assert problem(api.post("/auth/register", spelled)) == (409, "account_exists")


@pytest.mark.parametrize("spelling", ["number", "phone", "full phone"])
def test_sign_in_by_number_or_phone(api, person, spelling):
    api.post("/auth/register", person.registration(password="correct horse"))
    login = {
        "number": person.id_number,
        "phone": person.phone,
        "full phone": f"+86 {person.phone}",
    }[spelling]
    answer = api.post("/auth/login", {"login": login, "password": "correct horse"})
    assert answer.status_code == 200
    wrong = api.post("/auth/login", {"login": login, "password": "wrong horse"})
    unknown = api.post("/auth/login", {"login": "13900009999", "password": "wrong horse"})
    assert problem(wrong) == (401, "invalid_credentials")
    assert wrong.get_json() == unknown.get_json()


def test_guessing_a_password_is_stopped(api, person):
    api.post("/auth/register", person.registration(password="correct horse"))
    for _ in range(10):
        answer = api.post("/auth/login", {"login": person.phone, "password": "guess"})
        assert answer.status_code == 401
    stopped = api.post("/auth/login", {"login": person.phone, "password": "correct horse"})
    assert problem(stopped) == (429, "too_many_requests")
    assert 0 < int(stopped.headers["Retry-After"]) <= 900


def test_refresh_rotates_and_a_second_use_ends_the_sign_in(api, person):
    first = api.post("/auth/register", person.registration()).get_json()
    second = api.post("/auth/refresh", {"refresh_token": first["refresh_token"]}).get_json()
    me = lambda tokens: Api(  # noqa: E731
        api.client, {"Authorization": f"Bearer {tokens['access_token']}"}
    ).get("/me")
    assert problem(me(first)) == (401, "token_invalid")
    assert me(second).status_code == 200
    reused = api.post("/auth/refresh", {"refresh_token": first["refresh_token"]})
    assert problem(reused) == (401, "refresh_token_reused")
    assert problem(me(second)) == (401, "token_invalid")
    after = api.post("/auth/refresh", {"refresh_token": second["refresh_token"]})
    assert problem(after) == (401, "token_invalid")


def test_a_lost_refresh_answer_can_be_asked_for_again(api, person):
    tokens = api.post("/auth/register", person.registration()).get_json()
    key = {"Idempotency-Key": str(uuid.uuid4())}
    body = {"refresh_token": tokens["refresh_token"]}
    one = api.post("/auth/refresh", body, headers=key)
    two = api.post("/auth/refresh", body, headers=key)
    assert one.get_json() == two.get_json()
    assert two.headers["Idempotency-Replayed"] == "true"


def test_sign_out_and_a_new_password_end_tokens(client, person):
    student = signed_in(client, person)
    other = student.post(
        "/auth/login", {"login": person.phone, "password": person.id_number[-6:]}
    ).get_json()
    wrong = student.post(
        "/auth/password", {"current_password": "x", "new_password": "correct horse"}
    )
    assert problem(wrong) == (422, "wrong_password")
    changed = student.post(
        "/auth/password",
        {"current_password": person.id_number[-6:], "new_password": "correct horse"},
    )
    assert changed.status_code == 200
    assert problem(student.get("/me"))[0] == 401
    stale = Api(client, {"Authorization": f"Bearer {other['access_token']}"})
    assert problem(stale.get("/me"))[0] == 401
    fresh = Api(client, {"Authorization": f"Bearer {changed.get_json()['access_token']}"})
    assert fresh.get("/me").get_json()["student"]["must_change_password"] is False
    assert fresh.post("/auth/logout").status_code == 200
    assert problem(fresh.get("/me")) == (401, "token_invalid")


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer forged", "Basic abc", "Bearer \u00e9"])
def test_without_a_genuine_token_nothing_is_shown(api, header):
    answer = api.get("/me", headers={"Authorization": header} if header else {})
    assert problem(answer) == (401, "token_invalid")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_own_data_can_be_changed_and_erasure_asked_for(student):
    changed = student.patch("/me", {"phone": "13811112222", "email": "a@b.cn", "locale": "en"})
    assert changed.get_json()["student"]["phone"] == "+8613811112222"
    assert problem(student.patch("/me", {"name": "别人"})) == (422, "invalid_input")
    assert student.patch("/me", {"email": None}).get_json()["student"]["email"] is None
    asked = student.delete("/me")
    assert asked.status_code == 202
    again = student.delete("/me")
    assert again.get_json() == asked.get_json()


def test_texts_and_guides_in_both_languages(api):
    zh = api.get("/consents").get_json()["items"]
    en = api.get("/consents", headers={"Accept-Language": "en-US,en;q=0.9"}).get_json()["items"]
    assert [t["kind"] for t in zh] == ["terms", "privacy", "portrait"]
    assert [t["version"] for t in zh] == [t["version"] for t in en]
    assert zh[0]["title"] == "用户服务协议"
    assert en[0]["title"] == "Terms of service"
    for kind in ("shooting", "standard", "capture-code"):
        assert api.get(f"/guides/{kind}").get_json()["body"]
    assert problem(api.get("/guides/cooking")) == (404, "guide_not_found")


def test_the_same_key_gives_the_same_account_once(api, person, committed):
    key = {"Idempotency-Key": "register-1"}
    one = api.post("/auth/register", person.registration(), headers=key)
    two = api.post("/auth/register", person.registration(), headers=key)
    assert (one.status_code, one.get_json()) == (two.status_code, two.get_json())
    other = api.post("/auth/register", another_person().registration(), headers=key)
    assert problem(other) == (422, "idempotency_key_reused")
    with committed() as session:
        assert len(session.scalars(select(Student.id)).all()) == 1
        record = session.scalars(select(IdempotencyRecord)).one()
        assert person.id_number not in record.scope


@pytest.mark.parametrize("key", ["", " ", "a" * 129, "编号"])
def test_unusable_keys_are_refused(api, person, key):
    sent = {"Idempotency-Key": key.encode().decode("latin-1")}
    answer = api.post("/auth/register", person.registration(), headers=sent)
    assert problem(answer) == (422, "idempotency_key_invalid")
