"""Made-up volume is as sound as the real thing: chains, money, references, every state."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select, text

from backoffice.models import (
    Batch,
    Enrolment,
    Order,
    OrderEvent,
    Payment,
    Photo,
    Refund,
    Student,
)
from backoffice.seeding import volume
from backoffice.seeding.histories import PATHS, SHARES
from backoffice.workflows.audit import verify_order
from backoffice.workflows.capture_order import CAPTURE_ORDER
from tests.factories import make_batch

MANY = 400


@pytest.fixture
def seeded(committed):
    with committed() as session:
        ids = [make_batch(session).id for _ in range(2)]
        session.commit()
        batches = [session.get_one(Batch, i) for i in ids]
        assert volume.seed(session, batches, MANY, seed_number=7) == MANY
        yield session


def test_the_paths_are_ways_through_the_definition():
    assert sum(SHARES.values()) == pytest.approx(100)
    assert set(SHARES) == set(PATHS) == {s.name for s in CAPTURE_ORDER.states}
    for state, paths in PATHS.items():
        for path in paths:
            here = CAPTURE_ORDER.initial
            for name in path:
                assert here in CAPTURE_ORDER.by_name[name].sources
                here = CAPTURE_ORDER.by_name[name].target
            assert here == state


def test_every_chain_is_whole_and_the_books_add_up(seeded):
    orders = seeded.scalars(select(Order)).all()
    assert len(orders) == MANY
    assert {o.state for o in orders} >= {"completed", "paid", "pending_review", "rejected"}
    for order in orders:
        assert verify_order(seeded, order) is None
        paid = seeded.scalar(
            select(func.count()).select_from(Payment).where(Payment.order_id == order.id)
        )
        assert paid == (order.state not in ("draft", "closed"))
    refunded = seeded.scalar(
        select(func.count()).select_from(Refund).where(Refund.status == "succeeded")
    )
    assert refunded == sum(o.state == "refunded" for o in orders)


@pytest.mark.parametrize(
    ("child", "column", "parent"),
    [
        (Order, Order.enrolment_id, Enrolment.id),
        (Order, Order.student_id, Student.id),
        (Order, Order.photo_id, Photo.id),
        (OrderEvent, OrderEvent.order_id, Order.id),
        (Photo, Photo.order_id, Order.id),
        (Payment, Payment.order_id, Order.id),
    ],
)
def test_no_row_points_nowhere(seeded, child, column, parent):
    lost = select(func.count()).select_from(child).where(column.is_not(None))
    assert seeded.scalar(lost.where(column.not_in(select(parent)))) == 0


def test_people_can_be_read_and_it_can_be_run_again(seeded):
    student = seeded.scalars(select(Student)).first()
    assert student.phone.startswith("+86")
    sealed = seeded.execute(text("SELECT name FROM students LIMIT 1")).scalar_one()
    assert student.name.encode() not in bytes(sealed)
    batches = seeded.scalars(select(Batch)).all()
    volume.seed(seeded, list(batches), 10, seed_number=8)
    assert seeded.scalar(select(func.count()).select_from(Order)) == MANY + 10
