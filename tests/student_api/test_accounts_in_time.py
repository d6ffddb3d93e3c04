"""What time does to an account: first passwords expire, texts change, tries are counted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from limits import RateLimitItemPerHour, RateLimitItemPerMinute
from sqlalchemy import delete, update

from backoffice.models import Student, StudentConsent
from backoffice.retention.erasure import erase, waiting_requests
from backoffice.services import services
from student_api import limits
from student_api.operations import OPERATIONS
from tests.student_api.conftest import (
    Api,
    another_person,
    code_for,
    identified,
    jpeg,
    list_person,
    ordered,
    paid,
    signed_in,
)
from tests.student_api.test_sign_in import problem


def make_older(committed, hours):
    with committed() as session:
        session.execute(
            update(Student).values(created_at=datetime.now(UTC) - timedelta(hours=hours))
        )
        session.commit()


def test_a_first_password_lasts_a_day_and_then_must_be_changed(client, api, person, committed):
    student = signed_in(client, person)
    login = {"login": person.phone, "password": person.id_number[-6:]}
    assert student.get("/orders").status_code == 200
    make_older(committed, 25)
    tokens = api.post("/auth/login", login).get_json()
    assert tokens["student"]["must_change_password"] is True
    limited = Api(client, {"Authorization": f"Bearer {tokens['access_token']}"})
    for declared in OPERATIONS:
        if not declared.auth or declared.first_password:
            continue
        path = declared.path.replace("{", "").replace("}", "")
        answer = limited.call(declared.method, path)
        assert problem(answer) == (403, "password_change_required"), path
    assert limited.get("/me").status_code == 200
    changed = limited.post(
        "/auth/password",
        {"current_password": login["password"], "new_password": "correct horse"},
    )
    assert changed.status_code == 200
    free = Api(client, {"Authorization": f"Bearer {changed.get_json()['access_token']}"})
    assert free.get("/orders").status_code == 200


def test_a_password_of_ones_own_does_not_expire(client, person, committed):
    student = signed_in(client, person, password="correct horse")
    make_older(committed, 1000)
    assert student.get("/orders").status_code == 200


def test_sign_out_is_possible_with_an_expired_first_password(client, person, committed):
    student = signed_in(client, person)
    make_older(committed, 25)
    assert student.post("/auth/logout").status_code == 200


@pytest.mark.parametrize("kind", ["terms", "privacy", "portrait"])
def test_nothing_is_taken_without_every_consent(student, settings, committed, batch, person, kind):
    enrolment = identified(student, settings, committed, batch, person)
    order = ordered(student, enrolment)
    paid(student, order)
    with committed() as session:
        version = session.scalars(
            delete(StudentConsent)
            .where(StudentConsent.kind == kind)
            .returning(StudentConsent.version)
        ).one()
        session.commit()
    body = {"enrolment_id": enrolment, "services": ["portrait"], "delivery": {"method": "digital"}}
    assert problem(student.post("/orders", body)) == (422, "consent_required")
    path = f"/orders/{order['id']}"
    assert problem(student.upload(f"{path}/photos", jpeg())) == (422, "consent_required")
    begun = student.post(f"{path}/uploads", {"source": "camera", "total_bytes": 5})
    assert problem(begun) == (422, "consent_required")
    assert student.get(f"{path}").get_json()["order"]["photo"] is None
    assert student.post("/me/consents", {kind: version}).status_code == 200
    assert student.upload(f"{path}/photos", jpeg()).status_code == 202


def test_a_text_that_changed_is_agreed_to_again(student, committed):
    with committed() as session:
        session.execute(
            update(StudentConsent).where(StudentConsent.kind == "privacy").values(version="2001")
        )
        session.commit()
    given = {i["kind"]: i for i in student.get("/me/consents").get_json()["items"]}
    assert given["privacy"]["in_force"] is False
    assert given["terms"]["in_force"] is True
    old = student.post("/me/consents", {"privacy": "2001"})
    assert problem(old) == (422, "consent_outdated")
    current = given["terms"]["version"]
    for _ in range(2):
        assert student.post("/me/consents", {"privacy": current}).status_code == 200
    kinds = [i["kind"] for i in student.get("/me/consents").get_json()["items"]]
    assert sorted(kinds) == ["portrait", "privacy", "privacy", "terms"]


def test_a_loop_gone_wild_is_slowed_down(student, monkeypatch):
    slow = limits.Rule("any-account", RateLimitItemPerMinute(5), moving=False)
    monkeypatch.setattr("student_api.operations.ANY_ACCOUNT", slow)
    answers = [student.get("/me") for _ in range(12)]
    stopped = [a for a in answers if a.status_code == 429]
    assert len(answers) - len(stopped) in range(5, 11)  # the minute on the clock may change once
    assert problem(stopped[0]) == (429, "too_many_requests")
    assert 1 <= int(stopped[0].headers["Retry-After"]) <= 61


def test_guesses_spread_over_accounts_and_addresses_meet_at_the_school(
    client, settings, committed, batch, person, monkeypatch
):
    rule = limits.Rule("identify-school", RateLimitItemPerHour(3))
    monkeypatch.setattr("student_api.calls.enrolments.IDENTIFY_SCHOOL", rule)
    entry = list_person(committed, batch, person)
    wrong = {"id_last4": "0000", "capture_code": code_for(settings, batch, person, "1")}
    path = f"/batches/{batch.feature_code}/identify"
    for number in range(3):
        guesser = signed_in(client, another_person(), address=f"203.0.113.{number}")
        assert problem(guesser.post(path, wrong)) == (404, "not_on_roster")
    right = {
        "id_last4": person.id_number[-4:],
        "capture_code": code_for(settings, batch, person, entry.student_no),
    }
    last = signed_in(client, person, address="203.0.113.77").post(path, right)
    assert problem(last) == (429, "too_many_requests")
    assert "Retry-After" in last.headers


def test_uploads_are_counted_for_the_school(
    student, settings, committed, batch, person, monkeypatch
):
    rule = limits.Rule("upload-school", RateLimitItemPerHour(1))
    monkeypatch.setattr("student_api.calls.photos.UPLOAD_SCHOOL", rule)
    order = ordered(student, identified(student, settings, committed, batch, person))
    paid(student, order)
    path = f"/orders/{order['id']}/photos"
    assert student.upload(path, jpeg()).status_code == 202
    stopped = student.upload(path, jpeg(colour=(1, 2, 3)))
    assert problem(stopped) == (429, "too_many_requests")


def test_an_erased_account_is_gone_and_the_person_may_register_anew(
    app, client, api, person, committed, settings, batch
):
    student = signed_in(client, person)
    enrolment = identified(student, settings, committed, batch, person)
    order = ordered(student, enrolment)
    assert student.post(f"/orders/{order['id']}/cancel").status_code == 200
    asked = student.delete("/me")
    assert (asked.status_code, asked.get_json()["status"]) == (202, "erasure_requested")
    assert student.get("/orders").status_code == 200  # it works until it is done
    with committed() as session, app.app_context():
        [waiting] = waiting_requests(session, 10)
        erase(session, services().storage, waiting.student.id)
        session.commit()
    assert problem(student.get("/me")) == (401, "token_invalid")
    for login in (person.id_number, person.phone):
        refused = api.post("/auth/login", {"login": login, "password": person.id_number[-6:]})
        assert problem(refused) == (401, "invalid_credentials")
    again = signed_in(client, person)
    assert again.get("/orders").get_json()["items"] == []
    assert problem(again.get(f"/orders/{order['id']}")) == (404, "order_not_found")
