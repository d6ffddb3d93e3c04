"""Taking a decision back from the pages: offered while it works, kind when it is too late."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from backoffice.models import Order, OutboxRow, ReviewDecision
from backoffice.workflows.orders import build_engine
from tests.admin.desk import Desk, shown_in
from tests.admin.house import House, post, store_pictures
from tests.factories import make_order, make_staff


@pytest.fixture
def window(admin_app, monkeypatch):
    """The application with an undo window of a minute, on a clock the test may turn."""
    ahead = [timedelta(0)]
    engine = build_engine(60, clock=lambda: datetime.now(UTC) + ahead[0])
    monkeypatch.setattr(admin_app.extensions["backoffice"], "engine", engine)

    def turn(seconds: int) -> None:
        ahead[0] = timedelta(seconds=seconds)

    return turn


@pytest.fixture
def queue(house: House) -> list[Order]:
    with house.app.app_context():
        orders = [make_order(house.session, house.batches[0], "pending_review") for _ in range(2)]
        house.session.commit()
        for order in orders:
            store_pictures(house.app, house.session, order)
    return orders


def state_of(house: House, order: Order) -> str:
    house.session.rollback()
    house.session.expire_all()
    return order.state


@pytest.mark.parametrize(
    ("decision", "reasons", "after"), [("approve", [], "approved"), ("reject", ["L01"], "rejected")]
)
def test_a_decision_is_taken_back_and_the_photo_lies_on_the_desk_again(
    house: House, queue, window, decision, reasons, after
):
    desk = Desk(house)
    first, second = desk.open()
    offered = desk.decide(first, decision, *reasons).json["undo"]
    assert [(u["order"], u["decision"]) for u in offered] == [(first.order, decision)]
    assert 50_000 < offered[0]["left_ms"] <= 60_000
    assert state_of(house, queue[0]) == after
    back = desk.call("undo", order=first.order)
    (again,) = shown_in(back.json["cases"][0])
    assert again.order == first.order
    assert again.token != first.token
    assert state_of(house, queue[0]) == "pending_review"
    assert house.session.scalars(select(ReviewDecision)).one().undone_at is not None
    effects = house.session.scalars(
        select(OutboxRow.state).where(
            OutboxRow.order_id == queue[0].id, OutboxRow.effect.like("notify.%ed"),
            OutboxRow.effect != "notify.paid",
        )
    )  # fmt: skip
    assert set(effects) == {"cancelled"}
    assert desk.decide(again).status_code == 200
    assert state_of(house, queue[0]) == "approved"
    assert desk.decide(second).status_code == 200  # what was next is still held


def test_the_last_ten_are_offered_newest_first_and_on_a_new_page_too(house: House, window):
    with house.app.app_context():
        for _ in range(12):
            make_order(house.session, house.batches[0], "pending_review")
        house.session.commit()
    desk = Desk(house)
    decided = []
    for shown in desk.open() + desk.claim(5) + desk.claim(5):
        offered = desk.decide(shown).json["undo"]
        decided.insert(0, shown.order)
    assert len(decided) == 12
    assert [u["order"] for u in offered] == decided[:10]
    assert desk.open() == []
    told = desk.call("heartbeat", tokens=[], first=True).json
    assert [u["order"] for u in told["undo"]] == decided[:10]
    assert "undo" not in desk.call("heartbeat", tokens=[]).json  # a page asks once
    for order in decided[:10]:
        assert desk.call("undo", order=order).status_code == 200


def test_without_a_window_nothing_is_offered(house: House, queue):
    desk = Desk(house)
    first, _ = desk.open()
    assert desk.decide(first).json["undo"] == []
    late = desk.call("undo", order=first.order)
    assert late.status_code == 409
    assert "撤回时间已过" in late.json["detail"]
    assert state_of(house, queue[0]) == "approved"


def test_too_late_is_said_kindly(house: House, queue, window):
    desk = Desk(house)
    first, _ = desk.open()
    desk.decide(first)
    window(60)
    late = desk.call("undo", order=first.order)
    assert (late.status_code, late.json["code"]) == (409, "undo_too_late")
    assert state_of(house, queue[0]) == "approved"


def test_pressed_twice_it_is_taken_back_once(house: House, queue, window):
    desk = Desk(house)
    first, _ = desk.open()
    desk.decide(first)
    assert [desk.call("undo", order=first.order).status_code for _ in range(2)] == [200, 409]
    assert state_of(house, queue[0]) == "pending_review"


def test_only_who_decided_may_take_it_back(house: House, queue, window):
    mine = Desk(house)
    mine.decide(mine.open()[0])
    other = make_staff(house.session, "reviewer", password=house.staff["reviewer"].password)
    house.session.commit()
    desk = Desk(house, other)
    desk.open()
    assert str(queue[0].id) not in desk.text
    assert "/undo" not in desk.client.get(f"/admin/orders/{queue[0].id}/").text
    assert desk.call("undo", order=str(queue[0].id)).status_code == 409
    assert post(desk.client, f"/admin/orders/{queue[0].id}/undo").status_code == 409
    assert Desk(house, "operator").call("undo", order=str(queue[0].id)).status_code == 403
    assert state_of(house, queue[0]) == "approved"


def test_another_schools_order_is_not_there(house: House, window):
    with house.app.app_context():
        order = make_order(house.session, house.batches[1], "pending_review")
        house.session.commit()
    desk = Desk(house, house.guests["reviewer"])
    assert desk.call("undo", order=str(order.id)).status_code == 404
    assert post(desk.client, f"/admin/orders/{order.id}/undo").status_code == 404


def test_the_orders_page_offers_it_until_the_window_closes(house: House, queue, window):
    desk = Desk(house)
    client = desk.client
    desk.decide(desk.open()[0])
    address = f"/admin/orders/{queue[0].id}/"
    page = client.get(address).text
    assert f'action="{address}undo"' in page
    answer = post(client, f"{address}undo")
    assert answer.status_code == 303
    page = client.get(answer.location).text
    assert "撤回决定" in page  # in the history, beside the decision itself
    assert f'action="{address}undo"' not in page
    assert state_of(house, queue[0]) == "pending_review"
    desk.decide(next(s for s in desk.open() if s.order == str(queue[0].id)))
    window(60)
    assert f'action="{address}undo"' not in client.get(address).text
    late = post(client, f"{address}undo")
    assert late.status_code == 409
    assert "撤回时间已过" in late.text
