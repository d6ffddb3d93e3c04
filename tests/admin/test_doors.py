"""Who gets through which door: every room with every role, and every address without one."""

from __future__ import annotations

import re

import pytest

from backoffice.admin.gate import REPLACED
from backoffice.security.permissions import HOUSE_ONLY, PERMISSIONS, may_enter
from tests.admin.house import ROLES, House, post
from tests.factories import make_staff

# The contract with the people, written out by hand: which pages each role can open.
ROOMS = {
    "/admin/": set(ROLES),
    "/admin/account/": set(ROLES),
    "/admin/tickets/": {"admin", "school", "operator"},
    "/admin/requests/": {"admin", "school"},
    "/admin/exports/": {"admin", "school", "operator", "finance"},
    "/admin/photos/": {"admin", "school", "reviewer", "operator"},
    "/admin/events/": {"admin", "school", "finance"},
    "/admin/orders/": set(ROLES),
    "/admin/review/": {"reviewer"},
    "/admin/review/sheet?batch=": {"reviewer"},
    "/admin/opinions/": set(),  # seniors only: tests/admin/test_second_opinions.py
    "/admin/review_figures/": {"admin", "reviewer"},
    "/admin/review_rules/": {"admin"},
    "/admin/reasons/new/": {"admin"},
    "/admin/reasons/": {"admin", "school", "reviewer"},
    "/admin/reasons/edit/?id=P01": {"admin"},
    "/admin/standards/": {"admin", "school", "reviewer", "operator"},
    "/admin/batches/": {"admin", "school", "reviewer", "operator"},
    "/admin/batches/new/": {"admin", "school"},
    "/admin/imports/": {"admin", "school"},
    "/admin/enrolments/": {"admin", "school"},
    "/admin/fulfilment/": {"operator"},
    "/admin/bulk/": {"admin", "operator", "finance"},
    "/admin/workflow/": {"admin", "reviewer", "operator", "finance"},
    "/admin/finance/": {"admin", "finance"},
    "/admin/payments/": {"admin", "finance"},
    "/admin/refunds/": {"admin", "finance"},
    "/admin/schools/": {"admin", "school"},
    "/admin/schools/new/": {"admin"},
    "/admin/staff/": {"admin"},
    "/admin/staff/new/": {"admin"},
    "/admin/outbox/": {"admin"},
}
PLACE = re.compile(r"<[^>]+>")
OPEN_TO_STRANGERS = {
    "security.login",
    "backoffice_admin.choose_language",
    "invitation.show",
    "invitation.accept",
}


@pytest.mark.parametrize("role", ROLES)
def test_each_role_opens_its_rooms_and_no_others(house: House, role: str):
    client = house.client(role)
    for path, allowed in ROOMS.items():
        answer = client.get(path)
        if role in allowed:
            assert answer.status_code == 200, (path, answer.status_code)
        else:  # a form nobody may use sends its reader back to the list
            assert answer.status_code in (302, 403), (path, answer.status_code)
            assert "csrf_token" not in answer.text or answer.status_code == 403


@pytest.mark.parametrize("role", ROLES)
def test_the_menu_shows_exactly_the_rooms_that_open(house: House, role: str):
    menu = house.client(role).get("/admin/").text.split("</aside>")[0]
    for path, allowed in ROOMS.items():
        if path.count("/") == 3 and "?" not in path and path != "/admin/account/":
            assert (f'href="{path}"' in menu) == (role in allowed), path


def test_strangers_are_sent_to_the_login_from_every_address(admin_app, committed):
    client = admin_app.test_client()
    for rule in admin_app.url_map.iter_rules():
        if not rule.rule.startswith("/admin") or rule.endpoint.endswith(".static"):
            continue
        if rule.endpoint in OPEN_TO_STRANGERS | REPLACED:
            continue
        path = PLACE.sub(_example, rule.rule)
        method = "GET" if "GET" in rule.methods else "POST"
        answer = client.open(path, method=method)
        if method == "GET":
            assert answer.status_code == 302, (path, answer.status_code)
            assert answer.location.startswith("/admin/login"), path
        else:
            assert answer.status_code in (302, 400), (path, answer.status_code)


def _example(place: re.Match[str]) -> str:
    """A value that fits the place in the address: the first word offered, or an id."""
    offered = re.match(r"<any\((\w+)", place.group(0))
    return offered.group(1) if offered else "00000000-0000-7000-8000-000000000000"


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
