"""Students who have not finished are reminded once, three days before their batch closes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from backoffice.batches.closing import CLOSE, arm_closing, close_when_over
from backoffice.batches.reminders import BEFORE_CLOSING, EFFECT, REMIND, remind_unfinished
from backoffice.messaging.composing import compose
from backoffice.models import OutboxRow, Timer
from backoffice.workflows.orders import build_engine
from backoffice.workflows.timers import fire_one_due
from tests.factories import PATHS, advance, make_batch, make_order

engine = build_engine()
ACTIONS = {CLOSE: close_when_over, REMIND: remind_unfinished}


def run_all(session, now):
    while fire_one_due(session, engine, ACTIONS, now=now):
        pass


def reminded(session):
    query = select(OutboxRow.order_id).where(OutboxRow.effect == EFFECT)
    return set(session.scalars(query))


@pytest.fixture
def batch(session):
    made = make_batch(session)
    arm_closing(session, made)
    return made


def test_only_the_unfinished_and_only_once(session, batch):
    orders = {
        state: make_order(session, batch, state, expires_at=batch.closes_at + timedelta(days=1))
        for state in PATHS
    }
    make_order(session, make_batch(session), "paid")
    run_all(session, batch.closes_at - BEFORE_CLOSING - timedelta(seconds=1))
    assert reminded(session) == set()
    for _ in range(2):
        run_all(session, batch.closes_at - BEFORE_CLOSING)
    assert reminded(session) == {orders[s].id for s in ("draft", "paid", "rejected")}
    assert batch.state == "open"


def test_a_window_that_moved_is_waited_for(session, batch):
    order = make_order(session, batch, "paid")
    old = batch.closes_at
    batch.closes_at = old + timedelta(days=10)
    run_all(session, old - BEFORE_CLOSING)
    assert reminded(session) == set()
    run_all(session, batch.closes_at - BEFORE_CLOSING)
    assert reminded(session) == {order.id}


def test_a_window_of_less_than_three_days_reminds_nobody(session, batch):
    make_order(session, batch, "paid")
    batch.closes_at = batch.opens_at + timedelta(days=2)
    arm_closing(session, batch)
    timer = session.scalars(select(Timer).where(Timer.action == REMIND)).one()
    assert timer.state == "cancelled"


@pytest.mark.parametrize(
    ("state", "zh", "en"),
    [
        ("draft", "尚未支付", "not paid yet"),
        ("paid", "还没有合格的照片", "still needs a photo"),
        ("rejected", "还没有合格的照片", "still needs a photo"),
    ],
)
def test_the_words(session, batch, state, zh, en):
    order = make_order(session, batch, state)
    message = compose(session, EFFECT, order, order.version)
    assert zh in message.body
    assert message.template == "reminder"
    order.student.locale = "en"
    assert en in compose(session, EFFECT, order, order.version).body
    assert "http" not in message.body


def test_who_finished_meanwhile_hears_nothing(session, batch):
    order = make_order(session, batch, "paid")
    sequence = order.version
    advance(session, order, "submit")
    assert compose(session, EFFECT, order, sequence) is None
