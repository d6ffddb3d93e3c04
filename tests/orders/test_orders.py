"""Rules of orders that need no request, and the races that do."""

from __future__ import annotations

import contextlib
import re
import threading
import uuid
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlalchemy import update

from backoffice.errors import BackofficeError
from backoffice.models import Batch, Enrolment, ReviewDecision, Student
from backoffice.orders import errors
from backoffice.orders.actions import allowed_actions
from backoffice.orders.creation import Wish, create_order, new_order_number
from backoffice.orders.photos import finished_photo, takes_photos
from backoffice.orders.reprints import create_reprint
from backoffice.orders.views import find_order, page_of_orders
from backoffice.workflows.actors import student_actor
from backoffice.workflows.binding import Context
from backoffice.workflows.errors import OrderNotFound
from backoffice.workflows.guards import latest_passed_photo, settled_money
from backoffice.workflows.known import read_known
from backoffice.workflows.orders import engine
from student_api.paging import PageQuery, cursor_after
from tests.factories import (
    PATHS,
    actor_for,
    make_batch,
    make_enrolment,
    make_order,
    make_staff,
    make_student,
)

WISH = Wish(["portrait"], "digital")


def test_a_number_says_the_day_in_china_and_has_no_look_alikes():
    late = datetime(2027, 3, 31, 17, 0, tzinfo=UTC)
    numbers = {new_order_number(late) for _ in range(2000)}
    assert len(numbers) == 2000
    for number in numbers:
        assert re.fullmatch(r"GP20270401[2-9A-HJ-NP-Z]{8}", number)


@given(st.binary(min_size=16, max_size=16))
def test_cursors_come_back(raw):
    row = uuid.UUID(bytes=raw)
    assert PageQuery(cursor=cursor_after(row)).position() == row


@given(st.text(max_size=60) | st.from_regex(r"[A-Za-z0-9_-]{22}", fullmatch=True))
def test_any_other_cursor_is_refused_or_a_place(text):
    """The shape is the model's rule, and whatever has it stands for some place."""
    with contextlib.suppress(ValidationError):
        assert isinstance(PageQuery(cursor=text).position(), uuid.UUID)


ACTIONS = {
    "draft": {"cancel", "pay"},
    "closed": set(),
    "paid": {"upload_photo", "request_refund"},
    "pending_review": {"withdraw"},
    "rejected": {"upload_photo", "request_refund"},
    "approved": {"download_photo", "email_photo", "reprint"},
    "processing": {"download_photo", "email_photo", "reprint"},
    "shipped": {"confirm_receipt", "download_photo", "email_photo", "reprint"},
    "completed": {"download_photo", "email_photo", "reprint"},
    "refunding": set(),
    "refunded": set(),
}


def known_of(session, order):
    session.flush()
    return read_known(session, [order.id])[order.id]


@pytest.mark.parametrize("state", PATHS)
@pytest.mark.parametrize("role", ["student", "reviewer", "operator", "finance"])
def test_what_was_read_beforehand_allows_the_same_moves(session, state, role):
    """For every state, and for an order whose rejection was taken back."""
    order = make_order(session, state=state)
    make_order(session, state=state)  # of another student: its rows belong to it alone
    if state == "rejected":
        session.execute(update(ReviewDecision).values(undone_at=datetime.now(UTC)))
    actor = (
        student_actor(order.student_id)
        if role == "student"
        else actor_for(make_staff(session, role))
    )
    known = known_of(session, order)
    beforehand = {t.name for t in engine().allowed(session, order, actor, known)}
    assert beforehand == {t.name for t in engine().allowed(session, order, actor)}
    asked = Context(session, order, None, actor, datetime.now(UTC))
    assert known.pictures.passed is latest_passed_photo(asked)
    assert known.money == settled_money(asked)


@pytest.mark.parametrize("state", PATHS)
def test_what_a_student_may_do_in_each_state(session, state):
    order = make_order(session, state=state)
    assert set(allowed_actions(session, order, known_of(session, order))) == ACTIONS[state]
    assert takes_photos(order) == (state in ("paid", "rejected"))
    if "download_photo" in ACTIONS[state]:
        assert finished_photo(session, order).result_key
    else:
        with pytest.raises(errors.PhotoNotFinished):
            finished_photo(session, order)


def test_orders_are_found_by_their_owner_only(session):
    order = make_order(session)
    assert find_order(session, order.student, order.id) is order
    stranger = make_student(session)
    with pytest.raises(OrderNotFound):
        find_order(session, stranger, order.id)
    assert page_of_orders(session, stranger, 10, None) == []


@pytest.mark.parametrize("state", ["draft", "paid", "pending_review", "refunded"])
def test_nothing_is_reprinted_before_it_is_approved(session, state):
    order = make_order(session, state=state)
    with pytest.raises(errors.ReprintNotPossible):
        create_reprint(session, order.student, order, layout="two8", copies=1, address=None)


def test_a_reprint_costs_the_prints_and_carries_the_picture(session):
    order = make_order(session, state="completed")
    reprint = create_reprint(session, order.student, order, layout="two8", copies=3, address=None)
    assert (reprint.amount_fen, reprint.items[0].quantity) == (3000, 3)
    assert (reprint.photo_id, reprint.delivery_method) == (order.photo_id, "school")
    known = known_of(session, reprint)
    assert allowed_actions(session, reprint, known)[:2] == ["cancel", "pay"]
    with pytest.raises(errors.LayoutNotOffered):
        create_reprint(session, order.student, order, layout="gold", copies=1, address=None)


def test_two_requests_at_once_make_one_order(committed):
    with committed() as session:
        batch, student = make_batch(session), make_student(session)
        enrolment = make_enrolment(session, batch, student)
        session.commit()
        ids = student.id, enrolment.id
    outcomes = []
    gate = threading.Barrier(4)

    def order():
        with committed() as session:
            student = session.get_one(Student, ids[0])
            enrolment = session.get_one(Enrolment, ids[1])
            gate.wait()
            try:
                create_order(session, student, enrolment, WISH)
                session.commit()
                outcomes.append("made")
            except BackofficeError as error:
                outcomes.append(error.code)

    threads = [threading.Thread(target=order) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["made", "order_exists", "order_exists", "order_exists"]


def test_a_new_order_after_a_dead_one(session):
    order = make_order(session, state="refunded")
    again = create_order(session, order.student, order.enrolment, WISH)
    assert again.state == "draft"
    assert isinstance(again.batch, Batch)
