"""A full photo queue answers 503 with Retry-After, and the try does not count."""

from __future__ import annotations

import dataclasses

from sqlalchemy import func, select

from backoffice.models import Photo
from backoffice.services import services
from tests.student_api.conftest import identified, jpeg, ordered, paid
from tests.student_api.test_sign_in import problem


def test_a_full_queue_puts_uploads_off(
    app, student, settings, committed, batch, person, monkeypatch
):
    order = ordered(student, identified(student, settings, committed, batch, person))
    paid(student, order)
    with app.app_context():
        shared = services()
    full = dataclasses.replace(shared.settings, photo_queue_limit=0)
    monkeypatch.setattr(shared, "settings", full)
    begun = student.post(
        f"/orders/{order['id']}/uploads", {"source": "camera", "total_bytes": 1000}
    )
    sent = student.upload(f"/orders/{order['id']}/photos", jpeg(600, 800), source="camera")
    for answer in (begun, sent):
        assert problem(answer) == (503, "photo_queue_full")
        assert answer.headers["Retry-After"] == "60"
    with committed() as session:
        assert session.scalar(select(func.count()).where(Photo.order_id == order["id"])) == 0
