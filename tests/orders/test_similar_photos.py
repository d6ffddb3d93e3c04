"""Pictures that look the same are found among all uploads, by index."""

from __future__ import annotations

import random

import pytest
from sqlalchemy import select, text

from backoffice.models import Photo
from backoffice.orders.similar_photos import similar_photos
from backoffice.photos import duplicates
from tests.factories import make_order, make_photo

LOOK = 0x8F3A_51C2_0D77_E4B9


def look(*flipped: int) -> bytes:
    """LOOK with some bits changed."""
    value = LOOK
    for bit in flipped:
        value ^= 1 << bit
    return value.to_bytes(8, "big")


@pytest.fixture
def asked(session) -> Photo:
    return make_photo(session, make_order(session, state="paid"), perceptual_hash=look())


def test_the_database_cuts_the_bands_as_the_code_does(session, asked):
    stored = session.scalar(select(Photo.look_bands).where(Photo.id == asked.id))
    assert stored == duplicates.bands(look().hex())


def test_up_to_four_bits_apart_is_always_found(session, asked):
    rng = random.Random(1)
    order = make_order(session, state="paid")
    far = make_photo(session, order, perceptual_hash=look(*range(0, 60, 10)))
    near = [
        make_photo(session, order, perceptual_hash=look(*rng.sample(range(64), 4)))
        for _ in range(8)
    ]
    near.append(make_photo(session, order, perceptual_hash=look(3)))
    found = similar_photos(session, asked)
    assert {row.photo_id for row in found} == {photo.id for photo in near}
    assert far.id not in {row.photo_id for row in found}
    assert (found[0].photo_id, found[0].distance) == (near[-1].id, 1)
    assert [row.distance for row in found[1:]] == [4] * 8
    assert not any(row.same_student or row.same_file or row.rejected for row in found)


def test_the_same_file_is_found_without_a_fingerprint(session, asked):
    twin = make_photo(
        session, make_order(session, state="paid"), original_sha256=asked.original_sha256
    )
    (row,) = similar_photos(session, asked)
    assert (row.photo_id, row.same_file, row.distance) == (twin.id, True, 0)


def test_a_standing_rejection_is_told_and_an_unfinished_picture_is_no_pair(session, asked):
    order = make_order(session, state="rejected")
    rejected = session.get_one(Photo, order.photo_id)
    rejected.perceptual_hash = look(1)
    make_photo(session, order, "failed", perceptual_hash=look())
    session.flush()
    (row,) = similar_photos(session, asked)
    assert (row.photo_id, row.rejected) == (rejected.id, True)
    mine = make_photo(session, order, perceptual_hash=look(2))
    assert next(r for r in similar_photos(session, mine) if r.rejected).same_student


def test_the_search_goes_through_the_index(session, asked):
    session.execute(text("SET LOCAL enable_seqscan = off"))
    plan = session.scalars(
        text("EXPLAIN SELECT id FROM photos WHERE look_bands && ARRAY[1, 8193]")
    ).all()
    assert any("ix_photos_look_bands" in line for line in plan)
