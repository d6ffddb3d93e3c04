"""Rosters into real PostgreSQL: counts, changes, refusals, and what a second import does."""

from __future__ import annotations

import os
import time
import uuid

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text

from backoffice.blind_indexes import id_number_index, last4_index
from backoffice.imports.checking import checkers_for
from backoffice.imports.errors import BatchArchived, ImportRunning, RosterMoved, RosterNotUsed
from backoffice.imports.operations import import_roster
from backoffice.imports.workbook_errors import WorkbookTooLarge
from backoffice.models import Enrolment, RosterImport
from tests import factories_workbooks as make
from tests.factories import make_batch, make_enrolment, make_staff, make_student


@pytest.fixture
def batch(session):
    return make_batch(session)


def sheet(rows):
    return make.csv_text([make.HEADINGS, *rows]).encode()


def load(session, batch, rows, **more):
    return import_roster(session, batch, sheet(rows), "名单.csv", **more)


def counts(report):
    return (report.rows, report.new, report.changed, report.same, report.rejected)


def enrolments(session, batch):
    query = select(Enrolment).where(Enrolment.batch_id == batch.id).order_by(Enrolment.student_no)
    return list(session.scalars(query))


def test_new_students_arrive_sealed_indexed_and_masked(session, batch):
    staff = make_staff(session, "admin")
    report = load(session, batch, make.people(3), actor=staff.id)
    assert counts(report) == (3, 3, 0, 0, 0)
    assert report.applied
    first = enrolments(session, batch)[0]
    given_row = make.people(1)[0]
    assert (first.student_no, first.name, first.id_number) == tuple(given_row[i] for i in (0, 1, 3))
    assert first.source == "roster"
    assert first.import_id == report.import_id
    assert first.id_index == id_number_index(given_row[3])
    assert first.id_last4_indexes == [last4_index(batch.id, given_row[3][-4:])]
    assert first.phone == "+8613800000000"
    assert (first.college, first.class_name) == ("信息工程学院", "计科2201")
    raw = session.execute(
        text("SELECT name, id_number, phone, id_last4 FROM enrolments WHERE id = :id"),
        {"id": first.id},
    ).one()
    assert all(given_row[1].encode() not in bytes(value) for value in raw)
    record = session.get(RosterImport, report.import_id)
    assert (record.staff_id, record.file_name, record.row_count) == (staff.id, "名单.csv", 3)


def test_the_same_file_again_changes_nothing(session, batch):
    load(session, batch, make.people(5))
    before = [(e.id, e.updated_at) for e in enrolments(session, batch)]
    report = load(session, batch, make.people(5))
    assert counts(report) == (5, 0, 0, 5, 0)
    assert [(e.id, e.updated_at) for e in enrolments(session, batch)] == before


def test_only_what_differs_is_changed(session, batch):
    load(session, batch, make.people(4))
    rows = make.people(4)
    rows[1][8] = "计科2299"
    rows[2][9] = None  # the phone is taken back
    rows.append([*make.people(5)[4]])
    report = load(session, batch, rows)
    assert counts(report) == (5, 1, 2, 2, 0)
    after = enrolments(session, batch)
    assert after[1].class_name == "计科2299"
    assert (after[2].phone, after[2].phone_index) == (None, None)
    assert after[1].updated_at is not None
    assert after[0].updated_at is None


def test_a_column_the_file_lacks_stays_as_it_was(session, batch):
    load(session, batch, make.people(1))
    row = make.people(1)[0]
    data = make.csv_text([["学号", "姓名", "身份证号"], [row[0], row[1], row[3]]]).encode()
    report = import_roster(session, batch, data, "short.csv")
    assert counts(report) == (1, 0, 0, 1, 0)
    assert enrolments(session, batch)[0].phone is not None


def test_details_without_a_column_of_their_own(session, batch):
    head = ["学号", "姓名", "身份证号", "入学日期", "预计毕业日期", "学历类别"]
    row = ["20220001", "吴小兰", make.resident_id(3), "2022年9月", "20260630", "普通"]
    data = make.csv_text([head, row]).encode()
    assert import_roster(session, batch, data, "a.csv").new == 1
    assert enrolments(session, batch)[0].details == {
        "enrolled_on": "2022-09-01",
        "graduates_on": "2026-06-30",
        "study_kind": "普通",
    }
    assert import_roster(session, batch, data, "a.csv").same == 1


