"""Whole journeys through the real application, PostgreSQL and Valkey."""

from __future__ import annotations

import uuid

import pytest
from sqlalchemy import select

from backoffice.models import CaptureCode, Order, OutboxRow, Photo
from backoffice.workflows.orders import engine
from tests.factories import actor_for, make_batch, make_staff
from tests.student_api.conftest import (
    identified,
    jpeg,
    judge,
    ordered,
    paid,
    signed_in,
    state_of,
)
from tests.student_api.driver import portrait


def staff_move(committed, order_id, transition, role, data=None):
    with committed() as session:
        engine().fire(
            session,
            uuid.UUID(order_id),
            transition,
            actor=actor_for(make_staff(session, role)),
            data=data,
        )
        session.commit()


def test_pay_first_from_registration_to_receipt(app, client, committed, settings, batch, person):
    student = signed_in(client, person)
    enrolment = identified(student, settings, committed, batch, person)
    address = student.post(
        "/addresses",
        {
            "recipient": "吴小兰",
            "phone": "13800000001",
            "province": "上海市",
            "city": "上海市",
            "district": "杨浦区",
            "detail": "邯郸路220号",
        },
    ).get_json()["address"]
    assert address["is_default"] is True
    order = ordered(student, enrolment, delivery={"method": "courier", "address_id": address["id"]})
    assert (order["state"], order["state_label"]) == ("draft", "待支付")
    assert order["amount_fen"] == 3000
    assert order["number"].startswith("GP")
    assert set(order["allowed_actions"]) == {"cancel", "pay"}
    assert order["delivery"]["address"]["phone"] == "+8613800000001"

    refused = student.upload(f"/orders/{order['id']}/photos", jpeg())
    assert (refused.status_code, refused.get_json()["code"]) == (409, "photo_not_accepted")

    paid(student, order)
    shown = student.get(f"/orders/{order['id']}").get_json()["order"]
    assert shown["state"] == "paid"
    assert set(shown["allowed_actions"]) == {"request_refund", "upload_photo"}

    uploaded = student.upload(f"/orders/{order['id']}/photos", jpeg())
    assert uploaded.status_code == 202
    photo = uploaded.get_json()["photo"]
    assert photo["status"] == "queued"
    with committed() as session:
        row = session.scalars(select(OutboxRow).where(OutboxRow.effect == "photo.process")).one()
        assert (row.queue, row.payload) == ("photos", {"photo_id": photo["id"]})
    early = student.post(f"/orders/{order['id']}/submit")
    assert (early.status_code, early.get_json()["code"]) == (409, "photo_not_ready")

    judge(committed, app, photo["id"])
    seen = student.get(f"/orders/{order['id']}/photos/{photo['id']}").get_json()
    assert seen["status"] == "passed"
    assert seen["checks"][0]["advice"] == "画面中只能有您本人。"
    picture = client.get(seen["preview_url"])
    assert (picture.status_code, picture.mimetype) == (200, "image/jpeg")
    assert client.get(seen["original_url"]).data == jpeg()

    version = student.get(f"/orders/{order['id']}").get_json()["order"]["version"]
    stale = student.post(f"/orders/{order['id']}/submit", {"version": version - 1})
    assert (stale.status_code, stale.get_json()["code"]) == (409, "version_conflict")
    assert state_of(committed, order["id"]) == "paid"
    moved = student.post(f"/orders/{order['id']}/submit", {"version": version}).get_json()["order"]
    assert (moved["state"], moved["allowed_actions"]) == ("pending_review", ["withdraw"])
    assert student.post(f"/orders/{order['id']}/withdraw").get_json()["order"]["state"] == "paid"
    student.post(f"/orders/{order['id']}/submit")

    staff_move(
        committed, order["id"], "reject", "reviewer", {"reasons": ["L01"], "note": "光线偏暗"}
    )
    rejected = student.get(f"/orders/{order['id']}", headers={"Accept-Language": "en"}).get_json()[
        "order"
    ]
    assert rejected["state_label"] == "Rejected"
    assert rejected["rejection"]["note"] == "光线偏暗"
    assert rejected["rejection"]["reasons"][0]["advice"].startswith("Retake in even light")
    again = student.upload(f"/orders/{order['id']}/photos", jpeg())
    assert (again.status_code, again.get_json()["code"]) == (422, "photo_already_rejected")
    second = student.upload(f"/orders/{order['id']}/photos", jpeg(colour=(10, 20, 30)))
    judge(committed, app, second.get_json()["photo"]["id"])
    assert student.get(f"/orders/{order['id']}/photo").get_json()["code"] == "photo_not_finished"
    student.post(f"/orders/{order['id']}/submit")

    staff_move(committed, order["id"], "approve", "reviewer")
    finished = student.get(f"/orders/{order['id']}/photo")
    assert (finished.status_code, finished.mimetype) == (200, "image/jpeg")
    assert finished.headers["Cache-Control"] == "no-store"
    assert student.post(f"/orders/{order['id']}/email").get_json()["code"] == "email_missing"
    mailed = student.post(f"/orders/{order['id']}/email", {"email": "lan@example.com"})
    assert mailed.status_code == 202
    with committed() as session:
        row = session.scalars(select(OutboxRow).where(OutboxRow.effect == "email.photo")).one()
        assert "lan@example.com" not in str(row.payload)
    refund = student.post(f"/orders/{order['id']}/request-refund")
    assert (refund.status_code, refund.get_json()["code"]) == (409, "transition_not_allowed")

    staff_move(committed, order["id"], "start_processing", "operator")
    early = student.post(f"/orders/{order['id']}/confirm-receipt")
    assert (early.status_code, early.get_json()["code"]) == (409, "transition_not_allowed")
    staff_move(
        committed, order["id"], "ship", "operator", {"carrier": "顺丰", "tracking_no": "SF123"}
    )
    shipped = student.get(f"/orders/{order['id']}").get_json()["order"]
    assert shipped["shipment"]["tracking_no"] == "SF123"
    assert "confirm_receipt" in shipped["allowed_actions"]
    done = student.post(f"/orders/{order['id']}/confirm-receipt").get_json()["order"]
    assert done["state"] == "completed"

    events = student.get(f"/orders/{order['id']}/events").get_json()["items"]
    assert [e["sequence"] for e in events] == list(range(1, len(events) + 1))
    assert [e["transition"] for e in events] == [
        "pay", "submit", "withdraw", "submit", "reject", "submit", "approve",
        "start_processing", "ship", "complete",
    ]  # fmt: skip
    assert events[4]["reasons"] == ["L01"]
    assert {e["actor"] for e in events} == {"student", "staff", "provider"}

    reprint = student.post(
        "/reprints",
        {
            "order_id": order["id"],
            "layout": "two8",
            "copies": 2,
            "address_id": address["id"],
        },
    )
    assert reprint.status_code == 201, reprint.get_json()
    extra = reprint.get_json()["order"]
    assert (extra["kind"], extra["amount_fen"], extra["parent_id"]) == (
        "reprint",
        2000,
        order["id"],
    )
    paid(student, extra)
    assert student.get(f"/orders/{extra['id']}").get_json()["order"]["state_label"] == "待制作"
    with committed() as session:
        code = session.scalars(select(CaptureCode)).one()
        assert code.provider == "demo"


