"""A bulk run over all orders of a filter: counted first, kept to the school, each with a result."""

from __future__ import annotations

import re

from sqlalchemy import select

from backoffice.models import BulkItem, BulkRun, OutboxRow
from tests.admin.house import House, post
from tests.factories import make_order


def test_all_orders_of_a_filter_move_and_no_others(busy_house: House):
    from worker.jobs import run

    house = busy_house
    with house.app.app_context():
        more = [make_order(house.session, house.batches[0], "approved") for _ in range(60)]
        house.session.commit()
    client = house.client(house.guests["operator"])
    batch = str(house.batches[0].id)
    asked = post(client, "/admin/bulk/new", transition="start_processing", all="1", batch=batch)
    assert "全部 61 个订单" in asked.text
    assert asked.text.count('class="code"') == 50
    key = re.search(r'name="key" value="([^"]+)"', asked.text)[1]
    form = {"transition": "start_processing", "all": "1", "batch": batch, "key": key}
    first = post(client, "/admin/bulk/start", **form)
    assert post(client, "/admin/bulk/start", **form).location == first.location
    items = house.session.scalars(select(BulkItem.order_id)).all()
    assert set(items) == {o.id for o in more} | {house.orders["approved"].id}
    assert house.session.query(BulkRun).count() == 1
    row = house.session.scalars(select(OutboxRow).where(OutboxRow.effect == "bulk.run")).one()
    row.state = "published"
    house.session.commit()
    with house.app.app_context():
        run(str(row.id))
    house.session.expire_all()
    assert {o.state for o in more} == {"processing"}
    assert house.foreign["approved"].state == "approved"
    assert house.orders["paid"].state == "paid"


def test_nothing_to_move_says_so_and_a_wrong_filter_is_not_found(busy_house: House):
    client = busy_house.client("operator")
    for form in ({"state": "paid"}, {"state": "draft"}):
        answer = post(client, "/admin/bulk/new", transition="start_processing", all="1", **form)
        assert answer.status_code == 303
    for path in ("new", "start"):
        url = f"/admin/bulk/{path}"
        form = {"transition": "start_processing", "all": "1", "batch": "x"}
        assert post(client, url, **form).status_code == 404
    assert busy_house.session.query(BulkRun).count() == 0


def test_another_schools_batch_gives_nothing(busy_house: House):
    client = busy_house.client(busy_house.guests["operator"])
    answer = post(client, "/admin/bulk/start", transition="start_processing", all="1",
                  batch=str(busy_house.batches[1].id))  # fmt: skip
    assert answer.status_code == 303
    assert busy_house.session.query(BulkRun).count() == 0
