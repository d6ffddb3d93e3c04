"""Taking a decision back from the pages: offered while it works, kind when it is too late."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from backoffice.models import Order, OutboxRow, ReviewDecision
from backoffice.workflows.orders import build_engine
from tests.admin.house import House, post, store_pictures
from tests.admin.test_review import decide, shown
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


def undo(client, order: Order, **data):
    return post(client, "/admin/review/undo", decided=str(order.id), **data)


@pytest.mark.parametrize(
    ("decision", "said", "after"),
    [("approve", "已通过", "approved"), ("reject", "已驳回", "rejected")],
)
def test_the_desk_offers_to_take_the_last_decision_back(
    house: House, queue, window, decision, said, after
):
    client = house.client("reviewer")
    answer = decide(client, queue[0], decision, reasons=["L01"] if decision == "reject" else [])
    page = client.get(answer.location).text
    assert said in page
    assert 'id="undo"' in page
    assert shown(page) == str(queue[1].id)
    assert state_of(house, queue[0]) == after
    back = undo(client, queue[0])
    assert back.status_code == 303
    page = client.get(back.location).text
    assert "已撤回" in page
    assert shown(page) == str(queue[0].id)  # the same photo is on the desk again
    assert state_of(house, queue[0]) == "pending_review"
    assert house.session.scalars(select(ReviewDecision)).one().undone_at is not None
    effects = house.session.scalars(
        select(OutboxRow.state).where(
            OutboxRow.order_id == queue[0].id, OutboxRow.effect.like("notify.%ed"),
            OutboxRow.effect != "notify.paid",
        )
    )  # fmt: skip
    assert set(effects) == {"cancelled"}
    again = decide(client, queue[0], "approve", key="second")
    assert again.status_code == 303
    assert state_of(house, queue[0]) == "approved"


def test_undo_is_offered_when_the_queue_is_empty_too(house: House, queue, window):
    client = house.client("reviewer")
    decide(client, queue[0], "approve")
    page = client.get(decide(client, queue[1], "approve").location).text
    assert "没有待审核的照片" in page
    assert 'id="undo"' in page


def test_the_batch_filter_holds_over_undo(house: House, queue, window):
    client, batch = house.client("reviewer"), str(house.batches[0].id)
    answer = decide(client, queue[0], "approve", batch=batch)
    assert f'name="batch" value="{batch}"' in client.get(answer.location).text
    assert f"batch={batch}" in undo(client, queue[0], batch=batch).location


def test_without_a_window_nothing_is_offered(house: House, queue):
    client = house.client("reviewer")
    page = client.get(decide(client, queue[0], "approve").location).text
    assert "已通过" in page
    assert 'id="undo"' not in page
    late = undo(client, queue[0])
    assert late.status_code == 409
    assert "撤回时间已过" in late.text
    assert state_of(house, queue[0]) == "approved"


def test_too_late_is_said_kindly(house: House, queue, window):
    client = house.client("reviewer")
    place = decide(client, queue[0], "approve").location
    window(60)
    assert 'id="undo"' not in client.get(place).text
    late = undo(client, queue[0])
    assert late.status_code == 409
    assert "撤回时间已过" in late.text
    assert shown(late.text) == str(queue[1].id)
    assert state_of(house, queue[0]) == "approved"


def test_pressed_twice_it_is_taken_back_once(house: House, queue, window):
    client = house.client("reviewer")
    decide(client, queue[0], "approve")
    assert [undo(client, queue[0]).status_code for _ in range(2)] == [303, 409]
    assert state_of(house, queue[0]) == "pending_review"


def test_only_who_decided_may_take_it_back(house: House, queue, window):
    decide(house.client("reviewer"), queue[0], "approve")
    other = make_staff(house.session, "reviewer", password=house.staff["reviewer"].password)
    house.session.commit()
    client = house.client(other)
    for url in (f"/admin/review/?decided={queue[0].id}", f"/admin/orders/{queue[0].id}/"):
        page = client.get(url).text
        assert "/undo" not in page
    assert undo(client, queue[0]).status_code == 409
    assert post(client, f"/admin/orders/{queue[0].id}/undo").status_code == 409
    assert undo(house.client("operator"), queue[0]).status_code == 403
    assert state_of(house, queue[0]) == "approved"


def test_another_schools_order_is_not_there(house: House, window):
    with house.app.app_context():
        order = make_order(house.session, house.batches[1], "pending_review")
        house.session.commit()
    client = house.client(house.guests["reviewer"])
    assert undo(client, order).status_code == 404
    assert post(client, f"/admin/orders/{order.id}/undo").status_code == 404
    assert client.get(f"/admin/review/?decided={order.id}").status_code == 404


def test_the_orders_page_offers_it_until_the_window_closes(house: House, queue, window):
    client = house.client("reviewer")
    decide(client, queue[0], "approve")
    address = f"/admin/orders/{queue[0].id}/"
    page = client.get(address).text
    assert f'action="{address}undo"' in page
    answer = post(client, f"{address}undo")
    assert answer.status_code == 303
    page = client.get(answer.location).text
    assert "撤回决定" in page  # in the history, beside the decision itself
    assert f'action="{address}undo"' not in page
    assert state_of(house, queue[0]) == "pending_review"
    decide(client, queue[0], "approve", key="second")
    window(60)
    assert f'action="{address}undo"' not in client.get(address).text
    late = post(client, f"{address}undo")
    assert late.status_code == 409
    assert "撤回时间已过" in late.text
