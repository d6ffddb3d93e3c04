"""How long pictures stay, as the consent texts promise."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from backoffice.crypto import keyring
from backoffice.models import Order, Photo
from backoffice.retention.pictures import purge_pictures
from backoffice.storage import storage_for
from tests.factories import advance, make_batch, make_order, make_photo

NOW = datetime.now(UTC)


@pytest.fixture
def storage(settings):
    return storage_for(settings, keyring())


def order_of(session, state, closed_days_ago, entered_days_ago=0):
    closes = NOW - timedelta(days=closed_days_ago)
    batch = make_batch(session, opens_at=closes - timedelta(days=9), closes_at=closes)
    order = make_order(session, batch, state)
    entered = NOW - timedelta(days=entered_days_ago)
    session.execute(update(Order).where(Order.id == order.id).values(entered_at=entered))
    return order


def stored(session, storage):
    """Put a file behind every key."""
    for photo in session.scalars(select(Photo)):
        for key in filter(None, (photo.original_key, photo.result_key)):
            storage.put(key, b"picture")


@pytest.mark.parametrize(
    ("state", "closed", "entered", "kept"),
    [
        ("completed", 29, 0, ["unused", "chosen"]),
        ("completed", 31, 0, ["chosen"]),
        ("completed", 300, 179, ["chosen"]),
        ("completed", 300, 181, []),
        ("refunded", 29, 29, ["unused"]),
        ("refunded", 31, 31, []),
        ("pending_review", 31, 31, ["chosen"]),
        ("approved", 300, 300, ["chosen"]),  # not completed: somebody still waits for it
    ],
)
def test_when_a_picture_goes(committed, storage, settings, state, closed, entered, kept):
    with committed() as session:
        order = order_of(session, state, closed, entered)
        unused = make_photo(session, order, "failed", original_key=f"photos/x/{order.id}/unused")
        session.commit()
        stored(session, storage)
        names = {order.photo_id: "chosen", unused.id: "unused"}
        paths = {p.id: p.original_key for p in session.scalars(select(Photo))}
        purge_pictures(session, storage, settings, NOW)
        session.expire_all()
        left = [names[p.id] for p in session.scalars(select(Photo)) if p.original_key != "erased"]
    assert sorted(left) == sorted(kept)
    assert sorted(names[i] for i, key in paths.items() if storage.exists(key)) == sorted(kept)


def test_a_reprint_under_way_keeps_the_picture(committed, storage, settings):
    with committed() as session:
        order = order_of(session, "completed", 300, 181)
        reprint = make_order(
            session, order.batch, student=order.student, enrolment=order.enrolment,
            kind="reprint", workflow="reprint_order", parent_id=order.id,
        )  # fmt: skip
        session.commit()
        assert purge_pictures(session, storage, settings, NOW) == 0
        advance(session, reprint, "cancel")
        session.commit()
        assert purge_pictures(session, storage, settings, NOW) == 1
        assert purge_pictures(session, storage, settings, NOW) == 0


def test_what_was_decided_stays_without_the_picture(committed, storage, settings):
    with committed() as session:
        order = order_of(session, "completed", 300, 181)
        session.commit()
        purge_pictures(session, storage, settings, NOW)
        session.expire_all()
        photo = session.scalars(select(Photo)).one()
        assert (photo.status, photo.attempt, photo.checks) == ("passed", 1, [])
        assert (photo.perceptual_hash, set(photo.original_sha256)) == (None, {0})
        assert session.get(Order, order.id).state == "completed"
