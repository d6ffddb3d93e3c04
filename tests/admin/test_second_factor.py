"""The second factor: where it is required, signing in with it, losing it."""

from __future__ import annotations

import re

import pytest

from backoffice.security import second_factor
from backoffice.security.staff_accounts import LOCK_AFTER
from tests.admin.accounts import code_for, fresh, give_code, page_token, set_up, totp
from tests.admin.house import PASSWORD, ROLES, House, post, sign_in


@pytest.fixture(autouse=True)
def _empty_valkey(redis):
    return redis


@pytest.mark.parametrize("role", ROLES)
def test_admin_and_finance_enter_no_room_before_they_have_one(required: House, role: str):
    client = required.client(role)
    for path in ("/admin/", "/admin/orders/", "/admin/account/", "/admin/staff/", "/admin/change"):
        answer = client.get(path)
        if role in ("admin", "finance"):
            assert answer.location == "/admin/account/second-factor", path
        else:
            assert answer.location is None, path
    answer = post(client, "/admin/account/sign-out") if role == "admin" else None
    assert answer is None or answer.location == "/admin/account/second-factor"
    assert post(client, "/admin/logout").status_code == 302


def test_optional_asks_nobody_who_has_none(house: House):
    assert house.client("admin").get("/admin/staff/").status_code == 200


def test_setting_it_up_takes_password_and_code_and_opens_the_rooms(required: House):
    admin = required.staff["admin"]
    client = required.client("admin")
    page = client.get("/admin/account/second-factor")
    assert "<svg" in page.text
    assert "data:" not in page.text
    assert page.headers["Cache-Control"] == "no-store"
    with client.session_transaction("/admin/") as session:
        secret = session["tf_new"]
    assert "key" not in secret  # sealed on its way through the cookie
    with required.app.app_context():
        plain = second_factor.open_secret(secret)
        code = totp(required)._totp.from_source(plain).generate().token
    for data in ({"code": code, "password": "wrong"}, {"code": "000000", "password": PASSWORD}):
        assert post(client, "/admin/account/prove", **data).status_code == 422
        assert not second_factor.is_set_up(fresh(required, admin))
    done = post(client, "/admin/account/prove", code=code, password=PASSWORD)
    assert done.status_code == 200
    shown = re.findall(r"<li>([a-z0-9]{5}-[a-z0-9]{5})</li>", done.text)
    assert len(shown) == second_factor.CODES
    assert client.get("/admin/staff/").status_code == 200
    kept = fresh(required, admin)
    assert not {*shown} & {*kept.mf_recovery_codes}  # digests only
    raw = required.session.connection().exec_driver_sql("SELECT tf_totp_secret FROM staff").all()
    assert all(row[0] is None or b"key" not in bytes(row[0]) for row in raw)
    other = required.app.test_client()
    assert "/admin/code" in sign_in(other, admin.email).location
    assert give_code(other, code).status_code == 200  # the code of the set-up opens nothing more


# -- signing in with it ---------------------------------------------------------------------


def test_the_password_alone_opens_nothing(house: House):
    set_up(house, house.staff["finance"])
    client = house.app.test_client()
    assert "/admin/code" in sign_in(client, house.staff["finance"].email).location
    assert client.get("/admin/").location.startswith("/admin/login")
    assert client.get("/admin/change").status_code == 302
    assert give_code(client, "123456").status_code == 200
    assert client.get("/admin/").location.startswith("/admin/login")


def test_a_code_opens_once(house: House):
    staff = house.staff["admin"]
    set_up(house, staff)
    code = code_for(house, staff)
    first, second = house.app.test_client(), house.app.test_client()
    for client in (first, second):
        sign_in(client, staff.email)
    assert give_code(first, code).status_code == 302
    assert first.get("/admin/").status_code == 200
    assert give_code(second, code).status_code == 200
    assert second.get("/admin/").status_code == 302
    assert give_code(second, code_for(house, staff, 1)).status_code == 302
    assert second.get("/admin/").status_code == 200


def test_a_recovery_code_opens_once(house: House):
    staff = house.staff["admin"]
    codes = set_up(house, staff)
    for answer, typed in ((302, codes[0].upper()), (200, codes[0]), (302, codes[1])):
        client = house.app.test_client()
        sign_in(client, staff.email)
        token = page_token(client, "/admin/recovery")
        got = client.post("/admin/recovery", data={"code": typed, "csrf_token": token})
        assert got.status_code == answer, typed
        assert client.get("/admin/").status_code == (200 if answer == 302 else 302)
    assert len(fresh(house, staff).mf_recovery_codes) == second_factor.CODES - 2


def test_guessing_codes_locks_the_account(house: House):
    staff = house.staff["finance"]
    set_up(house, staff)
    client = house.app.test_client()
    sign_in(client, staff.email)
    for _ in range(LOCK_AFTER):
        assert give_code(client, "000000").status_code == 200
    assert fresh(house, staff).locked
    blocked = client.post(
        "/admin/code",
        data={"code": code_for(house, staff), "csrf_token": page_token(client, "/admin/code")},
    )
    assert blocked.status_code == 429
    assert client.get("/admin/").status_code == 302


def test_the_password_given_is_forgotten_after_a_while(house: House):
    staff = house.staff["finance"]
    set_up(house, staff)
    client = house.app.test_client()
    sign_in(client, staff.email)
    with client.session_transaction("/admin/") as session:
        session["tf_since"] -= 11 * 60
    give_code(client, code_for(house, staff))
    assert client.get("/admin/").status_code == 302


def test_switching_it_off_takes_the_password_and_is_refused_where_required(required: House):
    for role, allowed in (("reviewer", True), ("finance", False)):
        staff = required.staff[role]
        set_up(required, staff)
        client = required.app.test_client()
        sign_in(client, staff.email)
        give_code(client, code_for(required, staff))
        post(client, "/admin/account/remove", password="wrong")
        assert second_factor.is_set_up(fresh(required, staff))
        post(client, "/admin/account/remove", password=PASSWORD)
        assert second_factor.is_set_up(fresh(required, staff)) is not allowed


def test_an_administrator_resets_a_lost_one_but_not_their_own(house: House):
    client, finance, admin = house.client("admin"), house.staff["finance"], house.staff["admin"]
    signed_in = house.client("finance")
    set_up(house, finance)
    set_up(house, admin)
    assert post(client, f"/admin/staff/{finance.id}/second-factor").status_code == 303
    assert not second_factor.is_set_up(fresh(house, finance))
    assert signed_in.get("/admin/").status_code == 302
    assert post(client, f"/admin/staff/{admin.id}/second-factor").status_code == 422
    assert second_factor.is_set_up(fresh(house, admin))
