"""The desk's filters, and resubmissions that wait for their first reviewer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import update

from backoffice.models import Order, Photo
from backoffice.review.queue import KEPT_FOR
from tests.admin.desk import Desk, orders_of
from tests.admin.house import House
from tests.factories import advance, make_enrolment, make_order, make_student


def test_filters_narrow_the_queue(house: House, queue):
    with house.app.app_context():
        session, batch = house.session, house.batches[0]
        other = make_order(session, house.batches[1], "pending_review")
        student = make_student(session)
        enrolment = make_enrolment(session, batch, student, class_name="数学2301")
        classmate = make_order(session, batch, "pending_review", enrolment=enrolment)
        flagged = session.get(Photo, queue[1].photo_id)
        flagged.checks = [{"code": "glasses", "passed": False, "severity": "warn", "value": 1}]
        session.commit()
        advance(session, queue[2], "reject")
        advance(session, queue[2], "submit")
        session.commit()
    desk = Desk(house)
    first, second, third = (str(o.id) for o in queue)
    same = str(classmate.id)
    batch, elsewhere = house.batches[0].id, house.batches[1]
    for query, expected in (
        ("", {first, second, third, same, str(other.id)}),
        (f"?batch={elsewhere.id}", {str(other.id)}),
        (f"?school={elsewhere.school_id}", {str(other.id)}),
        (f"?batch={batch}&class=数学2301", {same}),
        ("?class=数学2301", {first, second, third, same, str(other.id)}),  # within a batch only
        ("?attempt=again", {third}),
        (f"?attempt=first&batch={batch}", {first, second, same}),
        ("?checks=flagged", {second}),
        (f"?checks=clean&batch={batch}", {first, third, same}),
        ("?age=24", set()),
        ("?batch=nonsense", {first, second, third, same, str(other.id)}),
    ):
        assert set(orders_of(desk.open(query))) == expected, query
    assert orders_of(desk.open("?order=newest"))[0] == third
    house.session.execute(
        update(Order).where(Order.id == queue[0].id)
        .values(entered_at=datetime.now(UTC) - timedelta(hours=25))
    )  # fmt: skip
    house.session.commit()
    assert orders_of(desk.open("?age=24")) == [first]
    assert "没有符合筛选" in Desk(house).client.get("/admin/review/?age=72").text


def test_the_drop_downs_know_what_is_chosen_and_only_their_schools(house: House, queue):
    mine, other = house.batches
    everything = Desk(house).client.get(f"/admin/review/filter?batch={mine.id}&checks=clean").text
    assert f'value="{mine.id}" selected' in everything
    assert 'value="clean" selected' in everything
    assert f'value="{other.id}"' in everything
    bound = Desk(house, house.guests["reviewer"]).client.get("/admin/review/filter").text
    assert f'value="{mine.id}"' in bound
    assert f'value="{other.id}"' not in bound
    assert 'name="school"' not in bound


def test_rejected_by_me_before_is_a_filter(house: House, queue):
    desk, other = Desk(house), Desk(house, house.guests["reviewer"])
    desk.decide(desk.open()[0], "reject", "L01")
    with house.app.app_context():
        advance(house.session, queue[0], "submit")
        house.session.commit()
    assert orders_of(desk.open("?attempt=mine")) == [str(queue[0].id)]
    assert other.open("?attempt=mine") == []


def test_a_resubmission_waits_for_its_first_reviewer_where_the_batch_says_so(house: House, queue):
    from backoffice.models import ReviewRule

    mine, others = Desk(house), Desk(house, house.guests["reviewer"])
    mine.decide(mine.open()[0], "reject", "L01")
    with house.app.app_context():
        advance(house.session, queue[0], "submit")
        house.session.add(ReviewRule(batch_id=queue[0].batch_id, keep_reviewer=True))
        house.session.commit()
    again = str(queue[0].id)
    mine.call("skip", tokens=[s.token for s in mine.open()])
    assert again not in orders_of(others.open())
    others.call("skip", tokens=[s.token for s in others.open()])
    assert again in orders_of(mine.open())
    mine.call("skip", tokens=[s.token for s in mine.open()])
    # not for ever, and not for somebody who has left
    first = house.staff["reviewer"]
    first.active = False
    house.session.commit()
    assert again in orders_of(others.open())
    others.call("skip", tokens=[s.token for s in others.open()])
    first.active = True
    house.session.execute(
        update(Order).where(Order.id == queue[0].id)
        .values(entered_at=datetime.now(UTC) - KEPT_FOR)
    )  # fmt: skip
    house.session.commit()
    assert again in orders_of(others.open())