def test_bad_rows_stay_out_and_good_ones_go_in(session, batch):
    rows = make.people(4)
    rows[1][3] = "110101200305170000"
    rows[3][0] = rows[0][0]
    report = load(session, batch, rows)
    assert counts(report) == (4, 2, 0, 0, 2)
    assert [(f.row, f.code) for f in report.errors] == [
        (3, "id_number_digits_lost"),
        (5, "duplicate_student_no"),
    ]
    answer = report.to_dict()
    assert answer["errors"][0].keys() >= {"row", "column", "code", "message"}
    assert answer["errors"][0]["column"] == "证件号码"
    kept = session.get(RosterImport, report.import_id).findings
    assert [f["code"] for f in kept] == ["id_number_digits_lost", "duplicate_student_no"]


def test_what_keeps_rows_out_is_told_before_what_does_not(session, batch, monkeypatch):
    """Of thousands of findings only so many are kept: those that matter are among them."""
    monkeypatch.setattr("backoffice.imports.operations.MAX_KEPT_FINDINGS", 3)
    rows = make.people(6)
    for row in rows[:4]:
        row[9] = "12345"
    rows[4][3], rows[5][3] = rows[5][3], ""
    report = load(session, batch, rows)
    kept = session.get(RosterImport, report.import_id).findings
    assert [f["severity"] for f in kept] == ["error", "error", "warning"]
    assert [f.row for f in report.findings if f.severity == "warning"] == [2, 3, 4, 5]


def test_a_dry_run_reports_the_same_and_writes_nothing(session, batch):
    report = load(session, batch, make.people(3), dry_run=True)
    assert counts(report) == (3, 3, 0, 0, 0)
    assert not report.applied
    assert report.import_id is None
    assert enrolments(session, batch) == []
    assert session.scalar(select(func.count()).select_from(RosterImport)) == 0


def test_rows_missing_from_the_file_are_counted_and_kept(session, batch):
    load(session, batch, make.people(5))
    report = load(session, batch, make.people(2))
    assert report.not_in_file == 3
    assert len(enrolments(session, batch)) == 5


def claimed_row(session, batch):
    student = make_student(session, id_number=make.resident_id(40))
    enrolment = make_enrolment(session, batch, student)
    row = [enrolment.student_no, "吴小兰", None, make.resident_id(40), None, None,
           "计算机学院", "软件工程", "软工2301", None]  # fmt: skip
    head = [h for h in make.HEADINGS if h != "手机号"]
    return head, row[:-1]


@pytest.mark.parametrize(
    ("column", "value"), [("姓名", "吴大兰"), ("证件号码", make.resident_id(41))]
)
def test_who_a_claimed_entry_belongs_to_cannot_change(session, batch, column, value):
    head, row = claimed_row(session, batch)
    row[head.index(column)] = value
    report = import_roster(session, batch, make.csv_text([head, row]).encode(), "a.csv")
    assert counts(report) == (1, 0, 0, 0, 1)
    assert [f.code for f in report.errors] == ["enrolment_already_claimed"]
    assert enrolments(session, batch)[0].name == "吴小兰"


def test_the_class_of_a_claimed_entry_can_change(session, batch):
    head, row = claimed_row(session, batch)
    row[head.index("班级")] = "软工2302"
    report = import_roster(session, batch, make.csv_text([head, row]).encode(), "a.csv")
    assert counts(report) == (1, 0, 1, 0, 0)
    after = enrolments(session, batch)[0]
    assert after.class_name == "软工2302"
    assert after.student_id is not None


def test_an_id_number_of_another_entry_is_refused(session, batch):
    load(session, batch, make.people(3))
    row = ["20229999", *make.people(1)[0][1:]]
    report = load(session, batch, [row])
    assert [f.code for f in report.errors] == ["id_number_on_other_student"]
    assert counts(report) == (1, 0, 0, 0, 1)


