"""What people and programs get wrong: a coded, localised problem each, and nothing changes."""

from __future__ import annotations

import io
import threading
import uuid

import pytest
from PIL import Image
from sqlalchemy import func, select

from backoffice.models import Order, Photo
from backoffice.storage import sign_key
from tests.factories import make_batch
from tests.student_api.conftest import (
    Api,
    another_person,
    code_for,
    identified,
    jpeg,
    judge,
    list_person,
    ordered,
    paid,
    signed_in,
    state_of,
)
from tests.student_api.test_sign_in import problem


@pytest.fixture
def order(student, settings, committed, batch, person):
    return ordered(student, identified(student, settings, committed, batch, person))


def test_an_unknown_feature_code_in_both_languages(api):
    zh = api.get("/batches/NOSUCH")
    assert problem(zh) == (404, "batch_not_found")
    assert zh.get_json()["title"] == "批次不存在"
    assert zh.headers["Content-Language"] == "zh-CN"
    en = api.get("/batches/NOSUCH", headers={"Accept-Language": "en"})
    assert en.get_json()["title"] == "Batch not found"
    assert en.get_json()["type"] == "/api/v1/docs#batch_not_found"
    assert api.get("/batches/%00").status_code == 404


def test_a_batch_in_any_case(api, batch):
    body = api.get(f"/batches/{batch.feature_code.lower()}").get_json()
    assert body["feature_code"] == batch.feature_code
    assert body["standard"] == "chsi-degree-blue"
    assert body["services"][0] == {
        "code": "portrait", "name": "图像采集", "price_fen": 2000, "required": True,
    }  # fmt: skip
    assert body["state"] == "open"
    assert body["opens_at"].endswith("Z")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("POST", "/", 404, "not_found"),
        ("GET", "/auth/wechat", 405, "method_not_allowed"),
        ("POST", "/ocr", 404, "not_found"),
        ("DELETE", "/orders", 405, "method_not_allowed"),
        ("PUT", "/me", 405, "method_not_allowed"),
    ],
)
def test_paths_and_methods_that_do_not_exist(api, method, path, status, code):
    answer = api.call(method, path)
    assert problem(answer) == (status, code)
    assert (status == 405) == ("Allow" in answer.headers)


@pytest.mark.parametrize(
    ("options", "status", "code"),
    [
        ({"data": "{", "content_type": "application/json"}, 400, "malformed_body"),
        ({"data": b'"\xff"', "content_type": "application/json"}, 400, "malformed_body"),
        ({"data": '{"login":"\\ud800"}', "content_type": "application/json"}, 400, "malformed_body"),
        ({"data": "[]", "content_type": "application/json"}, 422, "invalid_input"),
        ({"data": "a=b", "content_type": "application/x-www-form-urlencoded"}, 415,
         "unsupported_media_type"),
        ({"data": "x" * 70_000, "content_type": "application/json"}, 413, "request_too_large"),
        ({}, 422, "invalid_input"),
    ],
)  # fmt: skip
def test_bodies_that_are_none(api, options, status, code):
    assert problem(api.post("/auth/login", **options)) == (status, code)


def test_messages_of_fields_follow_the_language(api):
    zh = api.post("/auth/login", {"login": "x", "extra": 1}).get_json()["errors"]
    assert {e["field"]: e["message"] for e in zh} == {
        "password": "必填。",
        "extra": "没有这个字段。",
    }
    en = api.post("/auth/login", {"login": 5}, headers={"Accept-Language": "en"}).get_json()
    assert en["errors"][0] == {"field": "login", "message": "Must be text."}


def test_what_was_typed_is_not_repeated(api, person):
    answer = api.post("/auth/register", person.registration(id_number=person.id_number[:-1] + "Y"))
    assert person.id_number[:-1] not in answer.get_data(as_text=True)


