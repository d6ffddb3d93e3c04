"""Bad input of every kind: a coded error, no change, and one log line without personal data."""

from __future__ import annotations

import logging
import uuid
from dataclasses import replace

import pytest
from sqlalchemy import func, select, text

from backoffice.errors import BackofficeError
from backoffice.models import OrderEvent, OutboxRow
from backoffice.workflows.actors import student_actor
from backoffice.workflows.errors import ChainBroken, IdempotencyKeyReused
from backoffice.workflows.orders import build_engine
from tests.factories import actor_for, make_order, make_school, make_staff

engine = build_engine()
PERSONAL = "王小明 110101200001011234 13800138000"


@pytest.fixture
def order(session):
    return make_order(session, state="pending_review")


@pytest.fixture
def reviewer(session):
    return actor_for(make_staff(session, "reviewer"))


def picture(session, order):
    """The order as the database has it, and how much was written about it."""
    row = text("SELECT state, version, last_hash, entered_at, photo_id FROM orders WHERE id = :id")
    counts = [
        session.scalar(select(func.count()).where(table.order_id == order.id))
        for table in (OrderEvent, OutboxRow)
    ]
    return (*session.execute(row, {"id": order.id}).one(), *counts)


def fire(session, order, actor, **changes):
    call = {"name": "approve", "order_id": order.id, "actor": actor, "data": {"note": PERSONAL}}
    call |= changes
    return engine.fire(session, call.pop("order_id"), call.pop("name"), **call)


def elsewhere(session, actor):
    return replace(actor, school_id=make_school(session).id)


BAD = {
    "unknown transition": ("transition_not_allowed", lambda s, o, a: {"name": PERSONAL}),
    "wrong state": ("transition_forbidden", lambda s, o, a: {"name": "ship"}),
    "not from here": ("transition_not_allowed", lambda s, o, a: {"name": "revoke"}),
    "stale version": ("version_conflict", lambda s, o, a: {"expected_version": o.version - 1}),
    "no reasons": ("transition_data_missing", lambda s, o, a: {"name": "reject"}),
    "reasons of another kind": (
        "transition_data_missing",
        lambda s, o, a: {"name": "reject", "data": {"reasons": PERSONAL}},
    ),
    "unknown reason": (
        "unknown_rejection_reason",
        lambda s, o, a: {"name": "reject", "data": {"reasons": [PERSONAL]}},
    ),
    "a role that may not": (
        "transition_forbidden",
        lambda s, o, a: {"actor": student_actor(o.student_id)},
    ),
    "no role at all": (
        "transition_forbidden",
        lambda s, o, a: {"actor": replace(a, roles=frozenset())},
    ),
    "another school": ("order_not_found", lambda s, o, a: {"actor": elsewhere(s, a)}),
    "another student": ("order_not_found", lambda s, o, a: {"actor": student_actor(uuid.uuid4())}),
    "no such order": ("order_not_found", lambda s, o, a: {"order_id": uuid.uuid4()}),
}


def refused(session, order, actor, caplog, code, changes=()):
    before, changes = picture(session, order), dict(changes)
    caplog.clear()
    nested = session.begin_nested()
    with caplog.at_level(logging.INFO), pytest.raises(BackofficeError, match=code) as error:
        fire(session, order, changes.pop("actor", actor), **changes)
    nested.rollback()
    assert error.value.code == code
    assert picture(session, order) == before
    lines = [r.getMessage() for r in caplog.records if r.name.startswith("backoffice")]
    assert len(lines) == 1
    assert f"why={code}" in lines[0]
    assert str(changes.get("order_id", order.id)) in lines[0]
    assert not any(word in caplog.text for word in PERSONAL.split())


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_coded_changes_nothing_and_is_logged(session, order, reviewer, caplog, case):
    code, changes = BAD[case]
    refused(session, order, reviewer, caplog, code, changes(session, order, reviewer))


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE orders SET last_hash = sha256('x') WHERE id = :id",
        "UPDATE order_events SET hash = sha256('x') WHERE order_id = :id AND sequence = 2",
        "UPDATE order_events SET to_state = 'paid' WHERE order_id = :id AND sequence = 2",
        "DELETE FROM order_events WHERE order_id = :id AND sequence = 2",
    ],
)
def test_a_corrupt_newest_event_stops_the_order(session, order, reviewer, caplog, damage):
    session.execute(text("SET LOCAL session_replication_role = replica"))
    session.execute(text(damage), {"id": order.id})
    session.execute(text("SET LOCAL session_replication_role = DEFAULT"))
    session.expire_all()
    refused(session, order, reviewer, caplog, ChainBroken.code)


def test_a_key_belongs_to_who_used_it(session, order, reviewer):
    """Somebody else's call is not answered with the first one's outcome."""
    event = fire(session, order, reviewer, idempotency_key="k")
    other = actor_for(make_staff(session, "reviewer"))
    for actor in (other, replace(other, roles=frozenset()), student_actor(order.student_id)):
        with pytest.raises(IdempotencyKeyReused):
            fire(session, order, actor, idempotency_key="k")
    assert fire(session, order, reviewer, idempotency_key="k").id == event.id


def test_undoing_what_cannot_be_undone_is_logged(session, order, reviewer, caplog):
    with pytest.raises(Exception, match="undo_not_possible"):
        engine.undo(session, order.id, actor=reviewer)
    assert f"order={order.id} transition=undo" in caplog.text
