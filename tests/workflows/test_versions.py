"""An order keeps its version; moving it to another keeps its history whole."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from backoffice.i18n import Text
from backoffice.models import Order, OrderEvent, Timer
from backoffice.workflows import versions
from backoffice.workflows.audit import verify_order
from backoffice.workflows.capture_order import CAPTURE_ORDER
from backoffice.workflows.definition import State
from backoffice.workflows.engine import Engine
from backoffice.workflows.errors import NoPlaceInVersion, TransitionNotAllowed
from backoffice.workflows.orders import build_engine
from tests.factories import actor_for, make_batch, make_order, make_staff

V1 = build_engine()


def v2(**changes):
    """An engine that knows version 2 as well."""
    second = replace(CAPTURE_ORDER, version=2, **changes)
    definitions = dict(V1.binding.definitions) | {("capture_order", 2): second}
    return Engine(replace(V1.binding, definitions=definitions))


def without_revoke():
    return tuple(t for t in CAPTURE_ORDER.transitions if t.name != "revoke")


def test_an_order_keeps_the_version_it_started_under(session):
    engine = v2(transitions=without_revoke())
    order = make_order(session, state="approved")
    reviewer = actor_for(make_staff(session, "reviewer"))
    assert "revoke" in {t.name for t in engine.allowed(session, order, reviewer)}
    engine.adopt(session, order.id, 2)
    assert "revoke" not in {t.name for t in engine.allowed(session, order, reviewer)}
    with pytest.raises(TransitionNotAllowed):
        engine.fire(session, order.id, "revoke", actor=reviewer, data={"note": "x"})


def test_plan_then_migrate(session):
    engine = v2()
    batch = make_batch(session)
    made = [make_order(session, batch, state) for state in ("draft", "paid", "paid", "completed")]
    plan = versions.plan(session, engine, "capture_order", 2)
    assert {(s.state, s.target, s.orders) for s in plan} == {
        ("draft", "draft", 1),
        ("paid", "paid", 2),
        ("completed", "completed", 1),
    }
    before = {o.id: o.version for o in made}
    assert list(versions.migrate(session, engine, "capture_order", 2)) == [4]
    for order in made:
        assert (order.workflow_version, order.version) == (2, before[order.id] + 1)
        assert verify_order(session, order) is None
        last = session.scalars(
            select(OrderEvent)
            .where(OrderEvent.order_id == order.id)
            .order_by(OrderEvent.sequence.desc())
        ).first()
        assert (last.transition, last.from_state, last.data) == (
            "adopt_version",
            order.state,
            {"from_version": 1},
        )
    assert versions.plan(session, engine, "capture_order", 2) == []


def test_timers_follow_the_new_version(session):
    engine = v2(timers=())
    order = make_order(session)
    engine.adopt(session, order.id, 2)
    states = session.scalars(select(Timer.state).where(Timer.order_id == order.id)).all()
    assert states == ["cancelled"]


def test_a_state_without_a_place_stays(session):
    label = Text("已收货", "Received")
    states = tuple(
        State("received", label, terminal=True) if s.name == "completed" else s
        for s in CAPTURE_ORDER.states
    )
    transitions = tuple(
        replace(t, target="received") if t.target == "completed" else t
        for t in CAPTURE_ORDER.transitions
    )
    engine = v2(states=states, transitions=transitions)
    order = make_order(session, state="completed")
    with pytest.raises(NoPlaceInVersion):
        engine.adopt(session, order.id, 2)
    assert list(versions.migrate(session, engine, "capture_order", 2)) == []
    assert session.get_one(Order, order.id).workflow_version == 1
