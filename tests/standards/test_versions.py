"""Versions of the photo standards in the database."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from backoffice.batches.operations import newest_standard
from backoffice.errors import InvalidInput
from backoffice.models import BatchChange, PhotoStandard
from backoffice.models.vocabulary import BatchState
from backoffice.photos.standards import BUILTIN
from backoffice.reference import load_reference_data
from backoffice.standards.versions import (
    StandardChangedMeanwhile,
    StandardUnchanged,
    batches_by_version,
    batches_on_other_versions,
    make_version,
    move_batches,
    restore,
    retire,
    versions_of,
)
from tests.factories import make_batch, make_order, make_school, make_staff

BLUE = BUILTIN["chsi-degree-blue"]


@pytest.fixture
def author(session):
    return make_staff(session, "admin")


def test_a_change_makes_the_next_version_and_keeps_the_old_one(session, author):
    stricter = replace(BLUE, max_eye_angle=4.0)
    row = make_version(session, stricter, based_on=1, staff_id=author.id, note=" 按学校要求 ")
    assert (row.name, row.version, row.note, row.author_id) == (
        BLUE.name,
        2,
        "按学校要求",
        author.id,
    )
    assert row.as_standard() == replace(stricter, version=2)
    first = versions_of(session, BLUE.name)[1]
    assert first.as_standard() == BLUE
    assert first.retired_at is not None
    assert newest_standard(session, BLUE.name) is row


def test_a_new_name_begins_with_version_one(session, author):
    row = make_version(session, replace(BLUE, name="school-own"), based_on=0, staff_id=author.id)
    assert row.version == 1
    with pytest.raises(InvalidInput) as refused:
        make_version(session, replace(BLUE, name="school-own"), based_on=0, staff_id=author.id)
    assert refused.value.field == "name"


def test_saving_the_same_again_makes_no_version(session, author):
    with pytest.raises(StandardUnchanged):
        make_version(session, BLUE, based_on=1, staff_id=author.id)


def test_two_editors_do_not_overwrite_each_other(session, author):
    make_version(session, replace(BLUE, dpi=350), based_on=1, staff_id=author.id)
    with pytest.raises(StandardChangedMeanwhile, match="2"):
        make_version(session, replace(BLUE, dpi=400), based_on=1, staff_id=author.id)


def test_nonsense_is_refused_by_field(session, author):
    with pytest.raises(InvalidInput) as refused:
        make_version(session, replace(BLUE, max_bytes=10), based_on=1, staff_id=author.id)
    assert refused.value.field == "max_bytes"
    assert len(versions_of(session, BLUE.name)) == 1


def test_retired_is_for_no_new_batch_and_can_come_back(session, author):
    second = make_version(session, replace(BLUE, dpi=350), based_on=1, staff_id=author.id)
    first = versions_of(session, BLUE.name)[1]
    retire(session, second)
    assert (
        session.scalars(
            select(PhotoStandard).where(
                PhotoStandard.name == BLUE.name, PhotoStandard.retired_at.is_(None)
            )
        ).all()
        == []
    )
    restore(session, first)
    assert newest_standard(session, BLUE.name) is first


def test_batches_move_when_told_and_placed_orders_stay(session, author):
    order = make_order(session)
    batch = order.batch
    closed = make_batch(session, make_school(session), state=BatchState.CLOSED)
    old = batch.standard
    new = make_version(session, replace(BLUE, dpi=350), based_on=1, staff_id=author.id)
    assert batch.standard is old  # nothing moves by itself
    assert batches_on_other_versions(session, new) == [batch]
    assert move_batches(session, new, author.id) == [batch]
    assert batch.standard is new
    assert closed.standard is old
    assert order.standard_id == old.id
    line = session.scalars(select(BatchChange).where(BatchChange.batch_id == batch.id)).all()[-1]
    assert line.staff_id == author.id
    assert line.changes == [
        {"field": "standard", "old": "chsi-degree-blue v1", "new": "chsi-degree-blue v2"}
    ]
    assert batches_by_version(session, BLUE.name) == {old.id: 1, new.id: 1}


def test_the_products_own_change_is_a_version_too_unless_staff_edited(session, author, monkeypatch):
    changed = replace(BLUE, dpi=350)
    monkeypatch.setitem(BUILTIN, BLUE.name, changed)
    load_reference_data(session)
    load_reference_data(session)
    newest, first = versions_of(session, BLUE.name)
    assert (newest.version, newest.as_standard().dpi) == (2, 350)
    assert first.as_standard() == BLUE
    make_version(session, replace(changed, dpi=400), based_on=2, staff_id=author.id)
    monkeypatch.setitem(BUILTIN, BLUE.name, replace(BLUE, dpi=500))
    load_reference_data(session)
    assert [row.as_standard().dpi for row in versions_of(session, BLUE.name)] == [400, 350, 300]


def test_the_standard_bounds_album_and_attempts(session, author):
    order = make_order(session)
    assert order.standard.allows_album
    assert order.standard.attempts_within(30) == 30
    strict = replace(BLUE, allow_album=False, max_attempts=3)
    row = make_version(session, strict, based_on=1, staff_id=author.id)
    assert not row.allows_album
    assert (row.attempts_within(30), row.attempts_within(2)) == (3, 2)
