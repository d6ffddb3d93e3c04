"""Accounts in the tests: second factors, codes, the house as in production."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from flask.testing import FlaskClient

from backoffice.models import Staff
from backoffice.security import second_factor
from tests.admin.house import House, token_of

NEW = "four-quiet-lamps"


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