def test_somebody_elses_things_are_not_there(client, student, order, committed, app):
    paid(student, order)
    photo = student.upload(f"/orders/{order['id']}/photos", jpeg()).get_json()["photo"]
    judge(committed, app, photo["id"])
    ticket = student.post("/tickets", {"subject": "问题", "body": "你好"}).get_json()["ticket"]
    address = student.post(
        "/addresses",
        {"recipient": "吴", "phone": "13800000001", "province": "沪", "city": "沪",
         "district": "杨浦", "detail": "邯郸路"},
    ).get_json()["address"]  # fmt: skip
    stranger = signed_in(client, another_person())
    one = order["id"]
    calls = [
        ("GET", f"/orders/{one}", None, "order_not_found"),
        ("GET", f"/orders/{one}/events", None, "order_not_found"),
        ("POST", f"/orders/{one}/cancel", {}, "order_not_found"),
        ("POST", f"/orders/{one}/submit", {}, "order_not_found"),
        ("POST", f"/orders/{one}/request-refund", {}, "order_not_found"),
        ("POST", f"/orders/{one}/payments", {"provider": "sandbox"}, "order_not_found"),
        ("GET", f"/orders/{one}/photos/{photo['id']}", None, "order_not_found"),
        ("GET", f"/orders/{one}/photo", None, "order_not_found"),
        ("POST", f"/orders/{one}/email", {"email": "a@b.cn"}, "order_not_found"),
        ("POST", f"/enrolments/{order['enrolment_id']}/confirm", None, "enrolment_not_found"),
        ("GET", f"/addresses/{address['id']}", None, "address_not_found"),
        ("DELETE", f"/addresses/{address['id']}", None, "address_not_found"),
        ("PATCH", f"/addresses/{address['id']}", {"city": "x"}, "address_not_found"),
        ("GET", f"/tickets/{ticket['id']}/messages", None, "ticket_not_found"),
        ("POST", f"/tickets/{ticket['id']}/messages", {"body": "x"}, "ticket_not_found"),
        ("POST", "/tickets", {"subject": "x", "body": "y", "order_id": one}, "order_not_found"),
        ("POST", "/reprints", {"order_id": one, "layout": "two8"}, "order_not_found"),
        ("GET", "/orders/not-an-id", None, "order_not_found"),
    ]
    for method, path, body, code in calls:
        assert problem(stranger.call(method, path, body)) == (404, code), path
    upload = stranger.upload(f"/orders/{one}/photos", jpeg())
    assert problem(upload) == (404, "order_not_found")
    assert stranger.get("/orders").get_json()["items"] == []
    assert state_of(committed, one) == "paid"


def noise(count):
    return bytes(range(256)) * (count // 256)


def animated():
    out = io.BytesIO()
    frames = [Image.new("RGB", (300, 300), c) for c in ("red", "blue")]
    frames[0].save(out, "WEBP", save_all=True, append_images=frames[1:])
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"", 422, "image_unreadable"),
        (b"GIF89a" + noise(512), 415, "unsupported_image_type"),
        (b"%PDF-1.7 " + noise(512), 415, "unsupported_image_type"),
        (noise(1024), 415, "unsupported_image_type"),
        (b"\xff\xd8\xff\xe0" + noise(512), 422, "image_unreadable"),
        (b"\0\0\0\x18ftypheic\0\0\0\0heicmif1" + noise(512), 422, "image_unreadable"),
        (jpeg(60, 80), 422, "image_too_small"),
        (jpeg(900, 250), 422, "image_panorama"),
        (animated(), 422, "image_animated"),
        (jpeg() + b"PK\x03\x04" + noise(512), 422, "image_polyglot"),
        (b"\xff\xd8\xff" + b"\0" * (20 * 1024 * 1024), 413, "image_too_large"),
        (b"\xff\xd8\xff" + b"\0" * (21 * 1024 * 1024), 413, "image_too_large"),
    ],
)
def test_files_that_are_no_portraits(student, order, committed, data, status, code):
    paid(student, order)
    answer = student.upload(f"/orders/{order['id']}/photos", data)
    assert problem(answer) == (status, code)
    with committed() as session:
        assert session.scalar(select(func.count()).select_from(Photo)) == 0


