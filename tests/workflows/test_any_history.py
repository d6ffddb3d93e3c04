"""Any history of any length, over several connections: money conserved, chain whole, no surprise.

A hypothesis state machine plays orders on real PostgreSQL. After every step what is offered is
what succeeds, and the books add up.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import func, select

from backoffice.errors import BackofficeError
from backoffice.models import Order, OrderEvent, Payment, Refund
from backoffice.workflows.actors import (
    PAYMENT_PROVIDER,
    REFUND_PROVIDER,
    TIMER,
    student_actor,
)
from backoffice.workflows.audit import verify_order
from backoffice.workflows.orders import build_engine
from tests.factories import (
    DATA,
    actor_for,
    add_payment,
    make_batch,
    make_order,
    make_photo,
    make_staff,
    settle_refund,
)

engine = build_engine()
TRANSITIONS = sorted({t.name for d in engine.binding.definitions.values() for t in d.transitions})
MODES = [
    {"mode": mode, "reject_policy": policy}
    for mode in ("pay_first", "photo_first")
    for policy in ("resubmit", "refund")
]


def machine_for(committed):
    """The state machine class over one session factory."""

    class Histories(RuleBasedStateMachine):
        orders = Bundle("orders")

        def __init__(self):
            super().__init__()
            self.ids = []
            with committed() as session:
                self.staff = {
                    role: actor_for(make_staff(session, role))
                    for role in ("reviewer", "operator", "finance", "admin", "school")
                }
                session.commit()

        @rule(
            target=orders,
            mode=st.sampled_from(MODES),
            delivery=st.sampled_from(["digital", "school", "courier"]),
        )
        def order(self, mode, delivery):
            with committed() as session:
                made = make_order(session, make_batch(session, **mode), delivery_method=delivery)
                session.commit()
                self.ids.append(made.id)
                return made.id

        @rule(order_id=orders, amount=st.sampled_from([3000, 3000, 3000, 2999]))
        def money_arrives(self, order_id, amount):
            with committed() as session:
                paid = session.scalar(
                    select(func.count()).where(
                        Payment.order_id == order_id, Payment.status == "succeeded"
                    )
                )
                if not paid:
                    add_payment(session, session.get_one(Order, order_id), amount_fen=amount)
                    session.commit()

        @rule(order_id=orders, passed=st.booleans())
        def photo_is_taken(self, order_id, passed):
            with committed() as session:
                status = "passed" if passed else "failed"
                make_photo(session, session.get_one(Order, order_id), status)
                session.commit()

        @rule(order_id=orders, status=st.sampled_from(["succeeded", "failed"]))
        def refund_is_settled(self, order_id, status):
            with committed() as session:
                pending = session.scalar(
                    select(func.count()).where(
                        Refund.order_id == order_id, Refund.status == "pending"
                    )
                )
                if pending:
                    settle_refund(session, session.get_one(Order, order_id), status)
                    session.commit()

        @rule(
            order_id=orders,
            name=st.sampled_from(TRANSITIONS),
            who=st.sampled_from(
                ["student", "stranger", "timer", "payment", "refund"]
                + ["reviewer", "operator", "finance", "admin", "school"]
            ),
            stale=st.booleans(),
            key=st.sampled_from([None, None, "same"]),
        )
        def somebody_fires(self, order_id, name, who, stale, key):
            # two connections: what one was offered, the other one does
            with committed() as asking, committed() as moving:
                order = asking.get_one(Order, order_id)
                actor = self.actor(who, order)
                used = asking.scalar(
                    select(func.count()).where(
                        OrderEvent.order_id == order_id, OrderEvent.idempotency_key == key
                    )
                )
                offered = name in {t.name for t in engine.allowed(asking, order, actor)}
                version = order.version - 1 if stale else order.version
                try:
                    moved = engine.fire(
                        moving,
                        order_id,
                        name,
                        actor=actor,
                        data=DATA.get(name),
                        expected_version=version,
                        idempotency_key=key,
                    )
                    moving.commit()
                except BackofficeError:
                    moving.rollback()
                    assert stale or not offered or used
                    asking.expire_all()
                    assert asking.get_one(Order, order_id).version == order.version
                else:
                    assert used or (offered and not stale)
                    assert moved.transition == name

        def actor(self, who, order):
            machines = {"timer": TIMER, "payment": PAYMENT_PROVIDER, "refund": REFUND_PROVIDER}
            if who == "student":
                return student_actor(order.student_id)
            if who == "stranger":
                return student_actor(order.enrolment_id)
            return machines.get(who) or self.staff[who]

        @invariant()
        def the_books_add_up(self):
            with committed() as session:
                for order in session.scalars(select(Order).where(Order.id.in_(self.ids))):
                    assert verify_order(session, order) is None
                    self.check_money(session, order)

        def check_money(self, session, order):
            def total(column, *where):
                return session.scalar(select(func.coalesce(func.sum(column), 0)).where(*where))

            paid = total(
                Payment.amount_fen, Payment.order_id == order.id, Payment.status == "succeeded"
            )
            refunds = session.scalars(select(Refund).where(Refund.order_id == order.id)).all()
            given_back = sum(r.amount_fen for r in refunds if r.status == "succeeded")
            assert len(refunds) <= 1
            assert 0 <= given_back <= paid
            if order.state == "refunded":
                assert given_back == paid == order.amount_fen
            elif order.state not in ("draft", "closed", "refunding"):
                assert (paid, given_back) == (order.amount_fen, 0)

    return Histories


@pytest.mark.parametrize("examples", [25])
def test_any_history(committed, examples):
    run_state_machine_as_test(
        machine_for(committed),
        settings=settings(
            max_examples=examples,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