def test_photo_first_pays_after_a_passed_picture_and_submits_itself(
    app, client, committed, settings, person
):
    with committed() as session:
        batch = make_batch(session, mode="photo_first", reject_policy="refund")
        session.commit()
        _ = batch.school.code
    student = signed_in(client, person)
    order = ordered(student, identified(student, settings, committed, batch, person))
    assert set(order["allowed_actions"]) == {"cancel", "upload_photo"}
    unpayable = student.post(f"/orders/{order['id']}/payments", {"provider": "sandbox"})
    assert (unpayable.status_code, unpayable.get_json()["code"]) == (409, "photo_not_ready")

    first = student.upload(f"/orders/{order['id']}/photos", jpeg()).get_json()["photo"]
    judge(committed, app, first["id"], "failed")
    seen = student.get(
        f"/orders/{order['id']}/photos/{first['id']}", headers={"Accept-Language": "en"}
    ).get_json()
    assert (seen["status"], seen["preview_url"]) == ("failed", None)
    assert seen["checks"][0]["advice"] == "Only you may be in the picture."
    second = student.upload(f"/orders/{order['id']}/photos", jpeg(colour=(1, 2, 3)))
    judge(committed, app, second.get_json()["photo"]["id"])
    shown = student.get(f"/orders/{order['id']}").get_json()["order"]
    assert set(shown["allowed_actions"]) == {"cancel", "upload_photo", "pay"}
    assert shown["photo"]["attempt"] == 2

    paid(student, order)
    assert state_of(committed, order["id"]) == "pending_review"
    staff_move(committed, order["id"], "reject", "reviewer", {"reasons": ["P03"]})
    shown = student.get(f"/orders/{order['id']}").get_json()["order"]
    assert shown["state"] == "refunding"
    assert shown["rejection"]["reasons"][0]["code"] == "P03"
    assert shown["allowed_actions"] == []