def test_uploads_that_are_not_as_declared(student, order):
    paid(student, order)
    path = f"/orders/{order['id']}/photos"
    assert problem(student.upload(path, jpeg(), source="scan")) == (422, "invalid_input")
    assert problem(student.upload(path, jpeg(), source=None)) == (422, "invalid_input")
    assert problem(student.post(path, {"image": "x"})) == (415, "unsupported_media_type")
    none = student.call("POST", path, data={"source": "camera"}, content_type="multipart/form-data")
    assert problem(none) == (422, "invalid_input")
    assert none.get_json()["errors"] == [{"field": "image", "message": "请选择图片文件。"}]


def test_paying_twice_moves_once(student, order, committed):
    payment = paid(student, order)
    path = "/sandbox" + payment["pay_url"].partition("/sandbox")[2]
    student.client.post(path, data={"result": "success"})
    events = student.get(f"/orders/{order['id']}/events").get_json()["items"]
    assert [e["transition"] for e in events] == ["pay"]
    again = student.post(f"/orders/{order['id']}/payments", {"provider": "sandbox"})
    assert problem(again) == (409, "order_not_payable")


def test_a_forged_payment_callback_moves_nothing(client, student, order, committed):
    student.post(f"/orders/{order['id']}/payments", {"provider": "sandbox"})
    forged = client.post("/webhooks/payments/sandbox", json={"amount_fen": 3000})
    assert forged.status_code >= 400
    assert state_of(committed, order["id"]) == "draft"


def test_an_unknown_provider_is_named_as_such(student, order):
    answer = student.post(f"/orders/{order['id']}/payments", {"provider": "goldmine"})
    assert problem(answer) == (422, "unknown_payment_provider")


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"services": ["gold"]}, "service_not_offered", "services"),
        ({"layout": "gold"}, "layout_not_offered", "layout"),
        ({"delivery": {"method": "courier"}}, "address_required", "delivery.address_id"),
        ({"delivery": {"method": "pigeon"}}, "invalid_input", "delivery.method"),
        ({"amount_fen": 1}, "invalid_input", "amount_fen"),
        ({"remark": "x" * 501}, "invalid_input", "remark"),
    ],
)
def test_orders_that_cannot_be(student, settings, committed, batch, person, changes, code, field):
    body = {
        "enrolment_id": identified(student, settings, committed, batch, person),
        "services": ["portrait", "prints"],
        "layout": "two8",
        "delivery": {"method": "school"},
    } | changes
    answer = student.post("/orders", body)
    assert problem(answer) == (422, code)
    assert answer.get_json()["errors"][0]["field"] == field
    with committed() as session:
        assert session.scalar(select(func.count()).select_from(Order)) == 0


def test_another_students_address_cannot_be_delivered_to(
    client, student, settings, committed, batch, person
):
    other = signed_in(client, another_person())
    address = other.post(
        "/addresses",
        {"recipient": "吴", "phone": "13800000001", "province": "沪", "city": "沪",
         "district": "杨浦", "detail": "邯郸路"},
    ).get_json()["address"]  # fmt: skip
    answer = student.post(
        "/orders",
        {
            "enrolment_id": identified(student, settings, committed, batch, person),
            "services": ["portrait"],
            "delivery": {"method": "courier", "address_id": address["id"]},
        },
    )
    assert problem(answer) == (404, "address_not_found")


def test_unconfirmed_data_cannot_be_ordered_for(student, settings, committed, batch, person):
    entry = list_person(committed, batch, person)
    found = student.post(
        f"/batches/{batch.feature_code}/identify",
        {
            "id_last4": person.id_number[-4:],
            "capture_code": code_for(settings, batch, person, entry.student_no),
        },
    ).get_json()["enrolment"]
    body = {"enrolment_id": found["id"], "services": [], "delivery": {"method": "digital"}}
    assert problem(student.post("/orders", body)) == (409, "enrolment_not_confirmed")


