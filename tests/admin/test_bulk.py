"""Bulk runs from the pages: started once, worked by the worker, told order by order."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from backoffice.admin.answers import reason_of
from backoffice.errors import BackofficeError
from backoffice.models import AccessRecord, BulkItem, BulkRun, OrderEvent, OutboxRow
from tests.admin.house import House, post
from tests.factories import make_order, make_staff
from worker.jobs import run as run_job


def start(client, orders, transition="start_processing", **data):
    ids = [str(getattr(o, "id", o)) for o in orders]
    return post(client, "/admin/bulk/start", transition=transition, order=ids, **data)


def runs(house: House) -> list[BulkRun]:
    house.session.rollback()
    return list(house.session.scalars(select(BulkRun).order_by(BulkRun.created_at)))


def work(house: House) -> None:
    """Let the worker take every run that waits."""
    with house.app.app_context():
        rows = house.session.scalars(
            select(OutboxRow).where(OutboxRow.effect == "bulk.run", OutboxRow.state == "waiting")
        ).all()
        for row in rows:
            row.state = "published"
        house.session.commit()
        for row in rows:
            run_job(str(row.id))
    house.session.rollback()
    house.session.expire_all()


def test_production_starts_in_a_run_with_a_result_per_order(busy_house: House):
    house = busy_house
    client = house.client("operator")
    good, late = house.orders["approved"], house.orders["paid"]
    answer = start(client, [good, late])
    assert answer.status_code == 303
    page = client.get(answer.location).text
    assert "成功 0，未执行 0，剩余 2" in page
    assert 'data-refresh="' in page
    assert 'http-equiv="refresh"' in page  # without scripts it reloads
    work(house)
    page = client.get(answer.location).text
    assert "成功 1，未执行 1，剩余 0" in page
    assert "当前状态不允许此操作" in page
    assert "refresh" not in page.split("<main")[0]
    assert 'data-refresh="' not in page
    assert page.index(late.number) < page.index(good.number)  # refused ones on top
    assert (good.state, late.state) == ("processing", "paid")
    english = post(client, "/admin/language", locale="en", back=answer.location)
    assert "Not allowed in this state" in client.get(english.location).text


def test_fulfilment_offers_runs_and_their_key_makes_a_double_click_one_run(busy_house: House):
    house = busy_house
    client = house.client("operator")
    page = client.get("/admin/fulfilment/").text
    assert 'action="/admin/bulk/start"' in page
    key = re.search(r'name="key" value="([^"]+)"', page).group(1)
    places = {start(client, [house.orders["approved"]], key=key).location for _ in range(2)}
    assert len(places) == 1
    assert len(runs(house)) == 1
    other = start(client, [house.orders["approved"]], key="another")
    assert other.location not in places


def test_the_list_asks_before_it_runs_and_the_note_reaches_every_order(busy_house: House):
    house = busy_house
    client = house.client("finance")
    chosen = [house.orders["approved"], house.orders["rejected"], house.orders["completed"]]
    assert 'form="bulk"' in client.get("/admin/orders/").text
    asked = post(client, "/admin/bulk/new", transition="request_refund",
                 order=[str(o.id) for o in chosen])  # fmt: skip
    assert "3 个订单" in asked.text
    assert "其中 2 个现在可以执行" in asked.text
    assert 'name="note"' in asked.text
    assert runs(house) == []
    answer = start(client, chosen, "request_refund", note="批次取消")
    work(house)
    assert "成功 2，未执行 1" in client.get(answer.location).text
    assert [o.state for o in chosen] == ["refunding", "refunding", "completed"]
    notes = set(
        house.session.scalars(
            select(OrderEvent.note).where(OrderEvent.transition == "request_refund",
                                          OrderEvent.order_id.in_([o.id for o in chosen]))
        )
    )  # fmt: skip
    assert notes == {"批次取消"}


def test_starting_is_recorded(busy_house: House):
    start(busy_house.client("operator"), [busy_house.orders["approved"]])
    found = busy_house.session.scalars(
        select(AccessRecord).where(AccessRecord.action == "bulk:start")
    ).one()
    assert found.staff_id == busy_house.staff["operator"].id
    assert found.data == {"transition": "start_processing", "orders": 1}


@pytest.mark.parametrize("name", ["new", "start"])
@pytest.mark.parametrize(
    ("role", "transition", "status"),
    [
        ("operator", "request_refund", 403),
        ("finance", "start_processing", 403),
        ("admin", "start_processing", 403),
        ("operator", "ship", 404),
        ("operator", "approve", 404),
        ("operator", "", 404),
        ("reviewer", "start_processing", 403),
        ("school", "start_processing", 403),
    ],
)
def test_what_a_role_may_not_do_alone_it_may_not_start(
    busy_house: House, name: str, role: str, transition: str, status: int
):
    answer = post(busy_house.client(role), f"/admin/bulk/{name}", transition=transition,
                  order=str(busy_house.orders["approved"].id))  # fmt: skip
    assert answer.status_code == status
    assert runs(busy_house) == []


@pytest.mark.parametrize("name", ["new", "start"])
def test_another_schools_orders_cannot_be_put_into_a_run(busy_house: House, name: str):
    house = busy_house
    client = house.client(house.guests["operator"])
    answer = post(client, f"/admin/bulk/{name}", transition="start_processing",
                  order=[str(house.orders["approved"].id), str(house.foreign["approved"].id)])  # fmt: skip
    assert answer.status_code == 404
    assert house.foreign["approved"].number not in answer.text
    assert runs(house) == []


@pytest.mark.parametrize("order", ["x", "00000000-0000-7000-8000-000000000000"])
def test_an_order_that_is_none_starts_nothing(busy_house: House, order: str):
    answer = start(busy_house.client("operator"), [busy_house.orders["approved"], order])
    assert answer.status_code == 404
    assert runs(busy_house) == []


def test_nothing_chosen_starts_nothing(busy_house: House):
    client = busy_house.client("operator")
    for name in ("new", "start"):
        answer = post(client, f"/admin/bulk/{name}", transition="start_processing")
        assert answer.status_code == 303
        assert "选择订单" in client.get(answer.location).text
    assert runs(busy_house) == []


def test_too_many_orders_are_refused(busy_house: House):
    from uuid import uuid4

    ids = [str(uuid4()) for _ in range(1001)]
    answer = start(busy_house.client("operator"), ids)
    assert answer.status_code == 422
    assert "一次最多 1000 个订单" in answer.text


def test_runs_are_ones_own_and_an_administrators_to_see(busy_house: House):
    house = busy_house
    place = start(house.client("operator"), [house.orders["approved"]]).location
    other = make_staff(house.session, "operator", password=house.staff["operator"].password)
    house.session.commit()
    for who, status in (
        ("operator", 200), ("admin", 200), ("finance", 404), (other, 404),
        (house.guests["admin"], 404), (house.guests["operator"], 404), ("reviewer", 403),
    ):  # fmt: skip
        client = house.client(who)
        assert client.get(place).status_code == status
        if status != 403:
            assert (place in client.get("/admin/bulk/").text) == (status == 200)


def test_a_starter_bound_to_a_school_since_no_longer_sees_its_foreign_orders(busy_house: House):
    house = busy_house
    place = start(house.client("operator"), [house.orders["approved"], house.foreign["approved"]])
    house.staff["operator"].school_id = house.schools[0].id
    house.session.commit()
    page = house.client("operator").get(place.location).text
    assert house.orders["approved"].number in page
    assert house.foreign["approved"].number not in page


def test_a_stopped_run_says_so_and_goes_on_when_it_is_replayed(busy_house: House):
    house = busy_house
    client, admin = house.client("operator"), house.client("admin")
    place = start(client, [house.orders["approved"]]).location
    row = house.session.scalars(select(OutboxRow).where(OutboxRow.effect == "bulk.run")).one()
    row.state, row.tries, row.last_error = "dead", 8, "ZeroDivisionError"
    house.session.commit()
    page = client.get(place).text
    assert "任务多次失败后已停止（ZeroDivisionError）" in page
    assert 'data-refresh="' not in page
    dead = admin.get("/admin/outbox/?state=dead").text
    for shown in ("bulk.run", ">8<", "ZeroDivisionError", "刚刚", f"/admin/outbox/{row.id}/replay"):
        assert shown in dead
    assert post(admin, f"/admin/outbox/{row.id}/replay").status_code == 303
    work(house)
    assert "成功 1，未执行 0，剩余 0" in client.get(place).text
    assert house.session.get_one(OutboxRow, row.id).state == "done"
    replayed = house.session.scalars(
        select(AccessRecord).where(AccessRecord.action == "outbox:replay")
    ).one()
    assert (replayed.staff_id, replayed.subject_id) == (house.staff["admin"].id, str(row.id))


def test_the_outbox_lists_rows_of_every_state(busy_house: House):
    rows = busy_house.session.scalars(select(OutboxRow).limit(5)).all()
    states = ("waiting", "published", "done", "dead", "cancelled")
    for row, state in zip(rows, states, strict=True):
        row.state = state
    busy_house.session.commit()
    client = busy_house.client("admin")
    assert client.get("/admin/outbox/").status_code == 200
    for state in states:
        assert client.get(f"/admin/outbox/?state={state}").status_code == 200


def test_many_orders_in_one_run(house: House):
    with house.app.app_context():
        orders = [make_order(house.session, house.batches[0], "approved") for _ in range(60)]
        house.session.commit()
    client = house.client("operator")
    place = start(client, orders).location
    work(house)
    assert "成功 60，未执行 0" in client.get(place).text
    assert {i.outcome for i in house.session.scalars(select(BulkItem))} == {"moved"}


def test_every_refusal_has_words(admin_app):
    with admin_app.app_context():
        kinds = [BackofficeError]
        while kinds:
            kind = kinds.pop()
            kinds += kind.__subclasses__()
            said = reason_of(kind.code)
            assert said
            assert "{" not in said
        assert "系统故障" in reason_of("internal_error")
        assert reason_of("code_of_a_removed_error") == "code_of_a_removed_error"
