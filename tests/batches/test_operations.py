"""Opening a batch: what is refused and by which field, codes, and what is not asked for."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from backoffice.batches import operations
from backoffice.batches.closing import CLOSE
from backoffice.batches.operations import (
    BatchNotFound,
    SchoolNotFound,
    StandardNotFound,
    create_batch,
    find_batch,
    find_school,
    newest_standard,
)
from backoffice.batches.plans import BatchPlan, ServicePrice, default_services
from backoffice.errors import InvalidInput
from backoffice.i18n import Text
from backoffice.models import Batch, PhotoStandard, Timer
from backoffice.photos.layouts import LAYOUTS
from tests.factories import make_batch, make_school

NOW = datetime(2026, 9, 1, tzinfo=UTC)
PLAN = BatchPlan(name="2027届毕业生图像采集")
PORTRAIT = ServicePrice("portrait", Text("图像采集", "Portrait"), 2000, required=True)


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("kind", {"kind": "pupil"}),
        ("mode", {"mode": "pay_later"}),
        ("roster_mode", {"roster_mode": "FULL"}),
        ("reject_policy", {"reject_policy": ""}),
        ("name", {"name": "  "}),
        ("name", {"name": "字" * 101}),
        ("name", {"name": "2027\x00届"}),
        ("name", {"name": "2027\n届"}),
        ("unpaid_minutes", {"unpaid_minutes": 0}),
        ("unpaid_minutes", {"unpaid_minutes": 10081}),
        ("max_attempts", {"max_attempts": 0}),
        ("max_attempts", {"max_attempts": 1001}),
        ("delivery_methods", {"delivery_methods": ()}),
        ("delivery_methods", {"delivery_methods": ("digital", "pigeon")}),
        ("services", {"services": ()}),
        ("services", {"services": (PORTRAIT, PORTRAIT)}),
        ("price_fen", {"services": (replace(PORTRAIT, price_fen=-1),)}),
        ("price_fen", {"services": (replace(PORTRAIT, price_fen=1_000_001),)}),
        ("layouts", {"layouts": ("mixed-8-4", "poster")}),
        ("closes_at", {"opens_at": NOW, "closes_at": NOW}),
        ("closes_at", {"opens_at": NOW, "closes_at": NOW - timedelta(days=1)}),
        ("feature_code", {"feature_code": "ABC"}),
        ("feature_code", {"feature_code": "ABCDEFGHJ"}),
        ("feature_code", {"feature_code": "特征码AB"}),
        ("feature_code", {"feature_code": ""}),
    ],
)
def test_a_plan_that_breaks_a_rule_is_refused_by_field(session, field, change):
    school = make_school(session)
    with pytest.raises(InvalidInput) as refused:
        create_batch(session, school, replace(PLAN, **change))
    assert refused.value.field == field
    assert refused.value.text("zh") != refused.value.text("en") != ""
    assert session.scalar(select(func.count()).select_from(Batch)) == 0


@pytest.mark.parametrize(
    "change",
    [
        {"name": "字" * 100},
        {"unpaid_minutes": 1, "max_attempts": 1},
        {"unpaid_minutes": 10080, "max_attempts": 1000},
        {"services": (replace(PORTRAIT, price_fen=0),)},
        {"services": (replace(PORTRAIT, price_fen=1_000_000),)},
        {"layouts": (), "services": [PORTRAIT]},
        {"delivery_methods": ("digital",)},
    ],
)
def test_the_edges_of_the_rules_are_allowed(session, change):
    assert create_batch(session, make_school(session), replace(PLAN, **change)).id


def test_what_a_graduates_batch_has_when_nothing_is_said(session):
    batch = create_batch(session, make_school(session), PLAN)
    session.refresh(batch)
    said = (batch.kind, batch.mode, batch.roster_mode, batch.reject_policy, batch.state)
    assert said == ("graduate", "pay_first", "full", "resubmit", "open")
    assert batch.requires_capture_code
    assert batch.allow_album
    assert not batch.allow_unlisted
    assert batch.standard.name == "chsi-degree-blue"
    assert batch.closes_at - batch.opens_at == timedelta(days=60)
    assert batch.delivery_methods == ["digital", "school", "courier"]
    assert batch.layouts == list(LAYOUTS)
    services = [(s.code, s.price_fen, s.required) for s in batch.services]
    assert services == [("portrait", 2000, True), ("prints", 1000, False)]
    closing = select(Timer).where(Timer.subject_id == batch.id, Timer.action == CLOSE)
    timer = session.scalars(closing).one()
    assert timer.due_at == batch.closes_at


def test_freshmen_bring_no_capture_code_unless_it_is_asked_for(session):
    school = make_school(session)
    plan = replace(PLAN, kind="freshman", standard="freshman-white")
    batch = create_batch(session, school, plan)
    assert not batch.requires_capture_code
    assert batch.standard.name == "freshman-white"
    assert create_batch(
        session, school, replace(plan, requires_capture_code=True)
    ).requires_capture_code
    assert not create_batch(
        session, school, replace(PLAN, requires_capture_code=False)
    ).requires_capture_code


@pytest.mark.parametrize(
    ("fees", "prices"),
    [((), (2000, 1000)), ((0,), (0, 1000)), ((1500, 500), (1500, 500)), ((0, 0), (0, 0))],
)
def test_fees_are_the_portraits_then_the_prints(fees, prices):
    assert tuple(s.price_fen for s in default_services(fees)) == prices


def test_a_fee_for_nothing_is_refused():
    with pytest.raises(InvalidInput) as refused:
        default_services((1, 2, 3))
    assert refused.value.field == "fee_fen"


def test_a_wanted_code_is_normalised_and_belongs_to_one_batch(session):
    school = make_school(session)
    batch = create_batch(session, school, replace(PLAN, feature_code=" z3k-8f7 "))
    assert batch.feature_code == "Z3K8F7"
    with pytest.raises(InvalidInput) as refused:
        create_batch(session, make_school(session), replace(PLAN, feature_code="Ｚ3K8F7"))
    assert refused.value.field == "feature_code"


def test_a_drawn_code_that_is_taken_is_drawn_again(session, monkeypatch):
    make_batch(session, feature_code="A3A3A3")
    drawn = iter(["A3A3A3", "A3A3A3", "C4C4C4"])
    monkeypatch.setattr(operations, "new_feature_code", lambda: next(drawn))
    assert create_batch(session, make_school(session), PLAN).feature_code == "C4C4C4"
    monkeypatch.setattr(operations, "new_feature_code", lambda: "A3A3A3")
    with pytest.raises(InvalidInput):
        create_batch(session, make_school(session), PLAN)


def test_many_batches_many_codes(session):
    school = make_school(session)
    codes = {create_batch(session, school, PLAN).feature_code for _ in range(20)}
    assert len(codes) == 20
    assert all(re.fullmatch("[0-9A-Z]{6}", code) for code in codes)


@pytest.mark.parametrize("typed", ["z3k8f7", "Z3K8F7", " z3k 8f7 ", "Ｚ３Ｋ８Ｆ７", "z3k-8f7"])
def test_a_batch_is_found_however_its_code_is_typed(session, typed):
    batch = make_batch(session, feature_code="Z3K8F7")
    assert find_batch(session, typed) is batch


def test_what_is_not_there_is_said_to_be_missing(session):
    with pytest.raises(BatchNotFound):
        find_batch(session, "ZZZZZZ")
    with pytest.raises(SchoolNotFound):
        find_school(session, "99999")
    school = make_school(session, code="10001")
    assert find_school(session, " 10001 ") is school
    with pytest.raises(StandardNotFound) as missing:
        create_batch(session, school, replace(PLAN, standard="no-such"))
    assert "no-such" in missing.value.text("en")


def test_the_newest_standard_in_force_is_taken(session):
    first = newest_standard(session, "chsi-degree-blue")
    first.retired_at = NOW
    session.flush()
    with pytest.raises(StandardNotFound):
        newest_standard(session, "chsi-degree-blue")
    newer = PhotoStandard(
        name=first.name, version=first.version + 1, title_zh="新", title_en="new", data=first.data
    )
    session.add(newer)
    session.flush()
    assert newest_standard(session, "chsi-degree-blue") is newer
