"""Nobody reviews what lies on another desk; a silent desk gives its photo back."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from backoffice.models import Order, ReviewLease, Timer
from backoffice.review import leases
from backoffice.workflows.orders import build_engine
from backoffice.workflows.timers import fire_one_due
from tests.factories import make_batch, make_order, make_staff

engine = build_engine()
NOW = datetime.now(UTC)
LATER = NOW + leases.LEASE


@pytest.fixture
def desk(session):
    """Two photos that wait, and two reviewers."""
    batch = make_batch(session)
    orders = [make_order(session, batch, "pending_review") for _ in range(2)]
    return orders, [make_staff(session, "reviewer").id for _ in range(2)]


WAITING = select(Order).where(Order.state == "pending_review").order_by(Order.entered_at, Order.id)


def claim(session, staff_id, now=NOW):
    return leases.claim_next(session, staff_id, WAITING, now=now)


def test_two_reviewers_get_two_photos_oldest_first(session, desk):
    (old, new), (one, two) = desk
    assert claim(session, one).id == old.id
    assert claim(session, two).id == new.id
    assert claim(session, make_staff(session, "reviewer").id) is None


def test_a_reload_shows_the_same_photo(session, desk):
    _, (one, _) = desk
    assert claim(session, one).id == claim(session, one).id
    assert len(session.scalars(select(ReviewLease)).all()) == 1


def test_a_silent_desk_gives_its_photo_back(session, desk):
    (old, _), (one, two) = desk
    claim(session, one)
    leases.require(session, one, old.id, now=LATER - timedelta(seconds=1))
    with pytest.raises(leases.LeaseLost):
        leases.require(session, one, old.id, now=LATER)
    assert claim(session, two, LATER).id == old.id
    with pytest.raises(leases.LeaseLost):
        leases.require(session, one, old.id, now=LATER)
    leases.require(session, two, old.id, now=LATER)


def test_signs_of_life_keep_it(session, desk):
    (old, new), (one, two) = desk
    claim(session, one)
    leases.extend(session, one, old.id, now=LATER - timedelta(seconds=1))
    assert claim(session, two, LATER).id == new.id
    with pytest.raises(leases.LeaseLost):
        leases.extend(session, two, old.id, now=LATER)


@pytest.mark.parametrize("outcome", ["decided", "skipped", "released"])
def test_giving_up_frees_the_photo_at_once(session, desk, outcome):
    (old, _), (one, two) = desk
    claim(session, one)
    leases.give_up(session, two, old.id, outcome)  # not theirs: nothing happens
    leases.require(session, one, old.id, now=NOW)
    leases.give_up(session, one, old.id, outcome)
    assert session.scalars(select(ReviewLease.outcome)).one() == outcome
    assert claim(session, two).id == old.id


def test_the_timer_ends_what_is_silent_and_waits_for_what_lives(session, desk):
    (old, _), (one, _) = desk
    claim(session, one)
    leases.extend(session, one, old.id, now=NOW + timedelta(minutes=1))
    actions = {leases.EXPIRE: leases.expire}
    fire_one_due(session, engine, actions, now=LATER)
    lease = session.scalars(select(ReviewLease)).one()
    assert lease.ended_at is None
    fire_one_due(session, engine, actions, now=LATER + timedelta(minutes=1))
    session.refresh(lease)
    assert lease.outcome == "expired"
    fired = session.scalars(select(Timer.outcome).where(Timer.action == leases.EXPIRE)).all()
    assert sorted(fired) == ["expired", "extended"]


def test_the_database_allows_one_live_lease(session, desk):
    (old, _), (one, two) = desk
    claim(session, one)
    session.add(ReviewLease(order_id=old.id, staff_id=two, expires_at=LATER))
    with pytest.raises(IntegrityError, match="uq_review_leases_live_order"):
        session.flush()


def test_any_number_of_reviewers_at_once_never_share_a_photo(committed):
    with committed() as session:
        batch = make_batch(session)
        waiting = {make_order(session, batch, "pending_review").id for _ in range(6)}
        staff = [make_staff(session, "reviewer").id for _ in range(6)]
        session.commit()
    barrier = threading.Barrier(len(staff))

    def work(staff_id):
        with committed() as session:
            barrier.wait(timeout=10)
            order = claim(session, staff_id)
            session.commit()
            return order and order.id

    with ThreadPoolExecutor(len(staff)) as pool:
        claimed = [f.result(timeout=30) for f in [pool.submit(work, s) for s in staff]]
    got = [order_id for order_id in claimed if order_id]
    assert len(got) == len(set(got))
    assert set(got) <= waiting
    # who met only locked rows asks again, as the page does
    for staff_id, order_id in zip(staff, claimed, strict=True):
        if order_id is None:
            got.append(work_alone(committed, staff_id))
    assert set(got) == waiting


def work_alone(committed, staff_id):
    with committed() as session:
        order = claim(session, staff_id)
        session.commit()
        return order.id


def test_a_cleared_desk_frees_everything(session, desk):
    (old, _), (one, two) = desk
    claim(session, one)
    leases.clear_desk(session, one)
    assert claim(session, two).id == old.id