def test_two_swapped_numbers_can_be_put_right_in_one_file(session, batch):
    load(session, batch, make.people(2))
    rows = make.people(2)
    for column in (1, 3, 4, 5):
        rows[0][column], rows[1][column] = rows[1][column], rows[0][column]
    report = load(session, batch, rows)
    assert counts(report) == (2, 0, 2, 0, 0)
    assert [e.id_number for e in enrolments(session, batch)] == [r[3] for r in rows]


def test_a_refused_row_keeps_its_number_from_the_next(session, batch):
    """B takes A's number, C takes B's; A keeps its own, so B is refused and then C too."""
    load(session, batch, make.people(2))
    a, b = make.people(2)
    rows = [[b[0], *a[1:]], ["2022C", *b[1:]]]
    report = load(session, batch, rows)
    assert [f.code for f in report.errors] == ["id_number_on_other_student"] * 2
    assert counts(report) == (2, 0, 0, 0, 2)


def test_a_student_number_in_other_letter_case_is_the_same_student(session, batch):
    row = ["2022a01", *make.people(1)[0][1:]]
    load(session, batch, [row])
    assert counts(load(session, batch, [["2022A01", *row[1:]]])) == (1, 0, 0, 1, 0)


def test_minimal_mode_stores_masks_and_last_four_only(session):
    batch = make_batch(session, roster_mode="minimal")
    rows = [["学号", "班级", "姓名", "身份证后四位"], ["1001", "一班", "吴小兰", "662x"]]
    data = make.csv_text(rows).encode()
    assert counts(import_roster(session, batch, data, "a.csv")) == (1, 1, 0, 0, 0)
    kept = enrolments(session, batch)[0]
    assert (kept.name, kept.name_index, kept.id_number, kept.id_index) == (None,) * 4
    assert (kept.name_masked, kept.id_last4) == ("吴*兰", "662X")
    assert kept.id_last4_indexes == [last4_index(batch.id, "662X")]
    assert counts(import_roster(session, batch, data, "a.csv")) == (1, 0, 0, 1, 0)


@pytest.mark.parametrize(
    ("values", "error"),
    [({"roster_mode": "none"}, RosterNotUsed), ({"state": "archived"}, BatchArchived)],
)
def test_batches_that_take_no_roster(session, values, error):
    with pytest.raises(error):
        load(session, make_batch(session, **values), make.people(1))


def test_another_schools_roster_is_refused_row_by_row(session, batch):
    head = ["学号", "姓名", "身份证号", "院校代码"]
    rows = [
        ["1001", "甲", make.resident_id(1), batch.school.code],
        ["1002", "乙", make.resident_id(2), "99999"],
    ]
    report = import_roster(session, batch, make.csv_text([head, *rows]).encode(), "a.csv")
    assert counts(report) == (2, 1, 0, 0, 1)
    assert [f.code for f in report.errors] == ["school_code_mismatch"]


def test_the_bomb_changes_nothing(session, batch):
    with pytest.raises(WorkbookTooLarge):
        import_roster(session, batch, make.address_bomb(), "名单.xlsx")
    assert enrolments(session, batch) == []


def test_the_error_workbook_is_written_where_asked(session, batch, tmp_path):
    out = tmp_path / "errors" / "out.xlsx"
    load(session, batch, make.people(2), errors_out=out)
    assert not out.exists()  # nothing to correct
    rows = make.people(3)
    rows[2][3] = "1"
    load(session, batch, rows, errors_out=out)
    assert out.read_bytes().startswith(b"PK")


def test_one_import_per_batch_at_a_time(committed):
    with committed() as one, committed() as other:
        batch = make_batch(one)
        one.commit()
        load(one, batch, make.people(1))
        theirs = other.get(type(batch), batch.id)
        with pytest.raises(ImportRunning):
            load(other, theirs, make.people(2))
        other.rollback()
        one.commit()
        assert counts(load(other, theirs, make.people(2))) == (2, 1, 0, 1, 0)


def test_a_student_who_claims_during_the_import_is_not_overwritten(committed, monkeypatch):
    from backoffice.imports import operations

    with committed() as session:
        batch = make_batch(session)
        load(session, batch, make.people(1))
        session.commit()
    write = operations.write

    def claimed_meanwhile(*args):
        with committed() as other:
            entry = enrolments(other, batch)[0]
            entry.student_id = make_student(other).id
            other.commit()
        return write(*args)

    monkeypatch.setattr(operations, "write", claimed_meanwhile)
    rows = make.people(1)
    rows[0][1] = "改名"
    with committed() as session:
        with pytest.raises(RosterMoved):
            load(session, session.get(type(batch), batch.id), rows)
        session.rollback()
        assert enrolments(session, batch)[0].name == make.people(1)[0][1]


