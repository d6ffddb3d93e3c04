"""photo.process with the real pipeline and models; what goes wrong is told, never repeated for ever."""

from __future__ import annotations

import hashlib
import io
import signal
import uuid

import pytest
from PIL import Image
from sqlalchemy import update

from backoffice.models import Order, OutboxRow, Photo
from backoffice.photos.duplicates import look_of
from backoffice.photos.reading import decode
from tests.factories import make_order, make_photo
from tests.worker.waiting import wait_until
from worker import dispatcher
from worker.jobs import photo as photo_jobs
from worker.jobs import run


@pytest.fixture(scope="session")
def portrait() -> bytes:
    """The astronaut of scikit-image, as a phone would upload her."""
    from skimage import data

    buffer = io.BytesIO()
    Image.fromarray(data.astronaut()).resize((1024, 1024)).save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


@pytest.fixture
def upload(context, committed, photo_models):
    """Store an original and queue its job, as the upload does; returns photo and row ids."""

    def put(
        data: bytes, *, stored: bool = True, order_id: uuid.UUID | None = None
    ) -> tuple[uuid.UUID, uuid.UUID]:
        with committed() as session:
            order = session.get(Order, order_id) if order_id else make_order(session, state="paid")
            photo = make_photo(
                session, order, "queued", original_sha256=hashlib.sha256(data).digest()
            )
            if stored:
                context.storage.put(photo.original_key, data)
            row = OutboxRow(
                order_id=order.id, effect="photo.process", queue="photos",
                payload={"photo_id": str(photo.id)}, dedupe_key=f"photo/{photo.id}",
            )  # fmt: skip
            session.add(row)
            session.execute(
                update(OutboxRow).where(OutboxRow.effect != "photo.process").values(state="done")
            )
            session.commit()
            return photo.id, row.id

    return put


@pytest.fixture
def get(committed):
    def read(table, row_id):
        with committed() as session:
            return session.get(table, row_id)

    return read


@pytest.fixture
def process(committed):
    def go(row_id) -> None:
        with committed() as session:
            session.execute(
                update(OutboxRow)
                .where(OutboxRow.id == row_id, OutboxRow.state == "waiting")
                .values(state="published")
            )
            session.commit()
        run(str(row_id))

    return go


def test_a_good_picture_passes(context, upload, process, get, portrait):
    photo_id, row_id = upload(portrait)
    process(row_id)
    photo = get(Photo, photo_id)
    assert (photo.status, photo.failure_code) == ("passed", None)
    jpeg = context.storage.get(photo.result_key)
    assert Image.open(io.BytesIO(jpeg)).size == (480, 640)
    assert hashlib.sha256(jpeg).digest() == photo.result_sha256
    assert (photo.result_bytes, len(photo.perceptual_hash)) == (len(jpeg), 8)
    assert 50 <= photo.geometry["hair_top"] <= 110
    assert {c["code"] for c in photo.checks} >= {"face_count", "hair_top", "eye_line"}
    for check in photo.checks:
        assert set(check) == {
            "code", "passed", "value", "limits", "severity", "advice", "rejection_code"
        }  # fmt: skip
        assert check["passed"] is (check["advice"] is None)
    assert get(OutboxRow, row_id).state == "done"


def test_processing_twice_changes_nothing(context, upload, process, get, portrait, committed):
    photo_id, row_id = upload(portrait)
    process(row_id)
    before = get(Photo, photo_id).processed_at
    with committed() as session:
        session.execute(update(OutboxRow).values(state="published"))
        session.commit()
    run(str(row_id))
    assert get(Photo, photo_id).processed_at == before


@pytest.mark.parametrize(
    ("cut", "code"),
    [
        (lambda jpeg: b"no picture at all", "not_an_image"),
        (lambda jpeg: jpeg[:9000], "image_truncated"),
    ],
    ids=["no picture", "truncated"],
)
def test_no_picture_is_a_failed_photo_with_advice(upload, process, get, portrait, cut, code):
    photo_id, row_id = upload(cut(portrait))
    process(row_id)
    photo = get(Photo, photo_id)
    assert (photo.status, photo.failure_code) == ("failed", code)
    (check,) = photo.checks
    assert check["advice"]["zh"]
    assert check["advice"]["en"]
    assert get(OutboxRow, row_id).state == "done"


def test_without_a_face(upload, process, get):
    buffer = io.BytesIO()
    Image.new("RGB", (800, 1000), (120, 160, 200)).save(buffer, "JPEG")
    photo_id, row_id = upload(buffer.getvalue())
    process(row_id)
    assert (get(Photo, photo_id).status, get(Photo, photo_id).failure_code) == (
        "failed",
        "no_face",
    )


