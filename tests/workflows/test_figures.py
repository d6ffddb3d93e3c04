"""Service times: known histories in, known medians and percentiles out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from backoffice.workflows import versions
from backoffice.workflows.figures import service_times
from backoffice.workflows.orders import build_engine
from tests.factories import DATA, actor_for, advance, make_batch, make_order, make_staff

START = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)


class Clock:
    now = START

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def engine(clock):
    return build_engine(undo_seconds=60, clock=clock)


@pytest.fixture
def live(session, engine, clock):
    """Let an order live: steps of (seconds in the state, transition out of it)."""

    def through(batch, *steps):
        clock.now = START
        order = make_order(session, batch, engine=engine, created_at=START)
        for seconds, transition in steps:
            clock.now += timedelta(seconds=seconds)
            advance(session, order, transition, engine)
        return order

    return through


def by_state(session, batches=None):
    ids = None if batches is None else [b.id for b in batches]
    rows = service_times(session, ids)
    return {(r.workflow, r.state): (r.count, r.p50_seconds, r.p95_seconds) for r in rows}


def test_known_times_give_known_figures(session, live):
    batch = make_batch(session)
    for wait in range(1, 22):  # 1 … 21 minutes: median 11, 95th percentile exactly 20
        live(batch, (30, "pay"), (wait * 60, "submit"))
    assert by_state(session, [batch]) == {
        ("capture_order", "draft"): (21, 30.0, 30.0),
        ("capture_order", "paid"): (21, 660.0, 1200.0),
    }


def test_a_state_that_goes_on_does_not_count(session, live):
    batch = make_batch(session)
    live(batch, (5, "pay"))
    live(batch)
    assert by_state(session, [batch]) == {("capture_order", "draft"): (1, 5.0, 5.0)}


def test_every_visit_counts(session, live):
    batch = make_batch(session)
    live(batch, (1, "pay"), (10, "submit"), (100, "withdraw"), (30, "submit"), (300, "approve"))
    figures = by_state(session, [batch])
    assert figures["capture_order", "paid"][:2] == (2, 20.0)
    assert figures["capture_order", "pending_review"][:2] == (2, 200.0)


def test_a_refund_that_fails_on_the_way_is_one_stay(session, live):
    batch = make_batch(session)
    live(batch, (1, "pay"), (10, "request_refund"), (60, "refund_failed"), (40, "refund_succeeded"))
    assert by_state(session, [batch])["capture_order", "refunding"] == (1, 100.0, 100.0)


@pytest.mark.parametrize("policy", [{}, {"reject_policy": "refund"}])
def test_a_decision_taken_back_never_happened(session, engine, clock, live, policy):
    batch = make_batch(session, **policy)
    order = live(batch, (1, "pay"), (10, "submit"))
    reviewer = actor_for(make_staff(session, "reviewer"))
    clock.now += timedelta(seconds=100)
    engine.fire(session, order.id, "reject", actor=reviewer, data=DATA["reject"])
    clock.now += timedelta(seconds=20)
    engine.undo(session, order.id, actor=reviewer)
    clock.now += timedelta(seconds=30)
    engine.fire(session, order.id, "approve", actor=reviewer)
    figures = by_state(session, [batch])
    assert figures["capture_order", "pending_review"] == (1, 150.0, 150.0)
    assert set(figures) == {("capture_order", s) for s in ("draft", "paid", "pending_review")}


def test_only_the_batches_asked_for(session, live):
    mine, other = make_batch(session), make_batch(session)
    live(mine, (10, "pay"))
    live(other, (20, "pay"))
    assert by_state(session, [mine])["capture_order", "draft"] == (1, 10.0, 10.0)
    assert by_state(session, [mine, other])["capture_order", "draft"] == (2, 15.0, 19.5)
    assert by_state(session)["capture_order", "draft"][0] >= 2
    assert by_state(session, []) == {}


def test_only_the_newest_orders_when_asked(session, live):
    batch = make_batch(session)
    for seconds in (10, 20, 30):
        live(batch, (seconds, "pay"))
    (found,) = service_times(session, [batch.id], newest=2)
    assert (found.count, found.p50_seconds) == (2, 25.0)
    assert service_times(session, [batch.id], newest=0) == []


def test_adopting_a_version_does_not_end_a_stay(session, engine, clock, live, monkeypatch):
    from dataclasses import replace

    from backoffice.workflows.capture_order import CAPTURE_ORDER
    from backoffice.workflows.orders import DEFINITIONS

    monkeypatch.setitem(DEFINITIONS, ("capture_order", 2), replace(CAPTURE_ORDER, version=2))
    batch = make_batch(session)
    order = live(batch, (1, "pay"))
    clock.now += timedelta(seconds=50)
    assert list(versions.migrate(session, engine, "capture_order", 2)) == [1]
    clock.now += timedelta(seconds=50)
    advance(session, order, "submit", engine)
    assert by_state(session, [batch])["capture_order", "paid"] == (1, 100.0, 100.0)