def test_an_entry_made_during_the_import_is_not_doubled(committed, monkeypatch):
    from backoffice.imports import operations

    with committed() as session:
        batch = make_batch(session)
        session.commit()
    write = operations.write

    def enrolled_meanwhile(*args):
        with committed() as other:
            make_enrolment(other, batch, student_no=make.people(1)[0][0])
            other.commit()
        return write(*args)

    monkeypatch.setattr(operations, "write", enrolled_meanwhile)
    with committed() as session, pytest.raises(RosterMoved):
        load(session, session.get(type(batch), batch.id), make.people(3))


ROW = st.builds(
    lambda student, person, number, name, klass: [
        student, name, None, number or make.resident_id(person), None, None, None, None, klass, None,
    ],
    st.sampled_from(["1001", "1002", "1003", "1004", "", "坏"]),
    st.integers(0, 4),
    st.sampled_from([None, None, None, "", "1.1E+17"]),
    st.sampled_from(["甲", "乙", ""]),
    st.sampled_from(["一班", "二班"]),
)  # fmt: skip


@hypothesis_settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.lists(ROW, max_size=6), min_size=1, max_size=3))
def test_the_counts_always_add_up_and_a_repeat_changes_nothing(session, files):
    batch = make_batch(session)
    for rows in files:
        size = len(enrolments(session, batch))
        visible = [row for row in rows if any(row)]
        report = load(session, batch, rows)
        assert report.rows == report.new + report.changed + report.same + report.rejected
        assert report.rows + len(report.skipped) == len(visible)
        assert report.rejected == len({f.row for f in report.errors})
        assert len(enrolments(session, batch)) == size + report.new
        indexes = [e.id_index for e in enrolments(session, batch)]
        assert len(indexes) == len(set(indexes))
        again = load(session, batch, rows)
        assert (again.new, again.changed) == (0, 0)
        assert again.same == report.new + report.changed + report.same


def test_many_rows_in_several_processes(session, batch, capsys):
    data = make.big_xlsx([make.HEADINGS, *make.people(12_000)])
    with checkers_for(len(data)) as checkers:
        assert checkers or os.cpu_count() == 1
    reported = []
    started = time.monotonic()
    report = import_roster(
        session, batch, data, "名单.xlsx", progress=lambda *step: reported.append(step)
    )
    first = time.monotonic() - started
    again = import_roster(session, batch, data, "名单.xlsx")
    with capsys.disabled():
        print(f"\n12,000 rows: {first:.1f} s new, {again.seconds:.1f} s unchanged")
    assert counts(report) == (12_000, 12_000, 0, 0, 0)
    assert counts(again) == (12_000, 0, 0, 12_000, 0)
    assert reported[0] == ("reading", 0, 0)
    checking = [done for stage, done, _ in reported if stage == "checking"]
    assert checking == sorted(checking)
    assert checking[-1] == 12_000
    assert [stage for stage, _, _ in reported[-2:]] == ["comparing", "writing"]
    assert isinstance(report.import_id, uuid.UUID)


@pytest.mark.parametrize("mode", ["full", "minimal"])
def test_students_of_another_running_batch_are_pointed_out(session, mode):
    first = make_batch(session, roster_mode=mode, name="春季批次", state="open")
    second = make_batch(session, first.school, roster_mode=mode)
    ended = make_batch(session, first.school, roster_mode=mode, state="archived")
    elsewhere = make_batch(session, roster_mode=mode)
    session.flush()
    rows = make.people(3)
    load(session, first, rows[:2])
    load(session, elsewhere, rows)
    assert ended.state == "archived"
    report = load(session, second, rows[1:])
    assert counts(report) == (2, 2, 0, 0, 0)  # pointed out, not refused
    found = [f for f in report.warnings if f.code == "in_other_batch"]
    assert [f.row for f in found] == [2]
    assert "春季批次" in found[0].text()
