"""Lock-out, sessions and passwords of staff accounts."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from backoffice.models import AccessRecord, StaffSession
from backoffice.security.staff_accounts import LOCK_AFTER
from tests.admin.accounts import NEW, fresh
from tests.admin.house import PASSWORD, House, post, sign_in


@pytest.fixture(autouse=True)
def _empty_valkey(redis):
    return redis


def test_wrong_passwords_from_many_addresses_lock_the_account_until_it_is_unlocked(house: House):
    staff = house.staff["reviewer"]
    running = house.client("reviewer")
    for n in range(LOCK_AFTER):
        client = house.app.test_client()
        client.environ_base["REMOTE_ADDR"] = f"10.0.0.{n}"
        assert sign_in(client, staff.email, "wrong").status_code == 200
    assert fresh(house, staff).locked
    stranger = house.app.test_client()
    assert sign_in(stranger, staff.email).status_code == 200  # the same words as ever
    assert running.get("/admin/").status_code == 200  # who is at work stays at work
    admin = house.client("admin")
    assert "已锁定" in admin.get("/admin/staff/").text
    assert post(admin, f"/admin/staff/{staff.id}/unlock").status_code == 303
    assert sign_in(house.app.test_client(), staff.email).status_code == 302
    actions = set(house.session.scalars(select(AccessRecord.action)))
    assert {"staff:locked", "staff:unlock"} <= actions


def test_unlocking_frees_the_address_too(house: House):
    staff = house.staff["reviewer"]
    for _ in range(LOCK_AFTER):
        sign_in(house.app.test_client(), staff.email, "wrong")
    assert sign_in(house.app.test_client(), staff.email).status_code == 429
    post(house.client("admin"), f"/admin/staff/{staff.id}/unlock")
    assert sign_in(house.app.test_client(), staff.email).status_code == 302


def test_a_lock_ends_by_itself_and_success_forgets(house: House):
    staff = house.staff["reviewer"]
    staff.failed_sign_ins, staff.locked_until = 10, datetime.now(UTC) - timedelta(seconds=1)
    house.session.commit()
    assert sign_in(house.app.test_client(), staff.email).status_code == 302
    assert (fresh(house, staff).failed_sign_ins, staff.locked_until) == (0, None)


# -- sessions -------------------------------------------------------------------------------


def test_sessions_are_listed_and_ended_one_by_one_or_all_but_this(house: House):
    staff = house.staff["operator"]
    clients = []
    for agent in (
        "Mozilla Windows NT Firefox/140",
        "iPhone Safari/605",
        "Mozilla Linux Chrome/150",
    ):
        client = house.app.test_client()
        client.environ_base["HTTP_USER_AGENT"] = agent
        sign_in(client, staff.email)
        clients.append(client)
    page = clients[0].get("/admin/account/").text
    for device in ("Firefox · Windows", "Safari · iPhone", "Chrome · Linux"):
        assert device in page
    second = house.session.scalars(
        select(StaffSession).where(StaffSession.device == "Safari · iPhone")
    ).one()
    post(clients[0], "/admin/account/sign-out", session=str(second.id))
    assert [c.get("/admin/").status_code for c in clients] == [200, 302, 200]
    post(clients[0], "/admin/account/sign-out")
    assert [c.get("/admin/").status_code for c in clients] == [200, 302, 302]


def test_nobody_ends_somebody_elses_session(house: House):
    mine, other = house.client("operator"), house.client("finance")
    row = house.session.scalars(
        select(StaffSession).where(StaffSession.staff_id == house.staff["finance"].id)
    ).one()
    post(mine, "/admin/account/sign-out", session=str(row.id))
    assert other.get("/admin/").status_code == 200


def test_a_stolen_cookie_is_worthless_after_log_out(house: House):
    client = house.client("admin")
    cookie = client.get_cookie("backoffice", path="/admin").value
    post(client, "/admin/logout")
    thief = house.app.test_client()
    thief.set_cookie("backoffice", cookie, path="/admin")
    assert thief.get("/admin/").status_code == 302


def test_an_idle_session_ends(house: House):
    client = house.client("admin")
    row = house.session.scalars(select(StaffSession)).one()
    row.last_seen_at = datetime.now(UTC) - timedelta(hours=13)
    house.session.commit()
    assert client.get("/admin/").status_code == 302
    house.session.expire_all()
    assert house.session.scalars(select(StaffSession)).one().end_reason == "idle"


def test_a_new_password_ends_the_other_sessions_and_keeps_this_one(house: House):
    here, there = house.client("finance"), house.client("finance")
    answer = post(
        here, "/admin/change", password=PASSWORD, new_password=NEW, new_password_confirm=NEW
    )
    assert answer.status_code == 302
    assert here.get("/admin/").status_code == 200
    assert there.get("/admin/").status_code == 302


@pytest.mark.parametrize("new", ["password123", "finance-room-1", "1234567890", "short"])
def test_a_bad_password_is_refused_with_words(house: House, new: str):
    staff = house.staff["finance"]
    staff.name = "finance"
    house.session.commit()
    client = house.client("finance")
    page = post(
        client, "/admin/change", password=PASSWORD, new_password=new, new_password_confirm=new
    )
    assert page.status_code == 200
    assert "密码" in re.search(r'class="problem">([^<]+)<', page.text).group(1)
    assert sign_in(house.app.test_client(), staff.email).status_code == 302
