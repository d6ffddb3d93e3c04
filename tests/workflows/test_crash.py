"""The process is killed at every statement of `fire` in turn: before or after, never between."""

from __future__ import annotations

import os
import signal
import traceback

import pytest
from sqlalchemy import create_engine, event, func, select
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from backoffice.models import Order, OrderEvent, OutboxRow, Refund, ReviewDecision, Timer
from backoffice.workflows.audit import verify_order
from backoffice.workflows.orders import build_engine
from tests.factories import DATA, actor_of, add_payment, make_batch, make_order, make_photo

# (states before, transition, batch policy): the moves that write the most
MOVES = [
    ("draft", "pay", {"mode": "photo_first"}),
    ("pending_review", "reject", {"reject_policy": "refund"}),
    ("processing", "ship", {}),
    ("paid", "request_refund", {}),
]


def fire_and_die(url: str, order_id, transition: str, actor, point: int) -> int:
    """In a forked child: fire, with SIGKILL at the `point`-th event on the connection."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    try:  # in the child: never return into pytest
        database, seen = create_engine(url, poolclass=NullPool), 0

        def tick(*_args):
            nonlocal seen
            if seen == point:
                os.kill(os.getpid(), signal.SIGKILL)
            seen += 1

        for name in ("before_cursor_execute", "after_cursor_execute", "commit"):
            event.listen(database, name, tick)
        with Session(database) as session:
            build_engine().fire(
                session, order_id, transition, actor=actor, data=DATA.get(transition)
            )
            session.commit()
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def picture(session, order_id):
    """Everything a move touches, as one comparable value."""

    def count(table, **where):
        query = select(func.count()).select_from(table).where(table.order_id == order_id)
        return session.scalar(query.filter_by(**where))

    order = session.get_one(Order, order_id, populate_existing=True)
    assert verify_order(session, order) is None
    return (
        order.state,
        order.version,
        count(OrderEvent),
        count(OutboxRow),
        count(ReviewDecision),
        count(Refund),
        count(Timer, state="waiting"),
    )


@pytest.mark.parametrize(("state", "transition", "policy"), MOVES)
def test_killed_at_every_statement(committed, database, state, transition, policy):
    url = database.url.render_as_string(hide_password=False)
    with committed() as session:
        order = make_order(session, make_batch(session, **policy), state)
        if transition == "pay":
            make_photo(session, order)
            add_payment(session, order)
        actor, order_id = actor_of(session, order, transition), order.id
        session.commit()
        before = picture(session, order_id)
        session.commit()
    killed = 0
    for point in range(200):
        status = fire_and_die(url, order_id, transition, actor, point)
        with committed() as session:
            now = picture(session, order_id)
        if os.WIFSIGNALED(status):
            assert now == before, f"killed at event {point}"
            killed += 1
            continue
        assert os.WEXITSTATUS(status) == 0
        assert now[0] != before[0]
        break
    assert killed >= 5, "lock, guards, write and commit were all interrupted"
