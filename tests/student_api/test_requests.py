"""Corrections and contests through the API: what a student sees, and what nobody else does."""

from __future__ import annotations

import pytest

from backoffice.enrolments.requests import accept, open_requests
from tests.factories import make_staff
from tests.student_api.conftest import (
    another_person,
    code_for,
    enrolment_row,
    identified,
    list_person,
    signed_in,
)
from tests.student_api.test_sign_in import problem


@pytest.fixture
def enrolment(student, settings, committed, batch, person):
    return identified(student, settings, committed, batch, person)


def decide(committed, batch):
    with committed() as session:
        clerk = make_staff(session, "school", session.merge(batch).school)
        (request,) = open_requests(session, batch.school_id, 10)
        accept(session, request.id, clerk.id, "已处理。")
        session.commit()


def test_a_correction_goes_to_the_school_and_comes_back(student, enrolment, committed, batch):
    body = {"changes": {"major": "数学", "birth_date": "2004-09-15"}, "note": "专业写错了"}
    asked = student.post(f"/enrolments/{enrolment}/corrections", body)
    assert asked.status_code == 201
    assert asked.get_json()["request"]["changes"] == body["changes"]
    assert enrolment_row(committed, enrolment).major == "软件工程"
    again = student.post(f"/enrolments/{enrolment}/corrections", body)
    assert problem(again) == (409, "request_open")
    decide(committed, batch)
    (shown,) = student.get("/enrolment-requests").get_json()["items"]
    assert (shown["state"], shown["answer"]) == ("accepted", "已处理。")
    assert student.get(f"/enrolments/{enrolment}").get_json()["enrolment"]["major"] == "数学"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"changes": {}}, 422, "nothing_to_correct"),
        ({"changes": {"major": "软件工程"}}, 422, "nothing_to_correct"),
        ({"changes": {"id_number": "1"}}, 422, "invalid_input"),
        ({"changes": {"state": "paid"}}, 422, "invalid_input"),
        ({"changes": {"birth_date": "昨天"}}, 422, "invalid_input"),
        ({"changes": {"phone": "12"}}, 422, "phone_invalid"),
        ({"note": "只有说明"}, 422, "invalid_input"),
    ],
)
def test_corrections_that_are_refused(student, enrolment, body, status, code):
    assert problem(student.post(f"/enrolments/{enrolment}/corrections", body)) == (status, code)
    assert student.get("/enrolment-requests").get_json()["items"] == []


def test_only_the_holder_may_ask_for_a_correction(client, student, enrolment):
    other = signed_in(client, another_person())
    answer = other.post(f"/enrolments/{enrolment}/corrections", {"changes": {"major": "数学"}})
    assert problem(answer) == (404, "enrolment_not_found")
    assert problem(other.get(f"/enrolments/{enrolment}")) == (404, "enrolment_not_found")
    assert other.get("/enrolments").get_json()["items"] == []


def test_a_claimed_entry_is_contested_and_handed_over(client, settings, committed, batch, person):
    entry = list_person(committed, batch, person)
    proof = {
        "id_last4": person.id_number[-4:],
        "capture_code": code_for(settings, batch, person, entry.student_no),
    }
    path = f"/batches/{batch.feature_code}"
    thief = signed_in(client, another_person())
    owner = signed_in(client, person)
    assert problem(owner.post(f"{path}/contest", proof)) == (409, "nothing_to_contest")
    assert thief.post(f"{path}/identify", proof).status_code == 200
    assert problem(owner.post(f"{path}/identify", proof)) == (409, "enrolment_taken")
    contested = owner.post(f"{path}/contest", proof | {"note": "不是我本人绑定的"})
    assert contested.status_code == 201
    # the entry is not the owner's yet, so its id is not told
    assert contested.get_json()["request"]["enrolment_id"] is None
    assert owner.get("/enrolments").get_json()["items"] == []
    decide(committed, batch)
    (mine,) = owner.get("/enrolments").get_json()["items"]
    assert (mine["id"], mine["confirmed_at"]) == (str(entry.id), None)
    assert thief.get("/enrolments").get_json()["items"] == []
    assert thief.get("/enrolment-requests").get_json()["items"] == []


def test_contesting_is_no_way_around_the_ten_tries(client, settings, committed, batch, person):
    list_person(committed, batch, person)
    guesser = signed_in(client, another_person(), address="203.0.113.9")
    wrong = {"id_last4": "0000", "capture_code": code_for(settings, batch, person, "1")}
    path = f"/batches/{batch.feature_code}"
    for number in range(10):
        answer = guesser.post(f"{path}/{'contest' if number % 2 else 'identify'}", wrong)
        assert problem(answer) == (404, "not_on_roster")
    stopped = guesser.post(f"{path}/contest", wrong)
    assert problem(stopped) == (429, "too_many_requests")
    assert int(stopped.headers["Retry-After"]) > 3000
