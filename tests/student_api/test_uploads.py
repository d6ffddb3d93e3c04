"""Uploads in parts: what arrives, what is refused, what a dropped connection costs."""

from __future__ import annotations

import dataclasses
import hashlib
import uuid
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from backoffice.models import Photo, PhotoUpload
from backoffice.orders.uploads import PART_MIN_BYTES, purge_uploads
from backoffice.services import services
from tests.factories import make_batch
from tests.student_api.conftest import another_person, identified, jpeg, ordered, paid, signed_in
from tests.student_api.test_sign_in import problem

PART = "application/offset+octet-stream"


@pytest.fixture
def picture():
    """A real JPEG of several parts: bytes after its end do no harm."""
    data = jpeg(900, 1200)
    return data + bytes(3 * PART_MIN_BYTES - len(data) + 100)


@pytest.fixture
def order(student, settings, committed, batch, person):
    order = ordered(student, identified(student, settings, committed, batch, person))
    paid(student, order)
    return order


def begin(student, order, data, **changes):
    body = {"source": "camera", "total_bytes": len(data)} | changes
    return student.post(f"/orders/{order['id']}/uploads", body)


def send(student, upload_id, data, offset, content_type=PART):
    return student.call(
        "PATCH",
        f"/uploads/{upload_id}",
        data=data,
        content_type=content_type,
        headers={"Upload-Offset": str(offset)},
    )


def begun(student, order, data, **changes):
    answer = begin(student, order, data, **changes)
    assert answer.status_code == 201, answer.get_json()
    return answer.get_json()["upload"]["id"]


def stored(app, upload_id):
    folder = services_of(app).storage.root / "uploads" / upload_id
    return sorted(int(path.name) for path in folder.glob("*")) if folder.exists() else []


def services_of(app):
    with app.app_context():
        return services()


def test_a_picture_in_parts_after_a_dropped_connection(app, student, order, picture, committed):
    upload = begun(student, order, picture, sha256=hashlib.sha256(picture).hexdigest())
    first = send(student, upload, picture[:PART_MIN_BYTES], 0)
    assert first.get_json()["upload"]["offset"] == PART_MIN_BYTES
    # the answer to the second part was lost: the client asks, and sends it again all the same
    second = picture[PART_MIN_BYTES : 2 * PART_MIN_BYTES]
    for _ in range(2):
        assert send(student, upload, second, PART_MIN_BYTES).status_code == 200
    offset = student.get(f"/uploads/{upload}").get_json()["upload"]["offset"]
    assert offset == 2 * PART_MIN_BYTES
    early = student.post(f"/uploads/{upload}/complete")
    assert problem(early) == (409, "upload_incomplete")
    send(student, upload, picture[offset:], offset)
    done = student.post(f"/uploads/{upload}/complete")
    assert done.status_code == 202
    photo = done.get_json()["photo"]
    assert student.post(f"/uploads/{upload}/complete").get_json() == done.get_json()
    with committed() as session:
        row = session.get_one(Photo, uuid.UUID(photo["id"]))
        assert row.original_sha256 == hashlib.sha256(picture).digest()
        assert session.scalar(select(func.count()).select_from(Photo)) == 1
        assert services_of(app).storage.get(row.original_key) == picture
    assert problem(send(student, upload, second, 0)) == (409, "upload_done")
    assert problem(student.delete(f"/uploads/{upload}")) == (409, "upload_done")


def test_parts_are_sealed(app, student, order, picture):
    upload = begun(student, order, picture)
    send(student, upload, picture[:PART_MIN_BYTES], 0)
    path = services_of(app).storage.root / "uploads" / upload / "0"
    assert picture[:200] not in path.read_bytes()


@pytest.mark.parametrize(
    ("offset", "size", "status", "code"),
    [
        (1, PART_MIN_BYTES, 409, "upload_offset_wrong"),
        (PART_MIN_BYTES, PART_MIN_BYTES, 409, "upload_offset_wrong"),
        (0, 0, 422, "upload_part_invalid"),
        (0, 100, 422, "upload_part_invalid"),
        (0, 3 * PART_MIN_BYTES + 101, 422, "upload_part_invalid"),
        (0, 4 * 1024 * 1024 + 1, 413, "request_too_large"),
        ("x", PART_MIN_BYTES, 422, "invalid_input"),
        ("", PART_MIN_BYTES, 422, "invalid_input"),
        ("-1", PART_MIN_BYTES, 422, "invalid_input"),
        ("٣", PART_MIN_BYTES, 422, "invalid_input"),
        ("9" * 30, PART_MIN_BYTES, 422, "invalid_input"),
    ],
)
def test_parts_that_do_not_fit(student, order, picture, offset, size, status, code):
    upload = begun(student, order, picture)
    assert problem(send(student, upload, bytes(size), offset)) == (status, code)
    assert student.get(f"/uploads/{upload}").get_json()["upload"]["offset"] == 0


@pytest.mark.parametrize("content_type", ["application/json", "image/jpeg", ""])
def test_a_part_says_what_it_is(student, order, picture, content_type):
    upload = begun(student, order, picture)
    answer = send(student, upload, picture[:PART_MIN_BYTES], 0, content_type)
    assert problem(answer) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"total_bytes": 0}, 422, "invalid_input"),
        ({"total_bytes": -1}, 422, "invalid_input"),
        ({"total_bytes": "100"}, 422, "invalid_input"),
        ({"total_bytes": 20 * 1024 * 1024 + 1}, 413, "image_too_large"),
        ({"source": "fax"}, 422, "invalid_input"),
        ({"sha256": "xyz"}, 422, "invalid_input"),
    ],
)
def test_beginnings_that_are_refused(student, order, changes, status, code):
    assert problem(begin(student, order, b"x" * 100, **changes)) == (status, code)


