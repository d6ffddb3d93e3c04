"""The whole application, and a student who speaks to it like a program would."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from PIL import Image
from sqlalchemy import select

from backoffice.accounts.consents import KINDS, consent_text
from backoffice.blind_indexes import id_number_index, last4_index, name_index
from backoffice.capture_codes.demo import DemoCaptureCodes
from backoffice.capture_codes.payload import CaptureCodePayload
from backoffice.identity.last_four import last_four, last_four_variants
from backoffice.identity.masking import mask_id, mask_name
from backoffice.models import Enrolment, Order, Photo
from tests.factories import make_batch, make_enrolment, resident_id

_serials = iter(range(1, 900))


@pytest.fixture(scope="session")
def app(settings, database):
    """The whole application, as a server would run it."""
    from wsgi import create_app

    return create_app(settings)


@pytest.fixture(autouse=True)
def _no_counts_left(redis):
    """Rate limits of one test must not reach the next."""


@dataclass
class Api:
    """A client with headers of its own."""

    client: object
    headers: dict = field(default_factory=dict)
    address: str = "198.51.100.7"

    def call(self, method, path, body=None, **options):
        headers = {**self.headers, **options.pop("headers", {})}
        if body is not None:
            options["json"] = body
        return self.client.open(
            path if path.startswith("/s/") else f"/api/v1{path}",
            method=method,
            headers=headers,
            environ_base={"REMOTE_ADDR": self.address},
            **options,
        )

    def get(self, path, **options):
        return self.call("GET", path, **options)

    def post(self, path, body=None, **options):
        return self.call("POST", path, body, **options)

    def patch(self, path, body=None, **options):
        return self.call("PATCH", path, body, **options)

    def delete(self, path, **options):
        return self.call("DELETE", path, **options)

    def upload(self, path, data, name="photo.jpg", source="camera", **options):
        form = {"image": (io.BytesIO(data), name)} | ({"source": source} if source else {})
        return self.call("POST", path, data=form, content_type="multipart/form-data", **options)


@dataclass
class Person:
    """Somebody with an ID number."""

    id_number: str
    name: str = "吴小兰"
    phone: str = "13812345678"
    id_type: str = "resident_id"

    def registration(self, **changes):
        return {
            "id_type": self.id_type,
            "id_number": self.id_number,
            "name": self.name,
            "phone": self.phone,
            "consents": {kind: consent_text(kind, "zh").version for kind in KINDS},
        } | changes


@pytest.fixture
def api(client):
    return Api(client)


@pytest.fixture
def person():
    serial = next(_serials)
    return Person(resident_id(serial), phone=f"138{serial:08d}")


def another_person(**values):
    serial = next(_serials)
    return Person(**({"id_number": resident_id(serial), "phone": f"139{serial:08d}"} | values))


def signed_in(client, person, address="198.51.100.7", **changes):
    """Register and return an Api that carries the access token."""
    api = Api(client, address=address)
    answer = api.post("/auth/register", person.registration(**changes))
    assert answer.status_code == 201, answer.get_json()
    return Api(client, {"Authorization": f"Bearer {answer.get_json()['access_token']}"}, address)


@pytest.fixture
def student(client, person):
    return signed_in(client, person)


@pytest.fixture
def batch(committed):
    with committed() as session:
        made = make_batch(session)
        session.commit()
        session.refresh(made)
        _ = made.school.code
        return made


def list_person(committed, batch, person, **values):
    """Put somebody on a roster; returns the entry."""
    with committed() as session:
        entry = make_enrolment(
            session,
            batch,
            name=person.name,
            name_masked=mask_name(person.name),
            name_index=name_index(person.name),
            id_type=person.id_type,
            id_number=person.id_number,
            id_masked=mask_id(person.id_number),
            id_index=id_number_index(person.id_number),
            id_last4=last_four(person.id_number),
            id_last4_indexes=[
                last4_index(batch.id, form) for form in last_four_variants(person.id_number)
            ],
            **values,
        )
        session.commit()
        return entry


def code_for(settings, batch, person, student_no, **changes):
    payload = CaptureCodePayload(
        **{
            "serial": student_no,
            "name_masked": mask_name(person.name),
            "id_masked": mask_id(person.id_number),
            "id_last4": last_four(person.id_number),
            "school_code": batch.school.code,
            "school_name": batch.school.name,
            "level": "本科",
            "major": "软件工程",
            "expires_at": datetime.now(UTC) + timedelta(days=30),
        }
        | changes
    )
    return DemoCaptureCodes.from_settings(settings).issue(payload)


def identified(student, settings, committed, batch, person):
    """Identify and confirm; returns the enrolment's id."""
    entry = list_person(committed, batch, person)
    answer = student.post(
        f"/batches/{batch.feature_code}/identify",
        {
            "id_last4": last_four(person.id_number),
            "capture_code": code_for(settings, batch, person, entry.student_no),
        },
    )
    assert answer.status_code == 200, answer.get_json()
    enrolment_id = answer.get_json()["enrolment"]["id"]
    assert student.post(f"/enrolments/{enrolment_id}/confirm").status_code == 200
    return enrolment_id


def ordered(student, enrolment_id, **changes):
    body = {
        "enrolment_id": enrolment_id,
        "services": ["portrait", "prints"],
        "layout": "one8_two4",
        "delivery": {"method": "school"},
    } | changes
    answer = student.post("/orders", body)
    assert answer.status_code == 201, answer.get_json()
    return answer.get_json()["order"]


def paid(student, order):
    """Pay at the sandbox the way a person does: open the address and press the button."""
    answer = student.post(f"/orders/{order['id']}/payments", {"provider": "sandbox"})
    assert answer.status_code == 201, answer.get_json()
    payment = answer.get_json()["payment"]
    path = "/sandbox" + payment["pay_url"].partition("/sandbox")[2]
    settled = student.client.post(path, data={"result": "success"})
    assert settled.status_code == 200, settled.get_data(as_text=True)
    return payment


def jpeg(width=600, height=800, colour=(90, 120, 160)):
    out = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(out, "JPEG")
    return out.getvalue()


def judge(committed, app, photo_id, status="passed"):
    """Do what the photo worker does with a picture, without its models."""
    import hashlib
    import uuid

    from backoffice.services import services

    with committed() as session, app.app_context():
        photo = session.get_one(Photo, uuid.UUID(photo_id))
        photo.status = status
        photo.checks = [
            {
                "code": "face_count",
                "passed": status == "passed",
                "value": 1 if status == "passed" else 0,
                "limits": [1, 1],
                "severity": "refuse",
                "advice": {"zh": "画面中只能有您本人。", "en": "Only you may be in the picture."},
                "rejection_code": "Z05",
            }
        ]
        if status == "passed":
            result = jpeg(480, 640, (100, 197, 255))
            photo.result_key = f"photos/test/{photo.id}/result"
            photo.result_bytes = len(result)
            photo.result_sha256 = hashlib.sha256(result).digest()
            services().storage.put(photo.result_key, result)
        session.commit()


def state_of(committed, order_id):
    import uuid

    with committed() as session:
        return session.scalar(select(Order.state).where(Order.id == uuid.UUID(order_id)))


def enrolment_row(committed, enrolment_id):
    import uuid

    with committed() as session:
        return session.get(Enrolment, uuid.UUID(enrolment_id))


@pytest.fixture
def opened(committed):
    """Return a function that opens a batch."""

    def open_batch(**values):
        with committed() as session:
            made = make_batch(session, layouts=["mixed-8-4", "two-inch-8"], **values)
            session.commit()
            session.refresh(made)
            _ = made.school.code
            return made

    return open_batch
