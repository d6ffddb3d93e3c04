"""Files nobody points to go after a day; whatever a row names stays."""

from __future__ import annotations

import os
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from backoffice.crypto import keyring
from backoffice.models import PhotoUpload
from backoffice.retention.orphans import GRACE, OWNERS, purge_orphans
from backoffice.storage import FolderStorage
from tests.factories import make_batch, make_order, make_photo

NOW = datetime.now(UTC)


def later():
    """Long enough after a file was written just now."""
    return datetime.now(UTC) + GRACE + timedelta(minutes=1)


@pytest.fixture
def storage(tmp_path):
    return FolderStorage(tmp_path / "store", keyring())


def left(storage, *keys):
    return [key for key in keys if storage.exists(key)]


def test_a_picture_whose_row_was_never_committed_goes(committed, storage):
    orphan, owned, made = (f"photos/2027/03/{uuid.uuid4().hex}/{n}" for n in ("o", "p", "r"))
    for key in (orphan, owned, made):
        storage.put(key, b"x")
    with committed() as session:
        order = make_order(session, make_batch(session), "paid")
        make_photo(session, order, original_key=owned, result_key=made)
        session.commit()
        assert purge_orphans(session, storage, NOW) == 0  # it may be on its way
        assert purge_orphans(session, storage, later()) == 1
    assert left(storage, orphan, owned, made) == [owned, made]


def test_parts_of_uploads_stay_with_their_upload(committed, storage):
    with committed() as session:
        order = make_order(session, make_batch(session), "paid")
        upload = PhotoUpload(
            order_id=order.id, student_id=order.student_id, source="camera", total_bytes=9,
            expires_at=NOW,
        )  # fmt: skip
        session.add(upload)
        session.commit()
        # the second part was written and its row not yet committed
        mine = [f"uploads/{upload.id}/0", f"uploads/{upload.id}/65536"]
        orphan = f"uploads/{uuid.uuid4()}/0"
        for key in (*mine, orphan, "uploads/strange"):
            storage.put(key, b"x")
        assert purge_orphans(session, storage, later()) == 2
    assert left(storage, *mine, orphan) == mine


@pytest.mark.parametrize("folder", ["roster-uploads", "batches", "exports"])
def test_files_of_other_rooms_are_looked_at_too(committed, storage, folder):
    assert folder in OWNERS
    storage.put(f"{folder}/{uuid.uuid4().hex}", b"x")
    with committed() as session:
        assert purge_orphans(session, storage, later()) == 1


def test_what_is_no_folder_of_rows_is_left_alone(committed, storage):
    storage.put("probe/x", b"x")
    with committed() as session:
        assert purge_orphans(session, storage, later()) == 0
    assert storage.exists("probe/x")


def test_files_being_written_are_no_keys(storage):
    storage.put("photos/a/x", b"x")
    hidden = storage.root / "photos" / "a" / ".x.tmp"
    hidden.write_bytes(b"half")
    os.utime(hidden, (0, 0))
    assert list(storage.keys("photos", later())) == ["photos/a/x"]
    assert list(storage.keys("photos", NOW - timedelta(hours=1))) == []
    assert list(storage.keys("nothing", later())) == []
