"""A school's staff see their school's rows: in lists, searches, direct addresses and pictures."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from backoffice.models import Order, Photo
from backoffice.security.tenancy import OWNED, visible
from tests.admin.desk import Desk, Shown
from tests.admin.house import STATES, House, post
from tests.factories import PATHS


def photo_of(house: House, order: Order) -> Photo:
    return house.session.scalars(select(Photo).where(Photo.order_id == order.id)).first()


@pytest.mark.parametrize("role", ["admin", "school", "reviewer", "operator", "finance"])
def test_no_list_shows_another_schools_rows(busy_house: House, role: str):
    house = busy_house
    client = house.client(house.guests[role])
    for path in ("", "orders/", "batches/", "enrolments/", "imports/", "schools/", "finance/",
                 "payments/", "refunds/", "fulfilment/", "review/"):  # fmt: skip
        answer = client.get(f"/admin/{path}")
        if answer.status_code != 200:
            continue
        assert "乙大学" not in answer.text, path
        for order in house.foreign.values():
            assert order.number not in answer.text, path


def test_counts_are_kept_to_the_school_too(busy_house: House):
    client = busy_house.client("school")
    assert f"共 {len(STATES)} 条" in client.get("/admin/orders/").text
    assert f"共 {2 * len(STATES)} 条" in busy_house.client("admin").get("/admin/orders/").text


def test_a_filter_with_another_schools_batch_shows_nothing_of_it(busy_house: House):
    foreign = busy_house.batches[1]
    text = busy_house.client("school").get(f"/admin/orders/?batch={foreign.id}").text
    for order in busy_house.foreign.values():
        assert order.number not in text


@pytest.mark.parametrize("role", ["school", "reviewer", "operator", "admin"])
def test_direct_addresses_of_another_school_are_not_found(busy_house: House, role: str):
    house = busy_house
    client = house.client(house.guests[role])
    order, batch = house.foreign["pending_review"], house.batches[1]
    photo = photo_of(house, order)
    paths = [f"/admin/orders/{order.id}/", f"/admin/batches/{batch.id}/",
             f"/admin/batches/{batch.id}/print/png", f"/admin/pictures/{photo.id}/result",
             f"/admin/pictures/{photo.id}/original"]  # fmt: skip
    for path in paths:
        assert client.get(path).status_code == 404, path


def test_own_addresses_open(busy_house: House):
    client = busy_house.client("school")
    order = busy_house.orders["pending_review"]
    photo = photo_of(busy_house, order)
    for path in (f"/admin/orders/{order.id}/", f"/admin/pictures/{photo.id}/result",
                 f"/admin/batches/{busy_house.batches[0].id}/"):  # fmt: skip
        assert client.get(path).status_code == 200, path


def test_another_schools_batch_cannot_be_edited_exported_or_filled(busy_house: House):
    house, foreign = busy_house, busy_house.batches[1]
    client = house.client("school")
    assert client.get(f"/admin/batches/edit/?id={foreign.id}").status_code == 404
    assert post(client, f"/admin/batches/edit/?id={foreign.id}", name="x").status_code == 404
    assert post(client, f"/admin/batches/{foreign.id}/export").status_code == 404
    assert post(client, "/admin/imports/upload", batch=str(foreign.id)).status_code == 404


def test_no_transition_reaches_another_school(busy_house: House):
    house = busy_house
    reviewer = house.client(house.guests["reviewer"])
    order = house.foreign["pending_review"]
    answer = post(
        reviewer, f"/admin/orders/{order.id}/fire", transition="approve", version=order.version
    )
    assert answer.status_code == 404
    desk = Desk(house, house.guests["reviewer"])
    shown = Shown(str(order.id), str(order.photo_id), str(order.id), order.version, "", "")
    decided = desk.decide(shown)
    assert decided.status_code == 404
    operator = house.client(house.guests["operator"])
    approved = house.foreign["approved"]
    post(operator, "/admin/bulk/start", transition="start_processing",
         order=f"{approved.id}:{approved.version}")  # fmt: skip
    house.session.expire_all()
    assert house.foreign["pending_review"].state == "pending_review"
    assert house.foreign["approved"].state == "approved"


def test_search_finds_only_in_the_own_school(busy_house: House):
    house = busy_house
    client = house.client("school")
    for order, expected in ((house.orders["paid"], 1), (house.foreign["paid"], 0)):
        answer = post(client, "/admin/orders/find", term=order.number)
        assert order.number not in answer.location  # neither in the address nor in any log
        page = client.get(answer.location).text
        assert page.count(f">{order.number}<") == expected


def test_search_by_name_goes_through_the_blind_index(busy_house: House):
    client = busy_house.client("admin")
    found = client.get(post(client, "/admin/orders/find", term="吴小兰").location).text
    assert f"共 {2 * len(PATHS)} 条" in found
    assert "共 0 条" in client.get(post(client, "/admin/orders/find", term="吴大兰").location).text


def test_finance_sees_no_pictures(busy_house: House):
    photo = photo_of(busy_house, busy_house.orders["approved"])
    assert busy_house.client("finance").get(f"/admin/pictures/{photo.id}/result").status_code == 403


def test_a_table_without_an_owner_cannot_be_listed_for_a_school(house: House):
    from backoffice.models import Staff

    assert Staff not in OWNED
    with pytest.raises(KeyError):
        visible(Staff, house.schools[0].id)
