"""Every address of the back office, with everybody: the table in `doors` and nothing else opens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.routing import Rule

from backoffice.models import SeniorReviewer
from backoffice.security.tenancy import OWNED
from tests.admin.belongings import belongings
from tests.admin.doors import DOORS, HOUSE, SENIOR, STAFF, STRANGER
from tests.admin.house import ROLES, House, token_of

NOBODY = "00000000-0000-7000-8000-000000000000"
PLACE = re.compile(r"<(?:(\w+)(?:\(([^)]*)\))?:)?(\w+)>")
SIGNS_OUT = "security.logout"
# Steps of a log-in under way: without one they lead to its beginning.
LOG_IN_STEPS = {SIGNS_OUT, "security.two_factor_token_validation", "security.mf_recovery"}
OPENED = {endpoint for endpoint, roles in DOORS.items() if roles}
# Nothing to show although the door is open: no list of pictures.
BARE = {"pictures.index"}
# Said of a row that is absent or another school's alike, where it is not 404.
AS_IF_GONE = {"remove_view": 303, "settle": 422}


def rules_of(app: Flask) -> list[Rule]:
    found = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/admin")]
    # the log-in's own steps last: nothing is open after them
    return sorted(
        found,
        key=lambda r: (r.endpoint.startswith("security.") and r.endpoint in OPENED, r.endpoint),
    )


def calls_of(app: Flask, ids: dict[str, Any] | None = None) -> Iterator[tuple[str, str, str]]:
    """Every endpoint with each of its methods and an address; `ids` by the endpoint's first part."""
    ids = ids or {}
    for rule in rules_of(app):
        room, _, view = rule.endpoint.partition(".")

        def fill(place: re.Match[str], room: str = room, view: str = view) -> str:
            kind, offered, name = place.groups()
            if kind == "any":
                return offered.split(",")[0]
            if kind == "path" or name == "token":
                return "none"
            named = {"job_id": "job"}.get(name, "view" if view == "remove_view" else room)
            return str(ids.get("batches" if view == "template" else named, NOBODY))

        path = PLACE.sub(fill, rule.rule)
        if view == "edit_view":  # Flask-Admin's form names its row in ?id=
            path += f"?id={'P01' if room == 'reasons' else ids.get(room, NOBODY)}"
        for method in sorted((rule.methods or set()) & {"GET", "POST"}):
            yield rule.endpoint, method, path


def call(client: FlaskClient, method: str, path: str, token: str, **more: str) -> Any:
    data = {"csrf_token": token, **more} if method == "POST" else None
    return client.open(path, method=method, data=data, headers={"X-CSRFToken": token})


def is_page(endpoint: str, method: str, path: str) -> bool:
    """Whether the address needs no row, so that it must show something."""
    whole = method == "GET" and NOBODY not in path and not path.endswith("/none")
    return whole and endpoint not in BARE and not endpoint.startswith("security.")


def to_the_log_in(answer: Any) -> bool:
    return answer.status_code in (302, 303) and answer.location.startswith("/admin/login")


def test_the_table_names_every_view_and_no_other(admin_app: Flask):
    assert {rule.endpoint for rule in rules_of(admin_app)} == set(DOORS)


def client_of(house: House, who: str) -> FlaskClient:
    if who == STRANGER:
        return house.app.test_client()
    if who == SENIOR:
        house.session.add(SeniorReviewer(staff_id=house.staff["reviewer"].id))
        house.session.commit()
        return house.client("reviewer")
    return house.client(who)


@pytest.mark.parametrize("who", sorted(STAFF))
def test_each_role_opens_what_the_table_says_and_nothing_else(house: House, who: str):
    client = client_of(house, who)
    token = token_of(client)
    for endpoint, method, path in calls_of(house.app):
        answer = call(client, method, path, token)
        told = (who, method, path, answer.status_code)
        assert answer.status_code < 500, told
        if who in DOORS[endpoint]:
            assert answer.status_code != 403, told
            assert not to_the_log_in(answer) or endpoint in LOG_IN_STEPS, told
            if is_page(endpoint, method, path):
                assert answer.status_code == 200, told
        elif not DOORS[endpoint]:
            assert answer.status_code == 404, told  # a library's own page: not there at all
        else:
            assert answer.status_code == 403, told


