"""Taking imports back: what goes, what returns, and what stays because somebody relied on it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import select

from backoffice.imports.operations import import_roster
from backoffice.imports.staging import SEALED
from backoffice.imports.undoing import undo
from backoffice.models import Enrolment, RosterImport
from backoffice.models.roster import ReplacedRow, RosterValues
from tests import factories_workbooks as make
from tests.factories import make_batch, make_order, make_student

COLUMNS = [name for name in RosterValues.__annotations__ if name not in SEALED]


@pytest.fixture
def batch(session):
    return make_batch(session)


def load(session, batch, rows) -> RosterImport:
    data = make.csv_text([make.HEADINGS, *rows]).encode()
    report = import_roster(session, batch, data, "名单.csv")
    return session.get_one(RosterImport, report.import_id)


def entries(session, batch) -> dict[str, Enrolment]:
    session.expire_all()
    query = select(Enrolment).where(Enrolment.batch_id == batch.id).order_by(Enrolment.student_no)
    return {entry.student_no: entry for entry in session.scalars(query)}


def roster(session, batch):
    """Everything a roster decides, opened."""
    return {
        number: [getattr(e, n) for n in (*COLUMNS, *SEALED)]
        for number, e in entries(session, batch).items()
    }


def taken_back(session, record):
    undo(session, record)
    return record.removed_count, record.restored_count, [item["reason"] for item in record.kept]


def test_everything_is_as_before(session, batch):
    load(session, batch, make.people(4))
    before = roster(session, batch)
    rows = make.people(6)
    rows[0][1], rows[1][8], rows[2][9] = "改名", "计科2299", None
    rows[2][3], rows[3][3] = rows[3][3], rows[2][3]
    rows[2][4:6], rows[3][4:6] = rows[3][4:6], rows[2][4:6]
    second = load(session, batch, rows)
    assert taken_back(session, second) == (2, 4, [])
    assert roster(session, batch) == before
    assert session.scalars(select(ReplacedRow)).all() == []


def claim(session, entry):
    entry.student_id, entry.claimed_at = make_student(session).id, datetime.now(UTC)
    session.flush()


def test_what_a_student_has_acted_on_stays(session, batch):
    load(session, batch, make.people(2))
    rows = make.people(4)
    rows[0][8], rows[1][8] = "计科2298", "计科2299"
    second = load(session, batch, rows)
    numbers = [row[0] for row in rows]
    claim(session, entries(session, batch)[numbers[1]])
    claim(session, entries(session, batch)[numbers[3]])
    assert taken_back(session, second) == (1, 1, ["student_acted", "student_acted"])
    after = entries(session, batch)
    assert list(after) == [numbers[0], numbers[1], numbers[3]]
    assert [e.class_name for e in after.values()][:2] == ["计科2201", "计科2299"]
    assert {item["id"] for item in second.kept} == {
        str(after[numbers[1]].id), str(after[numbers[3]].id)
    }  # fmt: skip


def test_an_entry_with_an_order_stays_whoever_claims_it(session, batch):
    first = load(session, batch, make.people(2))
    order = make_order(session, batch, "draft")
    order.enrolment_id = entries(session, batch)[make.people(1)[0][0]].id
    session.flush()
    assert taken_back(session, first) == (1, 0, ["student_acted"])


def test_a_student_who_had_begun_before_does_not_hold_a_change(session, batch):
    load(session, batch, make.people(1))
    claim(session, next(iter(entries(session, batch).values())))
    rows = make.people(1)
    rows[0][8] = "计科2299"
    second = load(session, batch, rows)
    assert taken_back(session, second) == (0, 1, [])


def test_what_a_later_import_changed_stays_until_that_one_is_taken_back(session, batch):
    first = load(session, batch, make.people(2))
    rows = make.people(2)
    rows[0][8] = "计科2298"
    second = load(session, batch, rows)
    rows[0][8] = "计科2299"
    third = load(session, batch, rows)
    assert taken_back(session, second) == (0, 0, ["changed_since"])
    assert taken_back(session, third) == (0, 1, [])
    number = rows[0][0]
    assert entries(session, batch)[number].class_name == "计科2298"
    assert taken_back(session, first) == (1, 0, ["changed_since"])


def test_a_number_that_found_its_owner_meanwhile_is_not_given_twice(session, batch):
    wrong, other = make.people(2)
    load(session, batch, [wrong])
    corrected = [*wrong[:3], other[3], *other[4:6], *wrong[6:]]
    second = load(session, batch, [corrected])
    owner = ["20229999", "王五", *wrong[2:]]
    load(session, batch, [owner])
    assert taken_back(session, second) == (0, 0, ["number_taken"])
    indexes = [entry.id_index for entry in entries(session, batch).values()]
    assert len(set(indexes)) == 2


ROW = st.builds(
    lambda student, person, name, klass: [
        student, name, None, make.resident_id(person), None, None, None, None, klass, None
    ],
    st.sampled_from(["1001", "1002", "1003", "1004"]),
    st.integers(0, 4),
    st.sampled_from(["甲", "乙"]),
    st.sampled_from(["一班", "二班", None]),
)  # fmt: skip


@hypothesis_settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.lists(ROW, min_size=1, max_size=5), min_size=1, max_size=4))
def test_taking_back_in_reverse_order_ends_where_it_began(session, files):
    batch = make_batch(session)
    states, records = [], []
    for rows in files:
        states.append(roster(session, batch))
        records.append(load(session, batch, rows))
    for record, before in zip(reversed(records), reversed(states), strict=True):
        undo(session, record)
        assert record.kept == []
        assert roster(session, batch) == before
