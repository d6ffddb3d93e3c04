"""A small house for the tests of the back office: two schools, a member of staff for every role."""

from __future__ import annotations

import io
from dataclasses import dataclass, field

from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import select
from sqlalchemy.orm import Session

from backoffice.models import Batch, Order, OutboxRow, Photo, School, Staff
from backoffice.security.passwords import hash_staff_password
from tests.factories import make_batch, make_school, make_staff

PASSWORD = "correct-horse-9"
HASH = hash_staff_password(PASSWORD)  # once: argon2 is slow on purpose
ROLES = ("admin", "school", "reviewer", "operator", "finance")
STATES = (
    "draft", "closed", "paid", "pending_review", "rejected", "approved", "processing", "shipped",
    "completed", "refunding", "refunded",
)  # fmt: skip


@dataclass
class House:
    """Two schools; the second has the same things as the first."""

    app: Flask
    session: Session
    schools: list[School]
    batches: list[Batch]
    staff: dict[str, Staff]
    guests: dict[str, Staff]  # the same roles, bound to the first school
    orders: dict[str, Order] = field(default_factory=dict)
    foreign: dict[str, Order] = field(default_factory=dict)

    def client(self, who: Staff | str) -> FlaskClient:
        """A client signed in as this member."""
        staff = self.staff[who] if isinstance(who, str) else who
        client = self.app.test_client()
        sign_in(client, staff.email)
        return client


def jpeg(
    colour: tuple[int, int, int] = (100, 197, 255), size: tuple[int, int] = (480, 640)
) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "JPEG", quality=90)
    return out.getvalue()


def store_pictures(app: Flask, session: Session, order: Order) -> None:
    """Put real files where the order's photos say they are."""
    storage = app.extensions["backoffice"].storage
    for photo in session.query(Photo).filter_by(order_id=order.id):
        storage.put(photo.original_key, jpeg((90, 120, 90), (600, 800)))
        if photo.result_key:
            storage.put(photo.result_key, jpeg())


def token_of(client: FlaskClient) -> str:
    """The CSRF token of this session, as its pages carry it."""
    page = client.get("/admin/login").get_data(as_text=True)
    if 'name="csrf_token"' not in page:
        page = client.get("/admin/", follow_redirects=True).get_data(as_text=True)
    return page.split('name="csrf_token" value="')[1].split('"')[0]


def sign_in(client: FlaskClient, email: str, password: str = PASSWORD):
    return client.post(
        "/admin/login",
        data={"email": email, "password": password, "csrf_token": token_of(client)},
    )


def post(client: FlaskClient, url: str, **data):
    return client.post(url, data={"csrf_token": token_of(client), **data})


def build_house(app: Flask, session: Session) -> House:
    schools = [make_school(session, name="甲大学"), make_school(session, name="乙大学")]
    batches = [make_batch(session, school, name=f"{school.name}批次") for school in schools]
    staff = {
        role: make_staff(session, role, schools[0] if role == "school" else None, password=HASH)
        for role in ROLES
    }
    guests = {role: make_staff(session, role, schools[0], password=HASH) for role in ROLES}
    return House(app, session, schools, batches, staff, guests)


def work_off(house: House, effect: str) -> None:
    """Let the worker do every waiting task of this effect."""
    from worker.jobs import run

    house.session.rollback()
    waits = select(OutboxRow).where(OutboxRow.effect == effect, OutboxRow.state == "waiting")
    rows = house.session.scalars(waits).all()
    for row in rows:
        row.state = "published"
    house.session.commit()
    assert rows, effect
    with house.app.app_context():
        for row in rows:
            run(str(row.id))
    house.session.expire_all()