def test_an_order_that_costs_nothing_is_settled_at_once(client, committed, settings, person, batch):
    with committed() as session:
        free = make_batch(session)
        for service in free.services:
            service.price_fen = 0
        session.commit()
        _ = free.school.code
    student = signed_in(client, person)
    order = ordered(student, identified(student, settings, committed, free, person))
    payment = student.post(f"/orders/{order['id']}/payments", {"provider": "sandbox"})
    assert payment.get_json()["payment"]["status"] == "succeeded"
    assert state_of(committed, order["id"]) == "paid"


def test_a_freshman_batch_takes_the_accounts_own_number_instead_of_a_code(
    client, committed, person
):
    from tests.student_api.conftest import another_person, list_person

    with committed() as session:
        batch = make_batch(session, kind="freshman", requires_capture_code=False)
        session.commit()
    list_person(committed, batch, person)
    path = f"/batches/{batch.feature_code.lower()}/identify"
    right = signed_in(client, person).post(path, {"id_last4": person.id_number[-4:]})
    assert right.status_code == 200
    assert right.get_json()["enrolment"]["prefilled"] is True
    stranger = signed_in(client, another_person())
    wrong = stranger.post(path, {"id_last4": person.id_number[-4:]})
    assert (wrong.status_code, wrong.get_json()["code"]) == (404, "not_on_roster")


@pytest.mark.parametrize("source", ["roster", "code"])
def test_who_came_first_keeps_the_place(client, committed, settings, person, source):
    """Roster mode `none` builds the list from the codes; both modes give a place once."""
    from tests.student_api.conftest import another_person, code_for, list_person

    with committed() as session:
        mode = "none" if source == "code" else "full"
        batch = make_batch(session, roster_mode=mode)
        session.commit()
        _ = batch.school.code
    number = "2023777001"
    if source == "roster":
        list_person(committed, batch, person, student_no=number)
    code = code_for(settings, batch, person, number)
    body = {"id_last4": person.id_number[-4:], "capture_code": code}
    path = f"/batches/{batch.feature_code}/identify"
    first = signed_in(client, person)
    one = first.post(path, body)
    assert one.status_code == 200, one.get_json()
    assert one.get_json()["enrolment"]["student_no"] == number
    assert first.post(path, body).get_json() == one.get_json()
    other = signed_in(client, another_person()).post(path, body)
    assert (other.status_code, other.get_json()["code"]) == (409, "enrolment_taken")


def test_prices_are_those_of_the_day_and_numbers_are_unique(client, committed, settings, person):
    with committed() as session:
        batch = make_batch(session)
        session.commit()
        _ = batch.school.code
    student = signed_in(client, person)
    enrolment = identified(student, settings, committed, batch, person)
    order = ordered(student, enrolment, services=[], layout=None, delivery={"method": "digital"})
    assert [item["code"] for item in order["items"]] == ["portrait"]
    again = student.post(
        "/orders", {"enrolment_id": enrolment, "services": [], "delivery": {"method": "digital"}}
    )
    assert (again.status_code, again.get_json()["code"]) == (409, "order_exists")
    assert student.post(f"/orders/{order['id']}/cancel").get_json()["order"]["state"] == "closed"
    second = ordered(student, enrolment)
    assert second["number"] != order["number"]
    page = student.get("/orders?limit=1").get_json()
    assert [o["id"] for o in page["items"]] == [second["id"]]
    rest = student.get(f"/orders?limit=1&cursor={page['next_cursor']}").get_json()
    assert ([o["id"] for o in rest["items"]], rest["next_cursor"]) == ([order["id"]], None)


