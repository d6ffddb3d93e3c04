"""Buttons are what the engine allows, and nothing else moves an order."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from backoffice.admin.language import span
from backoffice.models import Order, OrderEvent, Refund, Shipment
from backoffice.services import services
from tests.admin.house import ROLES, STATES, House, post, token_of
from tests.factories import actor_for, advance, make_order

OFFERED = re.compile(r'name="transition" value="(\w+)"')


def events_of(house: House, order: Order) -> int:
    return house.session.scalar(
        select(func.count()).select_from(OrderEvent).where(OrderEvent.order_id == order.id)
    )


def fire(client, order: Order, name: str, **data):
    return post(
        client,
        f"/admin/orders/{order.id}/fire",
        transition=name,
        version=data.pop("version", order.version),
        **data,
    )


@pytest.mark.parametrize("role", ROLES)
def test_the_buttons_are_exactly_what_the_engine_allows(busy_house: House, role: str):
    house = busy_house
    client = house.client(role)
    some = False
    with house.app.app_context():
        for state in STATES:
            order = house.orders[state]
            allowed = services().engine.allowed(house.session, order, actor_for(house.staff[role]))
            shown = OFFERED.findall(client.get(f"/admin/orders/{order.id}/").text)
            assert shown == [t.name for t in allowed], state
            some = some or bool(shown)
    assert some == (role in ("reviewer", "operator", "finance"))


def test_a_button_moves_the_order_once(busy_house: House):
    order = busy_house.orders["approved"]
    answer = fire(busy_house.client("operator"), order, "start_processing")
    assert answer.status_code == 303
    busy_house.session.expire_all()
    assert order.state == "processing"


def test_shipping_asks_for_carrier_and_number(busy_house: House):
    house, order = busy_house, busy_house.orders["processing"]
    client = house.client("operator")
    refused = fire(client, order, "ship")
    assert refused.status_code == 422
    assert "快递公司" in refused.text
    fire(client, order, "ship", carrier="顺丰速运", tracking_no="SF1")
    house.session.expire_all()
    assert order.state == "shipped"
    assert house.session.scalars(
        select(Shipment.tracking_no).where(Shipment.order_id == order.id)
    ).one() == "SF1"  # fmt: skip


def test_finance_asks_for_a_refund_with_a_note(busy_house: House):
    order = busy_house.orders["approved"]
    fire(busy_house.client("finance"), order, "request_refund", note="重复下单")
    busy_house.session.expire_all()
    assert order.state == "refunding"
    refund = busy_house.session.scalars(select(Refund).where(Refund.order_id == order.id)).one()
    assert refund.reason == "重复下单"


@pytest.mark.parametrize(
    ("role", "state", "name", "status"),
    [
        ("operator", "approved", "approve", 403),
        ("admin", "pending_review", "approve", 403),
        ("school", "pending_review", "approve", 403),
        ("operator", "draft", "pay", 403),
        ("operator", "draft", "start_processing", 409),
        ("finance", "completed", "request_refund", 409),
        ("operator", "approved", "no_such_transition", 409),
        ("operator", "approved", "", 409),
    ],
)
def test_what_is_not_offered_is_refused_and_changes_nothing(
    busy_house: House, role: str, state: str, name: str, status: int
):
    order = busy_house.orders[state]
    before = events_of(busy_house, order)
    assert fire(busy_house.client(role), order, name).status_code == status
    busy_house.session.expire_all()
    assert order.state == state
    assert events_of(busy_house, order) == before


@pytest.mark.parametrize("version", ["0", "", "x"])
def test_a_stale_page_changes_nothing(busy_house: House, version: str):
    order = busy_house.orders["approved"]
    answer = fire(busy_house.client("operator"), order, "start_processing", version=version)
    assert answer.status_code == 409
    busy_house.session.expire_all()
    assert order.state == "approved"


def test_a_double_click_is_one_move(busy_house: House):
    house, order = busy_house, busy_house.orders["approved"]
    client, version = house.client("operator"), busy_house.orders["approved"].version
    for _ in range(2):
        answer = fire(client, order, "start_processing", version=version, key="k1")
        assert answer.status_code == 303
    house.session.expire_all()
    assert order.version == version + 1


@pytest.mark.parametrize("token", [None, "", "forged"])
def test_a_form_without_this_sessions_token_is_refused(busy_house: House, token: str | None):
    order = busy_house.orders["approved"]
    client = busy_house.client("operator")
    data = {"transition": "start_processing", "version": order.version}
    if token is not None:
        data["csrf_token"] = token
    answer = client.post(f"/admin/orders/{order.id}/fire", data=data)
    assert answer.status_code == 400
    assert "csrf_failed" in answer.text
    busy_house.session.expire_all()
    assert order.state == "approved"


def test_every_post_address_wants_a_token(admin_app, house: House):
    client = house.client("admin")
    for rule in admin_app.url_map.iter_rules():
        if not rule.rule.startswith("/admin") or "POST" not in rule.methods:
            continue
        path = re.sub(r"<[^>]*>", "00000000-0000-7000-8000-000000000000", rule.rule)
        assert client.post(path, data={"x": "y"}).status_code == 400, rule.rule


def test_state_is_in_no_form(busy_house: House):
    """Posting a state to every address of the orders room moves nothing."""
    house, order = busy_house, busy_house.orders["paid"]
    client = house.client("admin")
    token = token_of(client)
    tried = [r for r in house.app.url_map.iter_rules() if r.endpoint.startswith("orders.")]
    for rule in tried:
        path = re.sub(r"<[^>]*>", str(order.id), rule.rule)
        client.post(f"{path}?id={order.id}",
                    data={"csrf_token": token, "state": "completed", "version": order.version})  # fmt: skip
    assert len(tried) >= 5
    house.session.expire_all()
    assert house.session.get(Order, order.id).state == "paid"


def test_the_timeline_tells_how_long_each_state_lasted(house: House):
    from backoffice.workflows.orders import build_engine

    start = datetime.now(UTC) - timedelta(hours=30)
    clock = [start]
    with house.app.app_context():
        engine = build_engine(clock=lambda: clock[0])
        order = make_order(house.session, house.batches[0], engine=engine, created_at=start)
        for wait, name in ((90, "pay"), (7500, "submit"), (93600, "approve")):
            clock[0] += timedelta(seconds=wait)
            advance(house.session, order, name, engine)
        house.session.commit()
    text = house.client("admin").get(f"/admin/orders/{order.id}/").text
    lines = [" ".join(s.split()) for s in re.findall(r'"stayed[^>]*>([^<]*)<', text)]
    assert lines[1:] == ["待审核 1 天 2 小时", "待提交照片 2 小时 5 分", "待支付 1 分 30 秒"]
    assert re.fullmatch(r"待处理 1 小时 5\d 分，进行中", lines[0])
    assert "reviewer" in text  # who approved


def test_a_finished_order_does_not_go_on_ageing(busy_house: House):
    for state, running in (("completed", 0), ("closed", 0), ("shipped", 1), ("draft", 1)):
        page = busy_house.client("admin").get(f"/admin/orders/{busy_house.orders[state].id}/").text
        assert page.count("，进行中") == running, state


@pytest.mark.parametrize(
    ("seconds", "zh"),
    [
        (None, "—"),
        (0, "0 秒"),
        (-3, "0 秒"),
        (59.4, "59 秒"),
        (59.6, "1 分"),
        (61, "1 分 1 秒"),
        (3600, "1 小时"),
        (3660, "1 小时 1 分"),
        (86399, "23 小时 59 分"),
        (90000, "1 天 1 小时"),
        (86400 * 40 + 60, "40 天"),
    ],
)
def test_lengths_of_time_in_two_units(admin_app, seconds, zh: str):
    with admin_app.app_context():
        assert span(seconds) == zh


def test_the_timeline_names_people_and_reasons(busy_house: House):
    text = busy_house.client("admin").get(f"/admin/orders/{busy_house.orders['rejected'].id}/").text
    assert "光线过暗或过曝" in text
    assert "学生" in text
    assert "待审核 → 审核不通过" in text


def test_shipping_gives_a_result_per_order(busy_house: House):
    house = busy_house
    good, gone = house.orders["processing"], house.foreign["processing"]
    data = {f"tracking_no-{o.id}": "SF1" for o in (good, gone)}
    stale = f"{gone.id}:{gone.version}"
    with house.app.app_context():
        advance(house.session, gone, "ship")
        house.session.commit()
    answer = post(house.client("operator"), "/admin/fulfilment/ship", carrier="顺丰速运",
                  order=[f"{good.id}:{good.version}", stale], **data)  # fmt: skip
    assert answer.status_code == 409
    assert "成功 1，失败 1" in answer.text
    house.session.expire_all()
    assert good.state == "shipped"


def test_bulk_ships_with_a_number_for_each(busy_house: House):
    house = busy_house
    orders = [house.orders["processing"], house.foreign["processing"]]
    data = {f"tracking_no-{o.id}": f"SF{n}" for n, o in enumerate(orders)}
    answer = post(house.client("operator"), "/admin/fulfilment/ship",
                  carrier="顺丰速运", order=[f"{o.id}:{o.version}" for o in orders], **data)  # fmt: skip
    assert answer.status_code == 200
    numbers = set(house.session.scalars(select(Shipment.tracking_no)))
    assert {"SF0", "SF1"} <= numbers


def test_the_operator_sees_the_address_and_it_is_recorded(busy_house: House):
    from backoffice.models import AccessRecord

    order = busy_house.orders["processing"]
    assert "+8613800000000" in busy_house.client("operator").get(f"/admin/orders/{order.id}/").text
    assert "+8613800000000" not in busy_house.client("admin").get(f"/admin/orders/{order.id}/").text
    actions = list(
        busy_house.session.scalars(
            select(AccessRecord.action).where(AccessRecord.subject_id == str(order.id))
        )
    )
    assert sorted(actions) == ["address:view", "order:view", "order:view"]
