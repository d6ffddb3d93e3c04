"""A decision is taken back inside the window, before anything has left; never after."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from backoffice.models import OrderEvent, OutboxRow, Refund, ReviewDecision
from backoffice.workflows.actors import student_actor
from backoffice.workflows.audit import verify_order
from backoffice.workflows.engine import Engine
from backoffice.workflows.errors import UndoNotPossible, UndoTooLate
from backoffice.workflows.orders import build_engine
from tests.factories import DATA, actor_for, make_batch, make_order, make_school, make_staff

NOW = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)


class Clock:
    now = NOW

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def engine(clock):
    return build_engine(undo_seconds=10, clock=clock)


def decide(session, engine, decision, **policy):
    order = make_order(session, make_batch(session, **policy), "pending_review")
    reviewer = actor_for(make_staff(session, "reviewer"))
    engine.fire(session, order.id, decision, actor=reviewer, data=DATA.get(decision))
    return order, reviewer


@pytest.mark.parametrize(
    ("decision", "policy", "after"),
    [
        ("approve", {}, "approved"),
        ("reject", {}, "rejected"),
        ("reject", {"reject_policy": "refund"}, "refunding"),
    ],
)
def test_undo_brings_everything_back(session, engine, clock, decision, policy, after):
    order, reviewer = decide(session, engine, decision, **policy)
    assert order.state == after
    clock.now = NOW + timedelta(seconds=9)
    moved = engine.undo(session, order.id, actor=reviewer)
    assert (moved.transition, order.state) == ("undo", "pending_review")
    assert verify_order(session, order) is None
    notices = session.scalars(
        select(OutboxRow.state).where(
            OutboxRow.order_id == order.id, OutboxRow.effect != "notify.paid"
        )
    ).all()
    assert set(notices) == {"cancelled"}
    session.expire_all()
    undone = session.scalars(select(ReviewDecision).where(ReviewDecision.order_id == order.id))
    assert [d.undone_at for d in undone] == [clock.now]
    refunds = session.scalars(select(Refund.status).where(Refund.order_id == order.id)).all()
    assert set(refunds) <= {"cancelled"}
    # and the same order can be decided again, with its refund
    engine.fire(session, order.id, decision, actor=reviewer, data=DATA.get(decision))
    assert order.state == after


def test_after_the_window_it_is_too_late(session, engine, clock):
    order, reviewer = decide(session, engine, "approve")
    clock.now = NOW + timedelta(seconds=10)
    with pytest.raises(UndoTooLate):
        engine.undo(session, order.id, actor=reviewer)
    assert order.state == "approved"


def test_once_a_message_is_on_its_way_it_is_too_late(session, engine):
    order, reviewer = decide(session, engine, "approve")
    row = session.scalars(
        select(OutboxRow).where(
            OutboxRow.order_id == order.id, OutboxRow.effect == "notify.approved"
        )
    ).one()
    row.state = "published"
    with pytest.raises(UndoTooLate):
        engine.undo(session, order.id, actor=reviewer)


def test_only_ones_own_decision(session, engine):
    order, _ = decide(session, engine, "approve")
    other = actor_for(make_staff(session, "reviewer"))
    with pytest.raises(UndoNotPossible):
        engine.undo(session, order.id, actor=other)


def test_not_after_somebody_moved_on(session, engine):
    order, reviewer = decide(session, engine, "approve")
    operator = actor_for(make_staff(session, "operator"))
    engine.fire(session, order.id, "start_processing", actor=operator)
    with pytest.raises(UndoNotPossible):
        engine.undo(session, order.id, actor=reviewer)


@pytest.mark.parametrize("state", ["draft", "paid", "pending_review"])
def test_what_is_no_decision_is_not_undone(session, engine, state):
    order = make_order(session, state=state)
    with pytest.raises(UndoNotPossible):
        engine.undo(session, order.id, actor=student_actor(order.student_id))


def test_undo_is_not_undone(session, engine):
    order, reviewer = decide(session, engine, "approve")
    engine.undo(session, order.id, actor=reviewer)
    with pytest.raises(UndoNotPossible):
        engine.undo(session, order.id, actor=reviewer)


def test_the_rejected_picture_counts_again_after_undo(session, engine):
    order, reviewer = decide(session, engine, "reject")
    engine.undo(session, order.id, actor=reviewer)
    student = student_actor(order.student_id)
    engine.fire(session, order.id, "withdraw", actor=student)
    engine.fire(session, order.id, "submit", actor=student)
    assert order.state == "pending_review"
    names = session.scalars(
        select(OrderEvent.transition)
        .where(OrderEvent.order_id == order.id)
        .order_by(OrderEvent.sequence)
    ).all()
    assert names == ["pay", "submit", "reject", "undo", "withdraw", "submit"]


def test_undo_is_offered_exactly_while_it_succeeds(session, engine, clock):
    order, reviewer = decide(session, engine, "approve")
    other = actor_for(make_staff(session, "reviewer"))
    assert engine.undo_until(session, order, reviewer) == NOW + timedelta(seconds=10)
    assert engine.undo_until(session, order, other) is None
    clock.now = NOW + timedelta(seconds=10)
    assert engine.undo_until(session, order, reviewer) is None
    clock.now = NOW + timedelta(seconds=9)
    engine.undo(session, order.id, actor=reviewer)
    assert engine.undo_until(session, order, reviewer) is None


def test_undo_is_not_offered_without_a_window_or_across_schools(session, engine, clock):
    instant = build_engine(undo_seconds=0, clock=clock)
    order, reviewer = decide(session, instant, "approve")
    assert instant.undo_until(session, order, reviewer) is None
    order, reviewer = decide(session, engine, "approve")
    elsewhere = replace(reviewer, school_id=make_school(session).id)
    assert engine.undo_until(session, order, elsewhere) is None


def test_not_after_the_order_took_another_version(session, engine):
    order, reviewer = decide(session, engine, "approve")
    second = replace(engine.binding.definitions[("capture_order", 1)], version=2)
    definitions = dict(engine.binding.definitions) | {("capture_order", 2): second}
    newer = Engine(replace(engine.binding, definitions=definitions), lambda: NOW)
    newer.adopt(session, order.id, 2)
    assert newer.undo_until(session, order, reviewer) is None
    with pytest.raises(UndoNotPossible):
        newer.undo(session, order.id, actor=reviewer)


def test_not_once_the_role_was_taken_away(session, engine):
    order, reviewer = decide(session, engine, "approve")
    former = replace(reviewer, roles=frozenset({"operator"}))
    assert engine.undo_until(session, order, former) is None
    with pytest.raises(UndoNotPossible):
        engine.undo(session, order.id, actor=former)