def test_attempts_are_counted_and_limited(client, committed, settings, person):
    with committed() as session:
        batch = make_batch(session, max_attempts=2, allow_album=False)
        session.commit()
        _ = batch.school.code
    student = signed_in(client, person)
    order = ordered(student, identified(student, settings, committed, batch, person))
    paid(student, order)
    path = f"/orders/{order['id']}/photos"
    album = student.upload(path, jpeg(), source="album")
    assert (album.status_code, album.get_json()["code"]) == (422, "album_not_allowed")
    for shade in (1, 2):
        assert student.upload(path, jpeg(colour=(shade, 0, 0))).status_code == 202
    third = student.upload(path, jpeg(colour=(3, 0, 0)))
    assert (third.status_code, third.get_json()["code"]) == (409, "photo_attempts_exhausted")
    with committed() as session:
        attempts = session.scalars(select(Photo.attempt).order_by(Photo.attempt)).all()
        assert attempts == [1, 2]
        assert session.scalars(select(Order.id)).one()


def test_prints_without_a_layout_or_a_way_to_travel_get_the_usual_ones(
    student, settings, committed, batch, person
):
    enrolment = identified(student, settings, committed, batch, person)
    order = ordered(student, enrolment, layout=None, delivery={"method": "digital"})
    assert (order["layout"], order["delivery"]["method"]) == ("one8_two4", "school")


def work_photo(app, committed):
    """Hand the waiting picture to the worker's job, as dispatcher and queue do."""
    from datetime import UTC, datetime

    from worker.jobs.running import run

    with committed() as session:
        row = session.scalars(select(OutboxRow).where(OutboxRow.effect == "photo.process")).one()
        row.state, row.published_at = "published", datetime.now(UTC)
        session.commit()
    with app.app_context():
        run(str(row.id))


def test_a_real_portrait_through_the_worker_and_back(
    app, student, settings, committed, batch, person, photo_models
):
    """The astronaut of scikit-image: upload, the worker's own job, checks, preview, submit."""
    import io

    from PIL import Image
    from skimage import data

    order = ordered(student, identified(student, settings, committed, batch, person))
    paid(student, order)
    out = io.BytesIO()
    picture = Image.fromarray(data.astronaut())
    picture.resize((1024, 1024), Image.Resampling.LANCZOS).save(out, "JPEG", quality=95)
    uploaded = student.upload(f"/orders/{order['id']}/photos", out.getvalue())
    photo = uploaded.get_json()["photo"]
    work_photo(app, committed)
    seen = student.get(f"/orders/{order['id']}/photos/{photo['id']}").get_json()
    assert seen["status"] == "passed", seen["checks"]
    assert "face_count" in {check["code"] for check in seen["checks"]}
    assert all(isinstance(check["advice"], str | None) for check in seen["checks"])
    preview = Image.open(io.BytesIO(student.client.get(seen["preview_url"]).data))
    assert preview.size == (480, 640)
    moved = student.post(f"/orders/{order['id']}/submit")
    assert moved.get_json()["order"]["state"] == "pending_review"


def test_a_picture_without_a_face_fails_with_advice(
    app, student, settings, committed, batch, person, photo_models
):
    order = ordered(student, identified(student, settings, committed, batch, person))
    paid(student, order)
    photo = student.upload(f"/orders/{order['id']}/photos", jpeg()).get_json()["photo"]
    work_photo(app, committed)
    seen = student.get(
        f"/orders/{order['id']}/photos/{photo['id']}", headers={"Accept-Language": "en"}
    ).get_json()
    assert seen["status"] == "failed"
    assert seen["failure_code"]
    failed = [c for c in seen["checks"] if not c["passed"]]
    assert failed
    assert failed[0]["advice"].isascii()
    refused = student.post(f"/orders/{order['id']}/submit")
    assert refused.get_json()["code"] == "photo_not_ready"


def test_half_a_picture_fails_with_its_own_code(
    app, student, settings, committed, batch, person, photo_models
):
    """An upload that was cut off: its header reads, so the machine finds out."""
    order = ordered(student, identified(student, settings, committed, batch, person))
    paid(student, order)
    whole = portrait()
    photo = student.upload(f"/orders/{order['id']}/photos", whole[: len(whole) // 2])
    work_photo(app, committed)
    path = f"/orders/{order['id']}/photos/{photo.get_json()['photo']['id']}"
    seen = student.get(path).get_json()
    assert (seen["status"], seen["failure_code"]) == ("failed", "image_truncated")
    [check] = seen["checks"]
    assert (check["code"], check["passed"]) == ("image_truncated", False)
    assert check["advice"]
    assert seen["preview_url"] is None
    refused = student.post(f"/orders/{order['id']}/submit")
    assert refused.get_json()["code"] == "photo_not_ready"
    assert state_of(committed, order["id"]) == "paid"