def test_a_pipeline_that_breaks_is_tried_twice(upload, process, get, portrait, monkeypatch):
    from backoffice.photos import pipeline

    calls = []

    def broken(*_: object) -> None:
        calls.append(1)
        raise IndexError("surprise")

    monkeypatch.setattr(pipeline, "process", broken)
    photo_id, row_id = upload(portrait)
    process(row_id)
    assert get(Photo, photo_id).status == "queued"
    process(row_id)
    photo, row = get(Photo, photo_id), get(OutboxRow, row_id)
    assert (photo.status, photo.failure_code) == ("failed", "processing_failed")
    assert (row.state, row.last_error) == ("dead", "IndexError")
    process(row_id)
    assert len(calls) == 2


def test_too_slow_is_a_failed_photo(upload, process, get, portrait, monkeypatch):
    from rq.timeouts import JobTimeoutException

    from backoffice.photos import pipeline

    def slow(*_: object) -> None:
        raise JobTimeoutException

    monkeypatch.setattr(pipeline, "process", slow)
    photo_id, row_id = upload(portrait)
    process(row_id)
    photo = get(Photo, photo_id)
    assert (photo.status, photo.failure_code) == ("failed", "processing_timeout")


def test_storage_away_waits_and_does_not_fail_the_photo(
    context, upload, process, get, portrait, monkeypatch
):
    from backoffice.storage import FolderStorage, StorageUnavailable

    def away(*_: object) -> None:
        raise StorageUnavailable

    photo_id, row_id = upload(portrait)
    with monkeypatch.context() as patch:
        patch.setattr(FolderStorage, "get", away)
        for _ in range(4):
            process(row_id)
    assert get(Photo, photo_id).status == "queued"
    row = get(OutboxRow, row_id)
    assert (row.state, row.tries, row.last_error) == ("waiting", 4, "storage_unavailable")
    process(row_id)
    assert get(Photo, photo_id).status == "passed"


def test_a_missing_original_fails(upload, process, get, portrait):
    photo_id, row_id = upload(portrait, stored=False)
    process(row_id)
    process(row_id)
    assert get(Photo, photo_id).failure_code == "processing_failed"


def test_a_picture_that_kills_its_worker_is_given_up(upload, process, get, portrait, committed):
    photo_id, row_id = upload(portrait)
    with committed() as session:
        session.execute(update(Photo).values(status="processing"))
        session.execute(update(OutboxRow).values(tries=photo_jobs.MAX_CRASHES))
        session.commit()
    process(row_id)
    assert get(Photo, photo_id).failure_code == "processing_failed"


def test_a_killed_photo_worker_is_taken_over(
    context, committed, redis, upload, get, portrait, processes, publish
):
    """kill -9 while the picture is being worked; the next worker finishes it."""
    photo_id, row_id = upload(portrait)
    first = processes.start("-m", "worker", "photos")
    publish()
    wait_until(lambda: get(Photo, photo_id).status != "queued", 60)
    first.send_signal(signal.SIGKILL)
    first.wait()
    if get(Photo, photo_id).status == "processing":

        def swept() -> int:
            with committed() as session:
                return dispatcher.sweep(session, redis, 0)

        assert wait_until(swept) == 1
        publish()
        second = processes.start("-m", "worker", "photos")
        wait_until(lambda: get(Photo, photo_id).status == "passed", 60)
        wait_until(lambda: get(OutboxRow, row_id).state == "done")
        second.send_signal(signal.SIGTERM)
        assert second.wait(timeout=20) == 0
    assert get(Photo, photo_id).status == "passed"


def resaved(jpeg: bytes) -> bytes:
    """The same picture as another file: smaller and compressed anew."""
    buffer = io.BytesIO()
    Image.open(io.BytesIO(jpeg)).resize((900, 900)).save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("whose", "status", "failed"),
    [("own", "failed", {"seen_before"}), ("other", "passed", {"seen_elsewhere"})],
)
def test_a_rejected_picture_comes_back(
    upload, process, get, portrait, committed, whose, status, failed
):
    """Saved anew it is no other picture: one's own is refused, another student's is flagged."""
    with committed() as session:
        rejected = make_order(session, state="rejected")
        session.get_one(Photo, rejected.photo_id).perceptual_hash = bytes.fromhex(
            look_of(decode(portrait).rgb)
        )
        order_id = rejected.id
        session.commit()
    photo_id, row_id = upload(resaved(portrait), order_id=order_id if whose == "own" else None)
    process(row_id)
    photo = get(Photo, photo_id)
    seen = {c["code"]: c for c in photo.checks if c["code"].startswith("seen_")}
    assert set(seen) == {"seen_before", "seen_elsewhere"}
    assert {code for code, check in seen.items() if not check["passed"]} == failed
    assert photo.status == status
    assert (photo.result_key is None) == (whose == "own")
    assert photo.failure_code == ("seen_before" if whose == "own" else None)
