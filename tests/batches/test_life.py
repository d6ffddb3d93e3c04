"""A batch after it was opened: steps, changes, what is fixed, and the record of it all."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError

from backoffice.batches.changes import COMMAND, by_staff, history
from backoffice.batches.closing import CLOSE, close_when_over
from backoffice.batches.defaults import copied_plan, moved_on, new_plan
from backoffice.batches.life import (
    STEPS,
    BatchActionRefused,
    BatchArchived,
    BatchAtWork,
    change_batch,
    fixed_fields,
    steps_from,
    take_step,
)
from backoffice.batches.operations import create_batch
from backoffice.batches.plans import BatchPlan, ServicePrice, default_services, plan_of
from backoffice.errors import InvalidInput
from backoffice.i18n import Text
from backoffice.models import BatchChange, Timer
from backoffice.models.vocabulary import BatchState
from backoffice.photos.layouts import LAYOUTS
from tests.factories import (
    make_batch,
    make_enrolment,
    make_order,
    make_school,
    make_staff,
    make_student,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime.now(UTC)
LATER = NOW + timedelta(days=90)


def recorded(session, batch):
    return [(line.change.action, line.change.changes) for line in history(session, batch.id)]


# Every state with every action: where it leads, or nowhere. The first column is the source.
WAYS = {
    "draft": {"open": "open", "archive": "archived"},
    "open": {"extend": "open", "close": "closed"},
    "closed": {"reopen": "open", "archive": "archived"},
    "archived": {"unarchive": "closed"},
}


@pytest.mark.parametrize("state", [state.value for state in BatchState])
@pytest.mark.parametrize("action", [*STEPS, "create", "nonsense"])
def test_every_step_from_every_state(session, state, action):
    batch = make_batch(session, state=state)
    staff = make_staff(session, "school", batch.school)
    target = WAYS[state].get(action)
    assert (action in steps_from(batch)) is (target is not None)
    if target is None:
        with pytest.raises(BatchActionRefused):
            take_step(session, batch, action, by_staff(staff.id), LATER)
        assert recorded(session, batch) == []
        return
    take_step(session, batch, action, by_staff(staff.id), LATER)
    assert batch.state == target
    line = history(session, batch.id)[0]
    assert (line.change.action, line.who) == (action, staff.name)
    if state != target:
        assert line.change.changes[0] == {"field": "state", "old": state, "new": target}


def test_a_closed_batch_whose_window_is_over_wants_a_new_end(session):
    batch = make_batch(
        session, state="closed", opens_at=NOW - timedelta(days=9), closes_at=NOW - timedelta(days=1)
    )
    for end in (None, NOW - timedelta(hours=1), batch.opens_at - timedelta(days=1)):
        with pytest.raises(InvalidInput) as refused:
            take_step(session, batch, "reopen", COMMAND, end)
        assert refused.value.field == "closes_at"
        session.refresh(batch)
        assert batch.state == "closed"
    take_step(session, batch, "reopen", COMMAND, LATER)
    assert (batch.state, batch.closes_at) == ("open", LATER)
    timer = session.scalars(
        select(Timer).where(Timer.subject_id == batch.id, Timer.action == CLOSE)
    ).one()
    assert (timer.due_at, timer.state) == (LATER, "waiting")


def test_extending_moves_the_closing_and_says_from_when_to_when(session):
    batch = make_batch(session)
    old = batch.closes_at
    take_step(session, batch, "extend", COMMAND, LATER)
    assert close_when_over(session, batch.id, old) == "extended"
    ((action, (change,)),) = recorded(session, batch)
    assert action == "extend"
    assert change["field"] == "closes_at"
    assert change["old"] == old.isoformat(timespec="seconds")
    assert change["new"] == LATER.isoformat(timespec="seconds")
    take_step(session, batch, "extend", COMMAND, LATER)  # nothing to do, nothing recorded
    assert len(recorded(session, batch)) == 1


def test_the_timer_signs_what_it_does(session):
    batch = make_batch(session, opens_at=NOW - timedelta(days=9), closes_at=NOW)
    assert close_when_over(session, batch.id, NOW + timedelta(seconds=1)) == "closed"
    line = history(session, batch.id)[0]
    assert (line.change.source, line.change.action, line.who) == ("timer", "close", None)


@pytest.mark.parametrize(
    ("state", "held"),
    [("draft", False), ("paid", False), ("pending_review", True), ("rejected", False),
     ("approved", True), ("processing", True), ("shipped", False), ("completed", False),
     ("refunding", True), ("refunded", False), ("closed", False)],
)  # fmt: skip
def test_nothing_is_archived_over_our_own_unfinished_work(session, state, held):
    batch = make_batch(session)
    make_order(session, batch, state)
    make_order(session, make_batch(session), "pending_review")
    take_step(session, batch, "close", COMMAND)
    if held:
        with pytest.raises(BatchAtWork) as refused:
            take_step(session, batch, "archive", COMMAND)
        assert "1 " in refused.value.text("en")
    else:
        assert take_step(session, batch, "archive", COMMAND).state == "archived"


def test_a_change_writes_everything_and_records_old_and_new(session):
    batch = create_batch(session, make_school(session), BatchPlan(name="2027届"))
    staff = make_staff(session, "school", batch.school)
    prices = [
        ServicePrice("portrait", Text("图像采集", "Portrait"), 3000, required=True),
        ServicePrice("extra1", Text("证件照精修", "Retouching"), 500),
    ]
    wanted = replace(
        plan_of(batch), name="2027届春季", services=prices, closes_at=LATER, allow_album=False,
        unpaid_minutes=60, max_attempts=5, delivery_methods=["digital"], layouts=[],
        mode="photo_first", standard="freshman-white", legal_basis="协议 9", roster_mode="minimal",
    )  # fmt: skip
    change_batch(session, batch, wanted, by_staff(staff.id))
    session.expire_all()
    now = plan_of(batch)
    assert now == replace(wanted, layouts=[])
    changes = {
        c["field"]: (c["old"], c["new"]) for c in history(session, batch.id)[0].change.changes
    }
    assert changes["price:portrait"] == (2000, 3000)
    assert changes["price:prints"] == (1000, None)
    assert changes["price:extra1"] == (None, 500)
    assert changes["name"] == ("2027届", "2027届春季")
    assert changes["standard"] == ("chsi-degree-blue", "freshman-white")
    assert changes["delivery_methods"] == (["courier", "digital", "school"], ["digital"])
    assert "kind" not in changes
    assert change_batch(session, batch, plan_of(batch), COMMAND) == []
    assert len(recorded(session, batch)) == 2  # the opening and one change


def test_orders_keep_the_prices_they_were_placed_at(session):
    batch = make_batch(session)
    order = make_order(session, batch, "draft")
    amount = order.amount_fen
    change_batch(
        session, batch, replace(plan_of(batch), services=default_services((9900, 9900))), COMMAND
    )
    session.expire_all()
    assert order.amount_fen == amount
    assert [item.unit_price_fen for item in order.items] == [2000, 1000]
    assert [service.price_fen for service in batch.services] == [9900, 9900]


@pytest.mark.parametrize(
    ("field", "value"),
    [("kind", "freshman"), ("mode", "photo_first"), ("reject_policy", "refund"),
     ("requires_capture_code", False), ("roster_mode", "minimal")],
)  # fmt: skip
def test_terms_are_fixed_once_students_have_joined(session, field, value):
    batch = make_batch(session)
    wanted = replace(plan_of(batch), **{field: value})
    assert fixed_fields(session, batch) == frozenset()
    enrolment = make_enrolment(session, batch)
    assert fixed_fields(session, batch) == {"roster_mode"}
    enrolment.student_id = make_student(session).id
    session.flush()
    with pytest.raises(InvalidInput) as refused:
        change_batch(session, batch, wanted, COMMAND)
    assert refused.value.field == field
    assert "学生" in refused.value.text()
    change_batch(session, batch, replace(plan_of(batch), name="别的名称"), COMMAND)


def test_an_archived_batch_does_not_change(session):
    batch = make_batch(session, state="archived")
    with pytest.raises(BatchArchived):
        change_batch(session, batch, replace(plan_of(batch), name="新名"), COMMAND)


def test_a_draft_is_opened_later(session):
    batch = create_batch(session, make_school(session), BatchPlan(name="草稿", state="draft"))
    assert batch.state == "draft"
    take_step(session, batch, "open", COMMAND)
    assert [action for action, _ in recorded(session, batch)] == ["open", "create"]


@pytest.mark.parametrize("statement", ["UPDATE batch_changes SET action = 'close'", "DELETE FROM batch_changes"])  # fmt: skip
def test_the_record_cannot_be_rewritten(session, statement):
    create_batch(session, make_school(session), BatchPlan(name="2027届"))
    assert session.scalars(select(BatchChange)).all()
    with pytest.raises(DatabaseError, match="append-only"):
        session.execute(text(statement))


# -- what a new batch begins with -------------------------------------------------------------


def test_the_first_batch_of_a_school_begins_with_the_usual(session):
    school = make_school(session)
    august = datetime(2026, 8, 20, 3, 0, tzinfo=UTC)
    plan, last = new_plan(session, school, SHANGHAI, august)
    assert last is None
    assert plan.name == "2027届毕业生图像采集"
    assert plan.opens_at == datetime(2026, 8, 21, 0, 0, tzinfo=UTC)
    assert plan.closes_at == datetime(2026, 10, 20, 10, 0, tzinfo=UTC)
    july, _ = new_plan(session, school, SHANGHAI, datetime(2026, 7, 1, tzinfo=UTC))
    assert july.name.startswith("2026届")
    create_batch(session, school, plan)


def test_the_next_batch_begins_with_the_last_ones_settings_a_year_on(session):
    school = make_school(session)
    create_batch(session, school, BatchPlan(name="2020届"))
    prices = [ServicePrice("portrait", Text("采集", "Portrait"), 1500, required=True)]
    plan = BatchPlan(
        name="2026届毕业生（2022级）", mode="photo_first", reject_policy="refund", services=prices,
        roster_mode="minimal", unpaid_minutes=45, max_attempts=3, allow_album=False,
        layouts=list(LAYOUTS)[:1], allow_unlisted=True, delivery_methods=["school"], requires_capture_code=False,
        opens_at=datetime(2026, 3, 1, tzinfo=UTC), closes_at=datetime(2026, 3, 9, 10, tzinfo=UTC),
    )  # fmt: skip
    last = create_batch(session, school, plan)
    create_batch(session, make_school(session), BatchPlan(name="别校"))
    next_year = last.created_at + timedelta(days=365)
    new, source = new_plan(session, school, SHANGHAI, next_year)
    assert source is last
    assert new.name == "2027届毕业生（2023级）"
    day = (next_year.astimezone(SHANGHAI) + timedelta(days=1)).date()
    assert new.opens_at.astimezone(SHANGHAI).isoformat() == f"{day}T08:00:00+08:00"
    assert new.closes_at - new.opens_at == timedelta(days=8, hours=10)
    same = {"name", "opens_at", "closes_at", "legal_basis", "feature_code", "state"}
    for name in plan.__dataclass_fields__:
        assert name in same or getattr(new, name) == getattr(plan, name), name
    copy = create_batch(session, school, copied_plan(session, last, SHANGHAI), copy_of=last)
    assert copy.feature_code != last.feature_code
    ((action, changes),) = recorded(session, copy)
    assert action == "copy"
    assert changes[0]["new"] == last.feature_code


@pytest.mark.parametrize(
    ("name", "years", "moved"),
    [("2026届", 1, "2027届"), ("2025-2026学年", 1, "2026-2027学年"), ("编号120261", 1, "编号120261"),
     ("2026届", 0, "2026届"), ("夏季", 3, "夏季")],
)  # fmt: skip
def test_years_in_names_move_on(name, years, moved):
    assert moved_on(name, years) == moved