def test_signed_addresses_cannot_be_made_up_and_do_not_last(
    client, student, order, settings, committed
):
    paid(student, order)
    photo = student.upload(f"/orders/{order['id']}/photos", jpeg()).get_json()["photo"]
    url = student.get(f"/orders/{order['id']}/photos/{photo['id']}").get_json()["original_url"]
    genuine = client.get(url)
    assert genuine.status_code == 200
    assert genuine.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in genuine.headers["Content-Security-Policy"]
    forged = url[:-1] + ("0" if url[-1] != "0" else "1")
    assert problem(client.get(forged)) == (403, "signed_url_invalid")
    head, _, _ = url.rpartition(".")
    name, _, _ = head.rpartition(".")
    with committed() as session:
        key = session.scalar(select(Photo.original_key))
    late = f"{name}.1000000000.{sign_key(settings, key, 1_000_000_000)}"
    assert problem(client.get(late)) == (410, "signed_url_expired")
    assert problem(client.get("/api/v1/files/x.y.z")) == (403, "signed_url_invalid")


def test_the_same_key_uploads_once_even_at_the_same_time(app, student, order, committed):
    paid(student, order)
    key = {"Idempotency-Key": str(uuid.uuid4())}
    path = f"/orders/{order['id']}/photos"
    answers = []

    def send():
        mine = Api(app.test_client(), student.headers)
        answers.append(mine.upload(path, jpeg(), headers=key))

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {a.status_code for a in answers} == {202}
    assert len({a.get_json()["photo"]["id"] for a in answers}) == 1
    other = student.upload(path, jpeg(colour=(9, 9, 9)), headers=key)
    assert problem(other) == (422, "idempotency_key_reused")
    with committed() as session:
        assert session.scalar(select(func.count()).select_from(Photo)) == 1


def test_a_batch_outside_its_window_takes_nobody(api, student, settings, committed, person):
    from datetime import UTC, datetime, timedelta

    now = datetime.now(UTC)
    windows = {
        "upcoming": {"opens_at": now + timedelta(days=1), "closes_at": now + timedelta(days=2)},
        "closed": {"opens_at": now - timedelta(days=2), "closes_at": now - timedelta(days=1)},
    }
    for phase, window in windows.items():
        with committed() as session:
            batch = make_batch(session, **window)
            session.commit()
            _ = batch.school.code
        assert api.get(f"/batches/{batch.feature_code}").get_json()["state"] == phase
        answer = student.post(
            f"/batches/{batch.feature_code}/identify", {"id_last4": "1234", "capture_code": "x"}
        )
        assert problem(answer) == (409, "batch_not_open")
    with committed() as session:
        draft = make_batch(session, state="draft")
        session.commit()
    assert problem(api.get(f"/batches/{draft.feature_code}")) == (404, "batch_not_found")


def test_tickets_are_a_conversation(student):
    ticket = student.post("/tickets", {"subject": "退款", "body": "何时到账？\n谢谢"})
    assert ticket.status_code == 201
    one = ticket.get_json()["ticket"]["id"]
    assert student.post(f"/tickets/{one}/messages", {"body": "补充"}).status_code == 201
    messages = student.get(f"/tickets/{one}/messages").get_json()["items"]
    assert [m["body"] for m in messages] == ["何时到账？\n谢谢", "补充"]
    assert student.get("/tickets").get_json()["items"][0]["state"] == "open"


def test_the_address_book_keeps_one_default(student):
    fields = {"recipient": "𠮷野·家", "phone": "13800000001", "province": "沪", "city": "沪",
              "district": "杨浦", "detail": "邯郸路"}  # fmt: skip
    first = student.post("/addresses", fields).get_json()["address"]
    second = student.post("/addresses", fields | {"is_default": True}).get_json()["address"]
    book = student.get("/addresses").get_json()["items"]
    assert [(a["id"], a["is_default"]) for a in book] == [
        (second["id"], True),
        (first["id"], False),
    ]
    assert book[0]["recipient"] == "𠮷野·家"
    changed = student.patch(f"/addresses/{first['id']}", {"city": "上海", "is_default": True})
    assert changed.get_json()["address"]["city"] == "上海"
    assert student.delete(f"/addresses/{first['id']}").status_code == 200
    assert problem(student.get(f"/addresses/{first['id']}")) == (404, "address_not_found")
