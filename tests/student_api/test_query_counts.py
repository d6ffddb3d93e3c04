"""How many statements a call sends: what clients poll stays cheap, and lists do not grow."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from sqlalchemy import event

from backoffice.accounts.tokens import issue_tokens
from backoffice.db import db
from tests.factories import make_batch, make_order, make_student
from tests.student_api.conftest import Api, code_for, identified, signed_in


@pytest.fixture
def counting(app):
    @contextmanager
    def count():
        sent = []

        def note(connection, cursor, statement, *rest):
            sent.append(statement)

        with app.app_context():
            engine = db.engine
        event.listen(engine, "before_cursor_execute", note)
        try:
            yield sent
        finally:
            event.remove(engine, "before_cursor_execute", note)

    return count


@pytest.fixture
def somebody(client, committed, settings):
    """Return a student's Api with an order in each of the given states."""

    def with_orders(*states):
        with committed() as session:
            student = make_student(session)
            ids = [
                str(make_order(session, make_batch(session), state, student=student).id)
                for state in states
            ]
            token = issue_tokens(session, student, settings).access_token
            session.commit()
        return Api(client, {"Authorization": f"Bearer {token}"}), ids

    return with_orders


@pytest.mark.parametrize(
    ("state", "most"), [("draft", 4), ("paid", 4), ("rejected", 5), ("shipped", 7)]
)
def test_one_order_is_a_handful_of_statements(somebody, counting, state, most):
    """Sign-in, order, pictures with decisions, money; then reasons, parcel, services if any."""
    api, (order,) = somebody(state)
    with counting() as sent:
        assert api.get(f"/orders/{order}").get_json()["order"]["state"] == state
    assert len(sent) <= most, sent


def test_a_longer_list_sends_no_more_statements(somebody, counting):
    counts = []
    for states in (["paid", "rejected", "shipped"], ["paid", "rejected", "shipped"] * 3):
        api, _ = somebody(*states)
        with counting() as sent:
            assert len(api.get("/orders?limit=50").get_json()["items"]) == len(states)
        counts.append(len(sent))
    assert counts[0] == counts[1]


def test_identifying_again_writes_nothing(client, settings, committed, batch, person, counting):
    student = signed_in(client, person)
    identified(student, settings, committed, batch, person)
    [place] = student.get("/enrolments").get_json()["items"]
    claim = {
        "id_last4": person.id_number[-4:],
        "capture_code": code_for(settings, batch, person, place["student_no"]),
    }
    path = f"/batches/{batch.feature_code}/identify"
    assert student.post(path, claim).status_code == 200
    with counting() as sent:
        assert student.post(path, claim).get_json()["enrolment"]["id"] == place["id"]
    assert len(sent) <= 5, sent
    assert not [statement for statement in sent if "FOR UPDATE" in statement]