def test_a_stranger_is_sent_to_the_log_in_from_everywhere_else(house: House):
    client = client_of(house, STRANGER)
    token = token_of(client)
    for endpoint, method, path in calls_of(house.app):
        answer = call(client, method, path, token)
        told = (method, path, answer.status_code, answer.location)
        if STRANGER in DOORS[endpoint]:
            assert answer.status_code in (200, 303, 404, 422) or to_the_log_in(answer), told
        elif not DOORS[endpoint]:
            assert answer.status_code == 404, told
        else:
            assert to_the_log_in(answer) or endpoint == SIGNS_OUT, told


def test_the_houses_own_rooms_stay_closed_to_an_administrator_of_one_school(house: House):
    client = house.client(house.guests["admin"])
    token = token_of(client)
    for endpoint, method, path in calls_of(house.app):
        answer = call(client, method, path, token)
        if endpoint in HOUSE:
            assert answer.status_code == 403, (method, path, answer.status_code)
        elif "admin" in DOORS[endpoint]:
            assert answer.status_code != 403, (method, path, answer.status_code)


# -- another school's rows, by their addresses -----------------------------------------------

# What would do something, were the row found.
POSTED = {
    "outcome": "upheld", "decision": "accept", "answer": "好", "body": "好", "note": "好",
    "transition": "start_processing", "kind": "progress", "name": "好",
    "action": "close",
}  # fmt: skip


def fingerprints(house: House) -> dict[str, str]:
    """What every owned table holds, so that a change anywhere shows."""
    house.session.rollback()
    tables = sorted({model.__tablename__ for model in OWNED} | {"enrolment_requests", "bulk_runs"})
    return {
        table: house.session.scalar(
            text(
                f"SELECT md5(coalesce(string_agg(t::text, '' ORDER BY t::text), '')) FROM {table} t"
            )
        )
        for table in tables
    }


@pytest.mark.parametrize("role", [*ROLES, SENIOR])
def test_addresses_of_another_schools_rows_lead_nowhere(busy_house: House, role: str):
    house = busy_house
    member = house.guests["reviewer" if role == SENIOR else role]
    other = house.staff["reviewer"]  # whose runs, exports and filters are not this member's
    ids = belongings(house, house.batches[1], house.foreign, other)
    if role == SENIOR:
        house.session.add(SeniorReviewer(staff_id=member.id))
        house.session.commit()
    client = house.client(member)
    token, before = token_of(client), fingerprints(house)
    secrets = ["乙大学", "什么时候审核", *(order.number for order in house.foreign.values())]
    tried = 0
    for endpoint, method, path in calls_of(house.app, ids):
        if not any(str(found) in path for found in ids.values()):
            continue
        answer = call(client, method, path, token, **POSTED)
        told = (method, path, answer.status_code)
        tried += 1
        gone = AS_IF_GONE.get(endpoint.partition(".")[2], 404)
        assert answer.status_code in (403, 404, gone), told
        assert not [word for word in secrets if word in answer.get_data(as_text=True)], told
    assert tried > 30
    assert fingerprints(house) == before


def test_the_same_addresses_open_for_the_own_school(busy_house: House):
    """The counterpart, without which the test above would pass for addresses that lead nowhere."""
    house = busy_house
    opened: set[str] = set()
    house.session.add(SeniorReviewer(staff_id=house.guests["reviewer"].id))
    ids = belongings(house, house.batches[0], house.orders, house.guests["admin"])
    for role in ROLES:
        client = house.client(house.guests[role])
        for endpoint, method, path in calls_of(house.app, ids):
            named = any(str(found) in path for found in ids.values())
            if named and method == "GET" and client.get(path).status_code == 200:
                opened.add(endpoint)
    assert opened >= {
        "batches.batch", "batches.code", "batches.poster", "batches.progress", "batches.people",
        "batches.file", "batches.ask_reminder", "batches.edit_view", "imports.report",
        "imports.template", "orders.order", "pictures.picture", "review.similar", "tickets.ticket",
        "bulk.run",
    }  # fmt: skip
