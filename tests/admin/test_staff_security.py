"""Second factor, lock-out, sessions, invitations, first passwords: what stands before the rooms."""

from __future__ import annotations

import dataclasses
import re
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from backoffice.models import AccessRecord, OutboxRow, Staff, StaffInvitation, StaffSession
from backoffice.security import second_factor
from backoffice.security.staff_accounts import LOCK_AFTER
from tests.admin.house import PASSWORD, ROLES, House, post, sign_in, token_of

NEW = "four-quiet-lamps"


@pytest.fixture(autouse=True)
def _empty_valkey(redis):
    return redis


@pytest.fixture
def required(house: House, monkeypatch) -> House:
    """The house as in production: administrators and finance need a second factor."""
    services = house.app.extensions["backoffice"]
    strict = dataclasses.replace(services.settings, staff_second_factor="required")
    monkeypatch.setattr(services, "settings", strict)
    return house


def fresh(house: House, staff: Staff) -> Staff:
    house.session.rollback()
    return house.session.get(Staff, staff.id, populate_existing=True)


def totp(house: House):
    return house.app.extensions["security"].totp_factory


def code_for(house: House, staff: Staff, steps: int = 0) -> str:
    """The code the phone shows, `steps` half minutes from now."""
    with house.app.app_context():
        secret = second_factor.open_secret(fresh(house, staff).tf_totp_secret)
        at = datetime.now(UTC).timestamp() + 30 * steps
        return totp(house)._totp.from_source(secret).generate(time=at).token


def set_up(house: House, staff: Staff) -> list[str]:
    """Give the account a second factor of which no code was used yet."""
    with house.app.app_context():
        secret = totp(house).generate_totp_secret()
        codes = second_factor.set_up(staff, secret, 0)
    house.session.commit()
    return codes


def give_code(client: FlaskClient, code: str):
    return client.post(
        "/admin/code", data={"code": code, "csrf_token": page_token(client, "/admin/code")}
    )


def page_token(client: FlaskClient, path: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get(path).text)
    return found.group(1) if found else token_of(client)


# -- where it is required -------------------------------------------------------------------


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


# -- locking --------------------------------------------------------------------------------


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


# -- invitations ----------------------------------------------------------------------------


def invited(house: House) -> tuple[Staff, str]:
    """Open an account by invitation, let the worker send it; return it and the link's secret."""
    import json

    from worker.jobs import run

    answer = post(house.client("admin"), "/admin/staff/new/", email="new.one@example.com", name="新人",
                  roles=["reviewer"], school="", active="y", first="invite")  # fmt: skip
    assert answer.status_code == 303
    staff = house.session.scalars(select(Staff).where(Staff.email == "new.one@example.com")).one()
    row = house.session.scalars(select(OutboxRow).where(OutboxRow.effect == "staff.invite")).one()
    assert set(row.payload) == {"invitation_id"}
    row.state = "published"
    house.session.commit()
    with house.app.app_context():
        run(str(row.id))
    lines = (house.app.extensions["backoffice"].settings.var / "messages.jsonl").read_text()
    letter = json.loads(lines.splitlines()[-1])
    assert letter["template"] == "staff_invitation"
    return staff, re.search(r"/admin/invitation#(\S+)", letter["text"]).group(1)


def test_an_invitation_sets_the_password_once(house: House):
    staff, secret = invited(house)
    client = house.app.test_client()
    assert client.get("/admin/invitation").status_code == 200
    refused = post(
        client, "/admin/invitation", token=secret, password="password123", again="password123"
    )
    assert refused.status_code == 422
    assert (
        post(client, "/admin/invitation", token=secret, password=NEW, again="x").status_code == 422
    )
    assert (
        post(client, "/admin/invitation", token=secret + "x", password=NEW, again=NEW).status_code
        == 422
    )
    done = post(client, "/admin/invitation", token=secret, password=NEW, again=NEW)
    assert done.location == "/admin/login"
    assert sign_in(client, staff.email, NEW).status_code == 302
    assert client.get("/admin/review/").status_code == 200  # chosen by its owner: nothing to change
    again = post(
        house.app.test_client(),
        "/admin/invitation",
        token=secret,
        password=NEW + "2",
        again=NEW + "2",
    )
    assert again.status_code == 422


def test_the_secret_stands_nowhere_but_in_the_letter(house: House):
    _, secret = invited(house)
    row = house.session.scalars(select(StaffInvitation)).one()
    assert row.sent_at is not None
    dump = house.session.connection().exec_driver_sql(
        "SELECT string_agg(t::text, ' ') FROM (SELECT i::text FROM staff_invitations i UNION ALL "
        "SELECT o::text FROM outbox o UNION ALL SELECT a::text FROM access_records a) x(t)"
    )
    assert secret not in dump.scalar()


def test_an_old_a_replaced_and_a_closed_accounts_invitation_open_nothing(house: House):
    staff, secret = invited(house)
    client = house.app.test_client()
    row = house.session.scalars(select(StaffInvitation)).one()
    row.expires_at = datetime.now(UTC) - timedelta(seconds=1)
    house.session.commit()
    assert (
        post(client, "/admin/invitation", token=secret, password=NEW, again=NEW).status_code == 422
    )
    row.expires_at = datetime.now(UTC) + timedelta(hours=1)
    staff.active = False
    house.session.commit()
    assert (
        post(client, "/admin/invitation", token=secret, password=NEW, again=NEW).status_code == 422
    )
    staff.active = True
    house.session.commit()
    post(house.client("admin"), f"/admin/staff/{staff.id}/invite")
    assert (
        post(client, "/admin/invitation", token=secret, password=NEW, again=NEW).status_code == 422
    )
