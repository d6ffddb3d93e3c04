"""What clients ask again and again: ETags, and answers that wait for news."""

from __future__ import annotations

import dataclasses
import threading
import time
import uuid

import pytest

from student_api.operations import OPERATIONS
from student_api.waiting import _places, wait_until
from tests.student_api.conftest import identified, jpeg, judge, ordered, paid
from tests.student_api.test_sign_in import problem


@pytest.fixture
def order(student, settings, committed, batch, person):
    return ordered(student, identified(student, settings, committed, batch, person))


def test_what_clients_poll_has_an_etag(app):
    polled = {declared.path for declared in OPERATIONS if declared.polled}
    assert polled == {
        "/orders/{id}", "/orders/{id}/events", "/orders/{id}/photos/{photo_id}",
        "/batches/{feature_code}", "/consents", "/guides/{kind}", "/layouts",
        "/enrolment-requests",
    }  # fmt: skip


def test_nothing_new_is_304_and_news_are_200(student, order, committed, batch):
    for path in (
        f"/orders/{order['id']}",
        f"/orders/{order['id']}/events",
        f"/batches/{batch.feature_code}",
        "/consents",
        "/guides/shooting",
        "/layouts",
    ):
        first = student.get(path)
        tag = first.headers["ETag"]
        same = student.get(path, headers={"If-None-Match": tag})
        assert (same.status_code, same.data) == (304, b""), path
        assert same.headers["ETag"] == tag
        english = {"If-None-Match": tag, "Accept-Language": "en"}
        if path.startswith(("/orders/", "/consents", "/guides")) and "events" not in path:
            assert student.get(path, headers=english).status_code == 200, path
    tag = student.get(f"/orders/{order['id']}").headers["ETag"]
    paid(student, order)
    moved = student.get(f"/orders/{order['id']}", headers={"If-None-Match": tag})
    assert (moved.status_code, moved.get_json()["order"]["state"]) == (200, "paid")


def test_a_photo_keeps_its_etag_while_nothing_changes(app, student, order, committed):
    paid(student, order)
    photo = student.upload(f"/orders/{order['id']}/photos", jpeg()).get_json()["photo"]
    path = f"/orders/{order['id']}/photos/{photo['id']}"
    # the addresses in it are signed on a grid of times; across a line of the grid they change once
    answers = []
    for _ in range(3):
        tag = student.get(path).headers["ETag"]
        answers.append(student.get(path, headers={"If-None-Match": tag}).status_code)
    assert 304 in answers
    judge(committed, app, photo["id"])
    assert student.get(path, headers={"If-None-Match": tag}).status_code == 200


def test_events_after_a_sequence(student, order):
    path = f"/orders/{order['id']}/events"
    assert student.get(path).get_json()["items"] == []
    student.post(f"/orders/{order['id']}/cancel")
    assert [e["sequence"] for e in student.get(f"{path}?after=0").get_json()["items"]] == [1]
    assert student.get(f"{path}?after=1").get_json()["items"] == []


@pytest.mark.parametrize("query", ["wait=21", "wait=-1", "wait=x", "after=-1", "after=1.5", "x=1"])
def test_bad_waits(student, order, query):
    assert problem(student.get(f"/orders/{order['id']}/events?{query}")) == (422, "invalid_input")


def in_background(app, student, path):
    answers = []

    def ask():
        client = dataclasses.replace(student, client=app.test_client())
        answers.append(client.get(path))

    thread = threading.Thread(target=ask)
    thread.start()
    return thread, answers


def until(condition):
    for _ in range(400):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it did not happen")


def waiting(app):
    with app.app_context():
        return _places()._value < 3


def test_a_waiting_request_is_answered_by_the_move(app, student, order):
    path = f"/orders/{order['id']}/events?after=0&wait=20"
    thread, answers = in_background(app, student, path)
    until(lambda: waiting(app))
    assert answers == []
    student.post(f"/orders/{order['id']}/cancel")
    thread.join(15)
    assert [e["transition"] for e in answers[0].get_json()["items"]] == ["cancel"]


def test_a_photo_can_be_waited_for(app, student, order, committed):
    paid(student, order)
    photo = student.upload(f"/orders/{order['id']}/photos", jpeg()).get_json()["photo"]
    path = f"/orders/{order['id']}/photos/{photo['id']}?wait=20"
    thread, answers = in_background(app, student, path)
    until(lambda: waiting(app))
    judge(committed, app, photo["id"])
    thread.join(15)
    assert answers[0].get_json()["status"] == "passed"


def test_waiters_are_few_and_hold_no_connection(app, student, order):
    """With every place taken the next one is answered at once, empty."""
    with app.app_context():
        places = _places()
        taken = [places.acquire(blocking=False) for _ in range(4)]
        assert taken == [True, True, True, False]
        try:
            answer = student.get(f"/orders/{order['id']}/events?after=0&wait=20")
            assert answer.get_json()["items"] == []
        finally:
            for _ in range(3):
                places.release()


def test_no_connection_is_held_while_waiting(app, session):
    class Spy:
        rolled_back = 0

        def rollback(self):
            self.rolled_back += 1

    spy, looks = Spy(), []
    with app.app_context():
        wait_until(spy, 1, lambda: bool(looks.append(spy.rolled_back)) or len(looks) == 3)
    assert looks == [0, 1, 2]


def test_somebody_elses_order_is_not_waited_for(student):
    answer = student.get(f"/orders/{uuid.uuid4()}/events?wait=20")
    assert problem(answer) == (404, "order_not_found")
