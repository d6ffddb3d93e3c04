"""Uploads are put off when too many pictures wait for the machine."""

from __future__ import annotations

import pytest

from backoffice.models import Photo
from backoffice.models.vocabulary import PhotoStatus
from backoffice.orders.photo_queue import PhotoQueueFull, check_room, waiting
from tests.factories import make_order, make_photo


def test_only_pictures_that_wait_count(session):
    order = make_order(session, state="paid")
    before = waiting(session, 100)
    photos: list[Photo] = [make_photo(session, order) for _ in range(3)]
    for photo, status in zip(photos, ("queued", "queued", "failed"), strict=True):
        photo.status = PhotoStatus(status)
    session.flush()
    assert waiting(session, 100) == before + 2
    assert waiting(session, 1) == 1  # counts no further than asked
    check_room(session, before + 3)
    with pytest.raises(PhotoQueueFull):
        check_room(session, before + 2)
