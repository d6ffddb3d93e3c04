"""Tickets and requests: read, answered, settled; each school its own."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from backoffice.accounts.errors import TicketClosed
from backoffice.accounts.tickets import ANSWERED, add_student_message, open_ticket
from backoffice.models import (
    AccessRecord,
    Enrolment,
    EnrolmentRequest,
    Message,
    OutboxRow,
    Ticket,
    TicketMessage,
)
from tests.admin.house import House, post
from worker.jobs import run


def asked(house: House, order, about: bool = True) -> Ticket:
    ticket = open_ticket(
        house.session, order.student, "照片一直在处理", "请帮忙看看", order.id if about else None
    )
    house.session.commit()
    return ticket


@pytest.mark.parametrize("about", [True, False])
def test_a_school_sees_the_questions_of_its_own_students(busy_house: House, about: bool):
    own = asked(busy_house, busy_house.orders["paid"], about)
    foreign = asked(busy_house, busy_house.foreign["paid"], about)
    client = busy_house.client("school")
    page = client.get("/admin/tickets/").text
    assert str(own.id) in page
    assert str(foreign.id) not in page
    assert client.get(f"/admin/tickets/{own.id}/").status_code == 200
    for path in ("", "answer", "close"):
        url = f"/admin/tickets/{foreign.id}/{path}"
        answer = post(client, url, body="x") if path else client.get(url)
        assert answer.status_code == 404, path
    assert busy_house.client("admin").get(f"/admin/tickets/{foreign.id}/").status_code == 200


def test_an_answer_reaches_the_student_and_closing_ends_it(busy_house: House):
    house = busy_house
    ticket = asked(house, house.orders["paid"])
    client = house.client("operator")
    url = f"/admin/tickets/{ticket.id}/answer"
    assert post(client, url, body="  ").status_code == 422
    assert post(client, url, body="<b>已处理</b>").status_code == 303
    house.session.expire_all()
    assert ticket.state == "answered"
    assert [m.author for m in ticket.messages] == ["student", "staff"]
    assert ticket.messages[1].staff_id == house.staff["operator"].id
    page = client.get(f"/admin/tickets/{ticket.id}/").text
    assert "&lt;b&gt;已处理" in page
    add_student_message(house.session, ticket, "谢谢")
    house.session.commit()
    assert ticket.state == "open"
    assert post(client, url, body="不客气", close="1").status_code == 303
    house.session.expire_all()
    assert ticket.state == "closed"
    assert post(client, url, body="还有").status_code == 422
    with pytest.raises(TicketClosed):
        add_student_message(house.session, ticket, "再问")
    raw = house.session.connection().exec_driver_sql("SELECT body::text FROM ticket_messages")
    assert all("已处理" not in row[0] for row in raw)


@pytest.mark.parametrize(("about", "email"), [(True, None), (False, "s@example.com")])
def test_the_student_is_told_once_that_an_answer_waits(busy_house: House, about: bool, email):
    house, order = busy_house, busy_house.orders["paid"]
    order.student.email, order.student.locale = email, "en"
    ticket = asked(house, order, about)
    post(house.client("operator"), f"/admin/tickets/{ticket.id}/answer", body="换个浏览器再试")
    row = house.session.scalars(select(OutboxRow).where(OutboxRow.effect == ANSWERED)).one()
    with house.app.app_context():
        for _ in range(2):  # a job that runs twice sends once
            row.state = "published"
            house.session.commit()
            run(str(row.id))
            house.session.rollback()
    told = house.session.scalars(
        select(Message).where(Message.student_id == order.student_id)
    ).all()
    assert {m.channel for m in told} == ({"sms", "email"} if email else {"sms"})
    assert len(told) == (2 if email else 1)
    for message in told:
        assert message.status == "sent"
        assert "answered" in message.body
        assert "浏览器" not in message.body
        assert message.order_id == (order.id if about else None)


def test_nobody_is_told_whose_account_is_to_be_erased(busy_house: House):
    house, order = busy_house, busy_house.orders["paid"]
    ticket = asked(house, order)
    order.student.erasure_requested_at = datetime.now(UTC)
    house.session.commit()
    post(house.client("operator"), f"/admin/tickets/{ticket.id}/answer", body="好")
    row = house.session.scalars(select(OutboxRow).where(OutboxRow.effect == ANSWERED)).one()
    row.state = "published"
    house.session.commit()
    with house.app.app_context():
        run(str(row.id))
    house.session.expire_all()
    assert row.state == "done"
    assert house.session.scalars(select(Message)).all() == []


def requested(house: House, order, kind: str = "correction") -> EnrolmentRequest:
    row = EnrolmentRequest(
        kind=kind,
        enrolment_id=order.enrolment_id,
        student_id=order.student_id,
        details={"changes": {"class_name": "新班级9"}, "note": "班级写错了"},
    )
    house.session.add(row)
    house.session.commit()
    return row


def test_a_correction_is_shown_accepted_and_written(busy_house: House):
    house = busy_house
    row = requested(house, house.orders["paid"])
    foreign = requested(house, house.foreign["paid"])
    client = house.client("school")
    page = client.get("/admin/requests/").text
    assert "新班级9" in page
    assert str(foreign.id) not in page
    assert (
        post(client, f"/admin/requests/{foreign.id}/decide", decision="accept").status_code == 404
    )
    post(client, f"/admin/requests/{row.id}/decide", decision="accept")
    house.session.expire_all()
    assert (row.state, row.decided_by) == ("accepted", house.staff["school"].id)
    assert house.session.get(Enrolment, row.enrolment_id).class_name == "新班级9"
    assert foreign.state == "open"


def test_a_refusal_needs_its_reason(busy_house: House):
    row = requested(busy_house, busy_house.orders["paid"])
    client = busy_house.client("school")
    post(client, f"/admin/requests/{row.id}/decide", decision="refuse")
    busy_house.session.expire_all()
    assert row.state == "open"
    post(client, f"/admin/requests/{row.id}/decide", decision="refuse", answer="请到学院核实")
    busy_house.session.expire_all()
    assert (row.state, row.answer) == ("refused", "请到学院核实")
    messages = busy_house.session.scalars(select(TicketMessage)).all()
    assert messages == []


def test_an_account_is_erased_by_the_house_when_nothing_is_under_way(busy_house: House):
    house = busy_house
    waiting, done = house.orders["paid"].student, house.orders["closed"].student
    for student in (waiting, done):
        student.erasure_requested_at = datetime.now(UTC)
    done.name = "欧阳小测"
    house.session.commit()
    client = house.client("admin")
    page = client.get("/admin/requests/").text
    assert "欧**测" in page
    assert "欧阳小测" not in page
    assert f"/admin/requests/erase/{done.id}" in page
    assert f"/admin/requests/erase/{waiting.id}" not in page  # it says what is in the way instead
    refused = post(client, f"/admin/requests/erase/{waiting.id}")
    assert (refused.status_code, "erasure_waits" in refused.text) == (422, True)
    school = house.client("school")
    assert "/erase/" not in school.get("/admin/requests/").text
    assert post(school, f"/admin/requests/erase/{done.id}").status_code == 403
    assert post(client, f"/admin/requests/erase/{done.id}").status_code == 303
    house.session.expire_all()
    assert (done.name, done.active, waiting.name is not None) == (None, False, True)
    assert post(client, f"/admin/requests/erase/{done.id}").status_code == 404
    records = house.session.scalars(
        select(AccessRecord).where(AccessRecord.action == "student:erase")
    ).all()
    assert [(r.subject_id, r.staff_id) for r in records] == [
        (str(done.id), house.staff["admin"].id)
    ]
