"""The progress board: everybody at one stage, sums that add up, a constant number of queries."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager

import pytest
from sqlalchemy import event, select

from backoffice.batches.board import board, everybody, people
from backoffice.batches.reminders import REMINDABLE, queue_reminders, reach
from backoffice.batches.stages import STAGE_OF_STATE, ClassRef, Stage
from backoffice.models import OutboxRow
from backoffice.models.vocabulary import OrderState
from tests.factories import PATHS, make_batch, make_enrolment, make_order, make_student

EXPECTED = {
    "draft": "ordered", "closed": "identified", "paid": "paid", "pending_review": "submitted",
    "rejected": "rejected", "approved": "finished", "processing": "finished", "shipped": "finished",
    "completed": "finished", "refunding": "refunded", "refunded": "refunded",
}  # fmt: skip


@contextmanager
def queries(session):
    seen = []

    def note(conn, cursor, statement, *rest):
        if not statement.startswith(("SAVEPOINT", "RELEASE")):
            seen.append(statement)

    connection = session.connection().engine
    event.listen(connection, "before_cursor_execute", note)
    yield seen
    event.remove(connection, "before_cursor_execute", note)


@pytest.fixture
def batch(session):
    """One student in every state, one who only signed in, two who have not begun."""
    made = make_batch(session)
    for state in PATHS:
        make_order(session, made, state)
    make_enrolment(session, made, make_student(session), class_name=None, college=None)
    make_enrolment(session, made, class_name="软工2302")
    make_enrolment(session, made, class_name="软工2302", phone="+8613900001234")
    make_order(session, make_batch(session), "paid")
    session.flush()
    return made


def test_every_state_has_a_stage():
    dead = {OrderState.CLOSED, OrderState.REFUNDED}
    assert set(STAGE_OF_STATE) | dead == set(OrderState)
    assert set(EXPECTED) == set(PATHS)


def test_the_board_counts_everybody_once(session, batch):
    found = board(session, batch.id)
    wanted = Counter(EXPECTED.values()) + Counter({"identified": 1, "not_started": 2})
    assert found.whole.counts == wanted
    assert found.whole.total == len(PATHS) + 3
    assert list(found.classes) == [
        ClassRef("计算机学院", "软工2301"), ClassRef("计算机学院", "软工2302"), ClassRef("", ""),
    ]  # fmt: skip
    assert found.classes[ClassRef("计算机学院", "软工2302")].counts == {"not_started": 2}
    assert sum((c.counts for c in found.classes.values()), Counter()) == wanted
    assert found.whole.share(Stage.NOT_STARTED) == pytest.approx(2 / (len(PATHS) + 3))
    assert board(session, make_batch(session).id).whole.share(Stage.PAID) == 0


def test_who_orders_again_after_a_refund_stands_where_the_new_order_is(session):
    batch = make_batch(session)
    refunded = make_order(session, batch, "refunded")
    assert board(session, batch.id).whole.counts == {"refunded": 1}
    make_order(session, batch, "paid", enrolment=refunded.enrolment)
    assert board(session, batch.id).whole.counts == {"paid": 1}


def test_the_lists_agree_with_the_numbers(session, batch):
    found = board(session, batch.id)
    for stage in Stage:
        listed = people(session, batch.id, [stage])
        assert len(listed) == found.whole.counts[stage]
        assert {p.stage for p in listed} <= {stage}
    for ref, figures in found.classes.items():
        assert len(people(session, batch.id, (), ref)) == figures.total
    assert sorted(p.student_no for p in everybody(session, batch.id)) == [
        p.student_no for p in people(session, batch.id)
    ]


def test_pages_of_people_follow_each_other(session, batch):
    seen, after = [], None
    while page := people(session, batch.id, after=after, limit=4):
        assert len(page) <= 4
        seen += [p.student_no for p in page]
        after = page[-1].enrolment_id
    assert seen == [p.student_no for p in people(session, batch.id)]
    assert "吴" not in repr(people(session, batch.id)[0])


def test_a_board_is_one_query_however_many_there_are(session, batch):
    def count():
        with queries(session) as seen:
            board(session, batch.id)
            people(session, batch.id)
            reach(session, batch)
        return len(seen)

    few = count()
    for number in range(30):
        make_enrolment(session, batch, class_name=f"新班{number}")
    assert count() == few == 3


def test_reminders_reach_who_can_be_reached_once_a_day(session, batch):
    before = {r.stage: (r.students, r.reachable, r.due) for r in reach(session, batch).values()}
    assert before == {
        "not_started": (2, 1, 1), "identified": (2, 2, 2), "ordered": (1, 1, 1),
        "paid": (1, 1, 1), "rejected": (1, 1, 1),
    }  # fmt: skip
    assert queue_reminders(session, batch, [Stage.PAID, Stage.NOT_STARTED]) == 2
    after = reach(session, batch)
    assert [after[s].due for s in REMINDABLE] == [0, 2, 1, 0, 1]
    assert after[Stage.PAID].reminded == 1
    assert queue_reminders(session, batch, REMINDABLE) == 4
    assert queue_reminders(session, batch, REMINDABLE) == 0
    rows = session.scalars(select(OutboxRow).where(OutboxRow.effect == "notify.reminder")).all()
    assert all(set(row.payload) == {"enrolment_id"} for row in rows)
    assert len({row.available_at for row in rows}) > 1  # spread over time


def test_reminders_of_one_class(session, batch):
    other = ClassRef("计算机学院", "软工2302")
    assert reach(session, batch, other)[Stage.NOT_STARTED].due == 1
    assert reach(session, batch, other)[Stage.PAID].due == 0
    assert queue_reminders(session, batch, REMINDABLE, other) == 1


def test_a_student_in_two_batches_is_reminded_once(session):
    student = make_student(session)
    first, second = make_batch(session), make_batch(session)
    for batch in (first, second):
        make_enrolment(session, batch, student)
    assert queue_reminders(session, first, REMINDABLE) == 1
    assert queue_reminders(session, second, REMINDABLE) == 0
