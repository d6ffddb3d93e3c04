"""Doors: the menu, what is not there at all, and accounts that see nothing."""

from __future__ import annotations

import pytest

from backoffice.security.permissions import HOUSE_ONLY, PERMISSIONS, may_enter
from tests.admin.doors import DOORS
from tests.admin.house import ROLES, House, post
from tests.factories import make_staff

OUTSIDE_THE_MENU = {"account", "pictures"}


@pytest.mark.parametrize("role", ROLES)
def test_the_menu_shows_exactly_the_rooms_that_open(house: House, role: str):
    menu = house.client(role).get("/admin/").text.split("</aside>")[0]
    for endpoint, allowed in DOORS.items():
        room, _, view = endpoint.partition(".")
        if view in ("index", "index_view", "desk") and room not in OUTSIDE_THE_MENU:
            path = "/admin/" if room == "admin" else f"/admin/{room}/"
            assert (f'href="{path}"' in menu) == (role in allowed), path


def test_there_is_no_registration_or_reset_by_strangers(admin_app, committed):
    rules = {rule.rule for rule in admin_app.url_map.iter_rules()}
    for path in ("/admin/register", "/admin/reset", "/admin/verify"):
        assert path not in rules


def test_the_librarys_own_set_up_of_second_factors_stays_closed(house: House):
    for client in (house.app.test_client(), house.client("admin")):
        for path in ("/admin/tf-setup", "/admin/tf-rescue", "/admin/tf-select",
                     "/admin/mf-recovery-codes", "/admin/tf-setup/x"):  # fmt: skip
            assert client.get(path).status_code in (404, 405), path
            assert post(client, path).status_code == 404, path


@pytest.mark.parametrize("room", sorted(HOUSE_ONLY))
def test_an_account_of_one_school_stays_out_of_the_houses_rooms(house: House, room: str):
    assert may_enter(house.staff["admin"], room)
    assert not may_enter(house.guests["admin"], room)


def test_a_school_account_without_a_school_sees_nothing(house: House):
    lost = make_staff(house.session, "school")
    assert not any(may_enter(lost, room) for room in PERMISSIONS)


def test_a_closed_account_and_an_unknown_room_are_closed(house: House):
    house.staff["admin"].active = False
    assert not may_enter(house.staff["admin"], "orders")
    assert not may_enter(house.staff["reviewer"], "no such room")


def test_every_view_of_the_site_is_one_of_our_rooms(admin_app):
    from backoffice.admin.room import Room

    for admin in admin_app.extensions["admin"]:
        for view in admin._views:
            assert isinstance(view, Room)
            assert view.room in PERMISSIONS


def test_pages_carry_the_content_policy_and_are_not_kept(house: House):
    answer = house.client("admin").get("/admin/orders/")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["Cache-Control"] == "no-store"
    assert "<script>" not in answer.text
    assert "style=" not in answer.text
    assert "http://" not in answer.text.replace("http://www.w3.org", "")
