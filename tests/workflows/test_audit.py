"""A chain that was tampered with is found, and the first broken event named."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text

from backoffice.models import OrderEvent
from backoffice.workflows.audit import UNREADABLE, verify_all, verify_order
from backoffice.workflows.orders import build_engine
from tests.factories import actor_for, make_order, make_staff


@pytest.fixture
def rejected(session):
    return make_order(session, state="rejected")


def tamper(session, order, sequence, assignment):
    session.execute(text("SET LOCAL session_replication_role = replica"))  # past the triggers
    session.execute(
        text(f"UPDATE order_events SET {assignment} WHERE order_id = :o AND sequence = :s"),
        {"o": order.id, "s": sequence},
    )
    session.expire_all()


def test_a_whole_chain(session, rejected):
    assert verify_order(session, rejected) is None


@pytest.mark.parametrize(
    "assignment",
    [
        "actor_kind = 'system'",
        "reasons = '{P01}'",
        "at = at + interval '1 microsecond'",
        'data = \'{"photo_id": "other"}\'',
        "to_state = 'approved'",
        "hash = sha256('x')",
        "note_digest = sha256('x')",
    ],
)
def test_an_altered_event_is_named(session, rejected, assignment):
    tamper(session, rejected, 3, assignment)
    broken = verify_order(session, rejected)
    assert broken is not None
    assert broken.sequence == 3


def test_a_rewritten_note_is_found(session, rejected):
    event = session.scalars(
        select(OrderEvent).where(OrderEvent.order_id == rejected.id, OrderEvent.sequence == 3)
    ).one()
    event.note = "另一句话"
    session.flush()
    assert verify_order(session, rejected).sequence == 3


def test_a_removed_event_is_found(session, rejected):
    session.execute(text("SET LOCAL session_replication_role = replica"))
    session.execute(
        text("DELETE FROM order_events WHERE order_id = :o AND sequence = 2"), {"o": rejected.id}
    )
    assert verify_order(session, rejected) is not None
    session.execute(text("DELETE FROM order_events WHERE order_id = :o"), {"o": rejected.id})
    assert verify_order(session, rejected) is not None


def test_a_state_changed_behind_the_engine_is_found(session, rejected):
    session.execute(text("SET LOCAL session_replication_role = replica"))
    session.execute(text("UPDATE orders SET state = 'approved' WHERE id = :o"), {"o": rejected.id})
    session.refresh(rejected)
    assert "state" in verify_order(session, rejected).why


def test_a_note_that_does_not_open_is_named(session, rejected):
    """The trigger lets a sealed note be sealed again; what no key opens is a break, not a crash."""
    session.execute(
        text("UPDATE order_events SET note = 'rubbish' WHERE order_id = :o AND sequence = 3"),
        {"o": rejected.id},
    )
    session.expire_all()
    broken = verify_order(session, rejected)
    assert (broken.sequence, broken.why) == (3, UNREADABLE)


def test_one_broken_order_among_many_is_found_and_logged(committed, monkeypatch, caplog):
    monkeypatch.setattr("backoffice.workflows.audit.CHUNK", 2)
    with committed() as session:
        ids = sorted(make_order(session, state=s).id for s in ("paid", "rejected", "draft") * 2)
        session.execute(
            text("UPDATE order_events SET note = 'rubbish' WHERE transition = 'reject'")
        )
        session.commit()
    with committed() as session:
        found = list(verify_all(session))
    assert len(found) == len(ids)
    named = [broken for broken in found if broken]
    assert [broken.sequence for broken in named] == [3, 3]
    assert all(f"chain broken order={broken.order_id} event=3" in caplog.text for broken in named)


def test_an_order_that_moves_meanwhile_is_not_taken_for_a_broken_one(committed, monkeypatch):
    monkeypatch.setattr("backoffice.workflows.audit.CHUNK", 1)
    engine = build_engine()
    with committed() as session:
        ids = sorted(make_order(session, state="approved").id for _ in range(3))
        operator = actor_for(make_staff(session, "operator"))
        session.commit()
    with committed() as reading, committed() as moving:
        checks = verify_all(reading)
        found = [next(checks)]
        for order_id in ids:
            engine.fire(moving, order_id, "start_processing", actor=operator)
        moving.commit()
        assert [*found, *checks] == [None] * 3
