"""Invitations by e-mail: one letter, one use."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from backoffice.models import OutboxRow, Staff, StaffInvitation
from tests.admin.accounts import NEW
from tests.admin.house import House, post, sign_in


@pytest.fixture(autouse=True)
def _empty_valkey(redis):
    return redis


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