def test_what_is_no_picture_is_refused_at_the_end(student, order):
    upload = begun(student, order, b"x" * 5000)
    send(student, upload, b"x" * 5000, 0)
    answer = student.post(f"/uploads/{upload}/complete")
    assert problem(answer) == (415, "unsupported_image_type")


def test_a_damaged_picture_is_found_by_its_checksum(student, order, picture):
    upload = begun(student, order, picture, sha256="00" * 32)
    send(student, upload, picture, 0)
    assert problem(student.post(f"/uploads/{upload}/complete")) == (422, "upload_checksum_wrong")


def test_only_where_pictures_are_taken(student, settings, committed, batch, person):
    draft = ordered(student, identified(student, settings, committed, batch, person))
    assert problem(begin(student, draft, b"x")) == (409, "photo_not_accepted")


def test_a_new_upload_of_the_order_replaces_the_unfinished_one(app, student, order, picture):
    first = begun(student, order, picture)
    send(student, first, picture[:PART_MIN_BYTES], 0)
    second = begun(student, order, picture)
    assert problem(student.get(f"/uploads/{first}")) == (404, "upload_not_found")
    assert stored(app, first) == []
    assert student.get(f"/uploads/{second}").status_code == 200


def test_somebody_elses_upload_is_not_there(client, student, order, picture):
    upload = begun(student, order, picture)
    other = signed_in(client, another_person())
    for answer in (
        other.get(f"/uploads/{upload}"),
        send(other, upload, picture, 0),
        other.post(f"/uploads/{upload}/complete"),
        other.delete(f"/uploads/{upload}"),
        other.get("/uploads/none"),
    ):
        assert problem(answer) == (404, "upload_not_found")
    assert problem(begin(other, order, picture)) == (404, "order_not_found")


def test_given_up_and_expired_uploads_leave_nothing(app, student, order, picture, committed):
    given_up = begun(student, order, picture)
    send(student, given_up, picture[:PART_MIN_BYTES], 0)
    assert student.delete(f"/uploads/{given_up}").status_code == 200
    assert stored(app, given_up) == []
    left = begun(student, order, picture)
    send(student, left, picture[:PART_MIN_BYTES], 0)
    later = datetime.now(UTC) + timedelta(hours=25)
    with committed() as session:
        assert purge_uploads(session, services_of(app).storage) == 0
        assert purge_uploads(session, services_of(app).storage, later) == 1
        session.commit()
    assert stored(app, left) == []
    assert problem(student.get(f"/uploads/{left}")) == (404, "upload_not_found")


def test_the_parts_of_a_completed_upload_go_and_its_answer_stays(
    app, student, order, picture, committed
):
    upload = begun(student, order, picture)
    send(student, upload, picture, 0)
    done = student.post(f"/uploads/{upload}/complete").get_json()
    with committed() as session:
        assert purge_uploads(session, services_of(app).storage) == 1
        session.commit()
    assert stored(app, upload) == []
    assert student.post(f"/uploads/{upload}/complete").get_json() == done
    later = datetime.now(UTC) + timedelta(hours=25)
    with committed() as session:
        purge_uploads(session, services_of(app).storage, later)
        session.commit()
        assert session.scalar(select(func.count()).select_from(PhotoUpload)) == 0


def test_an_expired_upload_is_not_there_before_the_purge_either(
    app, student, order, picture, monkeypatch
):
    shared = services_of(app)
    monkeypatch.setattr(shared, "settings", dataclasses.replace(shared.settings, upload_hours=0))
    upload = begun(student, order, picture)
    assert problem(send(student, upload, picture, 0)) == (404, "upload_not_found")


def test_attempts_count_pictures_and_not_beginnings(client, settings, committed, picture):
    with committed() as session:
        batch = make_batch(session, max_attempts=1)
        session.commit()
        _ = batch.school.code
    person = another_person()
    student = signed_in(client, person)
    order = ordered(student, identified(student, settings, committed, batch, person))
    paid(student, order)
    for _ in range(3):
        upload = begun(student, order, picture)
    send(student, upload, picture, 0)
    assert student.post(f"/uploads/{upload}/complete").status_code == 202
    assert problem(begin(student, order, picture)) == (409, "photo_attempts_exhausted")


@hypothesis_settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.integers(PART_MIN_BYTES, 3 * PART_MIN_BYTES), max_size=3), st.integers(0, 2**32))
def test_however_it_is_cut_and_repeated_the_file_is_the_same(app, session, sizes, seed):
    """Parts of any sizes, each sent once or twice, give the bytes that were announced."""
    from backoffice.orders.uploads import _key, add_part
    from tests.factories import make_order

    random = Random(seed)
    order = make_order(session, state="paid")
    data = random.randbytes(sum(sizes) + 7)
    upload = PhotoUpload(
        order_id=order.id, student_id=order.student_id, source="camera", total_bytes=len(data),
        received_bytes=0, offsets=[], expires_at=datetime.now(UTC),
    )  # fmt: skip
    session.add(upload)
    session.flush()
    storage = services_of(app).storage
    offset = 0
    for size in [*sizes, 7]:
        for _ in range(random.choice([1, 2])):
            add_part(session, storage, upload, offset, data[offset : offset + size])
        offset += size
    assert upload.received_bytes == len(data)
    assert b"".join(storage.get(_key(upload, o)) for o in upload.offsets) == data
