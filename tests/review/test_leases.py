"""Nobody reviews what lies on another desk; a silent desk gives its photo back."""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from backoffice.models import ReviewLease
from backoffice.review import holds, leases
from backoffice.review.queue import QueueFilter, Reviewer, unheld
from tests.factories import make_batch, make_order, make_staff

NOW = datetime.now(UTC)
LATER = NOW + leases.LEASE


@pytest.fixture
def desk(session):
    """Two photos that wait, and two reviewers."""
    batch = make_batch(session)
    orders = [make_order(session, batch, "pending_review") for _ in range(2)]
    return orders, [make_staff(session, "reviewer").id for _ in range(2)]


def claim(session, staff_id, now=NOW, count=1):
    query = unheld(Reviewer(staff_id), QueueFilter(), now)
    return leases.claim(session, staff_id, query, count, now=now)


def test_two_reviewers_get_two_photos_oldest_first(session, desk):
    (old, new), (one, two) = desk
    assert [i for i, _ in claim(session, one)] == [old.id]
    assert [i for i, _ in claim(session, two, count=5)] == [new.id]
    assert claim(session, make_staff(session, "reviewer").id) == []
    assert claim(session, one) == []  # what lies here already is not handed out again


def test_a_silent_desk_gives_its_photo_back(session, desk):
    (old, _), (one, two) = desk
    ((_, token),) = claim(session, one)
    assert leases.held(session, one, old.id, token, now=LATER - timedelta(seconds=1)).id == token
    with pytest.raises(leases.LeaseLost):
        leases.held(session, one, old.id, token, now=LATER)
    ((taken, other),) = claim(session, two, LATER)
    assert taken == old.id
    with pytest.raises(leases.LeaseLost):
        leases.held(session, one, old.id, token, now=LATER)
    assert leases.held(session, two, old.id, other, now=LATER).id == other
    outcomes = session.scalars(select(ReviewLease.outcome).order_by(ReviewLease.expires_at)).all()
    assert outcomes == ["expired", None]


def test_signs_of_life_keep_it(session, desk):
    (_, new), (one, two) = desk
    ((_, token),) = claim(session, one)
    assert holds.extend(session, one, [token], now=LATER - timedelta(seconds=1)) == {token}
    assert [i for i, _ in claim(session, two, LATER, count=2)] == [new.id]
    assert holds.extend(session, two, [token], now=LATER) == set()
    assert holds.extend(session, one, [token], now=LATER + leases.LEASE) == set()


@pytest.mark.parametrize("outcome", ["skipped", "released"])
def test_giving_up_frees_the_photo_at_once(session, desk, outcome):
    (old, _), (one, two) = desk
    ((_, token),) = claim(session, one)
    holds.give_back(session, two, outcome, [token])  # not theirs: nothing happens
    assert leases.held(session, one, old.id, token, now=NOW).ended_at is None
    holds.give_back(session, one, outcome, [token])
    session.expire_all()
    assert session.scalars(select(ReviewLease.outcome)).one() == outcome
    assert [i for i, _ in claim(session, two)] == [old.id]


def test_a_token_fits_one_order_and_one_reviewer(session, desk):
    (old, new), (one, two) = desk
    ((_, token),) = claim(session, one)
    for staff_id, order_id in ((two, old.id), (one, new.id)):
        with pytest.raises(leases.LeaseLost):
            leases.held(session, staff_id, order_id, token, now=NOW)
    assert leases.held(session, one, old.id, uuid.uuid4(), now=NOW) is None


def test_the_database_allows_one_live_lease(session, desk):
    (old, _), (one, two) = desk
    claim(session, one)
    assert leases.take(session, two, [old.id], now=NOW) == {}
    session.add(ReviewLease(order_id=old.id, staff_id=two, expires_at=LATER))
    with pytest.raises(IntegrityError, match="uq_review_leases_live_order"):
        session.flush()


def test_any_number_of_reviewers_at_once_never_share_a_photo(committed):
    with committed() as session:
        batch = make_batch(session)
        waiting = {make_order(session, batch, "pending_review").id for _ in range(12)}
        staff = [make_staff(session, "reviewer").id for _ in range(6)]
        session.commit()
    barrier = threading.Barrier(len(staff))

    def work(staff_id):
        with committed() as session:
            barrier.wait(timeout=10)
            got = claim(session, staff_id, count=2)
            session.commit()
            return got

    with ThreadPoolExecutor(len(staff)) as pool:
        claimed = [f.result(timeout=30) for f in [pool.submit(work, s) for s in staff]]
    got = [order_id for desk in claimed for order_id, _ in desk]
    assert len(got) == len(set(got))
    with committed() as session:  # who met only locked rows asks again, as the page does
        got += [order_id for order_id, _ in claim(session, staff[0], count=12)]
    assert len(got) == len(set(got))
    assert set(got) == waiting


def test_a_cleared_desk_frees_everything(session, desk):
    _, (one, two) = desk
    assert len(claim(session, one, count=2)) == 2
    holds.give_back(session, one)
    assert len(claim(session, two, count=2)) == 2
