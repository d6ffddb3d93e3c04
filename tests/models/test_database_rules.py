"""What PostgreSQL refuses by itself, whoever writes: the last line behind the code."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError

from backoffice.models import (
    Enrolment,
    Order,
    OrderEvent,
    OrderItem,
    Payment,
    PhotoStandard,
    Refund,
)
from tests.factories import add_payment, make_batch, make_order, make_student


def refused(session, constraint, statement):
    nested = session.begin_nested()
    with pytest.raises(IntegrityError, match=constraint):
        session.execute(statement)
        session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    nested.rollback()


ORDER_ROWS = [
    ("ck_orders_state_known", {"state": "teleported"}),
    ("ck_orders_amount_fen_range", {"amount_fen": -1}),
    ("ck_orders_delivery_method_known", {"delivery_method": "pigeon"}),
    ("ck_orders_currency_cny", {"currency": "USD"}),
    ("ck_orders_reprint_has_parent", {"kind": "reprint"}),
    ("moved to paid without its event", {"state": "paid", "version": 1}),
    ("without an event", {"state": "approved"}),
]


@pytest.mark.parametrize(("constraint", "values"), ORDER_ROWS)
def test_orders(session, constraint, values):
    order = make_order(session)
    refused(session, constraint, update(Order).where(Order.id == order.id).values(values))


def test_a_moved_order_cannot_be_put_back(session):
    order = make_order(session, state="paid")
    session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    refused(
        session,
        "without",
        update(Order).where(Order.id == order.id).values(state="draft", version=0),
    )


def test_a_moved_order_cannot_be_put_back_to_an_earlier_event(session):
    """It would stand exactly where that event led, but no event led it back."""
    order = make_order(session, state="approved")
    session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    earlier = session.scalars(
        select(OrderEvent).where(OrderEvent.order_id == order.id, OrderEvent.sequence == 2)
    ).one()
    back = {"state": earlier.to_state, "version": 2, "last_hash": earlier.hash}
    move = update(Order).where(Order.id == order.id)
    refused(session, "without an event", move.values(back))
    refused(session, "without an event", move.values(last_hash=earlier.hash))
    refused(session, "without", move.values(state="pending_review"))


def test_one_live_order_per_enrolment(session):
    batch, student = make_batch(session), make_student(session)
    first = make_order(session, batch, "closed", student=student)
    second = make_order(session, batch, student=student, enrolment=first.enrolment)
    assert second.state == "draft"
    nested = session.begin_nested()
    with pytest.raises(IntegrityError, match="uq_orders_live_enrolment"):
        make_order(session, batch, student=student, enrolment=first.enrolment)
    nested.rollback()


@pytest.mark.parametrize(
    ("constraint", "statement"),
    [
        ("append-only", update(OrderEvent).values(to_state="closed")),
        ("append-only", OrderEvent.__table__.delete()),
        ("append-only", text("TRUNCATE order_events")),
        ("append-only", text("TRUNCATE access_records")),
        ("append-only", text("TRUNCATE batch_changes")),
    ],
)
def test_events_are_append_only(session, constraint, statement):
    make_order(session, state="paid")
    refused(session, constraint, statement)


def test_a_note_may_be_sealed_again_and_nothing_else(session):
    order = make_order(session, state="rejected")
    event = session.scalars(
        select(OrderEvent).where(OrderEvent.order_id == order.id, OrderEvent.transition == "reject")
    ).one()
    session.execute(update(OrderEvent).where(OrderEvent.id == event.id).values(note="光线过暗"))
    refused(
        session,
        "append-only",
        update(OrderEvent).where(OrderEvent.id == event.id).values(note="x", actor_kind="system"),
    )


def test_events_are_numbered_without_gaps(session):
    order = make_order(session, state="paid")
    values = {
        "order_id": order.id,
        "transition": "submit",
        "from_state": "paid",
        "to_state": "pending_review",
        "at": datetime.now(UTC),
        "actor_kind": "student",
        "reasons": [],
        "data": {},
        "workflow": "capture_order",
        "workflow_version": 1,
        "previous_hash": b"0" * 32,
        "hash": b"1" * 32,
    }
    insert = OrderEvent.__table__.insert()
    refused(session, "does not follow", insert.values(id=order.id, sequence=3, **values))
    refused(session, "does not follow", insert.values(id=order.id, sequence=2, **values))


@pytest.mark.parametrize(
    ("constraint", "values"),
    [
        ("ck_payments_amount_fen_not_negative", {"amount_fen": -5}),
        ("ck_payments_status_known", {"status": "maybe"}),
        ("ck_payments_succeeded_has_paid_at", {"paid_at": None}),
    ],
)
def test_payments(session, constraint, values):
    payment = add_payment(session, make_order(session))
    refused(session, constraint, update(Payment).where(Payment.id == payment.id).values(values))


def test_an_order_is_paid_once(session):
    order = make_order(session, state="paid")
    nested = session.begin_nested()
    with pytest.raises(IntegrityError, match="uq_payments_one_succeeded"):
        add_payment(session, order)
    nested.rollback()
    add_payment(session, order, surplus=True)  # kept, to be given back


def test_a_refund_never_exceeds_its_payment(session):
    order = make_order(session, state="refunding")
    statement = update(Refund).where(Refund.order_id == order.id)
    refused(session, "exceeds its payment", statement.values(amount_fen=3001))
    refund = session.scalars(select(Refund).where(Refund.order_id == order.id)).one()
    nested = session.begin_nested()
    with pytest.raises(IntegrityError, match="uq_refunds_one_per_payment"):
        session.add(
            Refund(order_id=order.id, payment_id=refund.payment_id, refund_no="R2", amount_fen=1)
        )
        session.flush()
    nested.rollback()


def test_an_items_amount_adds_up(session):
    make_order(session)
    refused(session, "ck_order_items_amount_fen_adds_up", update(OrderItem).values(amount_fen=1))


def test_a_standard_never_changes(session):
    refused(session, "never changes", update(PhotoStandard).values(version=9))
    session.execute(update(PhotoStandard).values(retired_at=datetime.now(UTC)))


def test_personal_data_is_sealed_on_disk(session):
    order = make_order(session)
    session.flush()
    names = ["name", "id_number", "id_last4"]
    columns = ", ".join(names)
    row = session.execute(
        text(f"SELECT {columns} FROM enrolments WHERE id = :id"), {"id": order.enrolment_id}
    ).one()
    enrolment = session.get_one(Enrolment, order.enrolment_id)
    for name, sealed in zip(names, row, strict=True):
        clear = getattr(enrolment, name)
        assert clear
        assert clear.encode() not in bytes(sealed)
    dump = session.execute(
        text("SELECT row_to_json(s)::text FROM students s WHERE id = :id"),
        {"id": order.student_id},
    ).scalar_one()
    student = order.student
    for clear in (student.name, student.id_number, student.phone):
        assert clear not in dump
