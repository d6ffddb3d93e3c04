"""A chain that was tampered with is found, and the first broken event named."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text

from backoffice.models import OrderEvent
from backoffice.workflows.audit import verify_order
from tests.factories import make_order


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
