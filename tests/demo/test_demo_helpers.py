"""What the demo's staff see of a page: its forms, and what a browser would send."""

from __future__ import annotations

import zipfile

import openpyxl
import pytest

from backoffice.identity.documents import validate
from backoffice.identity.errors import InvalidIdNumber
from demo.prove import prove_package
from demo.report import Report, StepFailed
from demo.roster import HEADER, people, write_workbook
from demo.staff import forms_of


def test_the_fields_a_browser_would_send():
    page = """
    <input name="outside" value="no form is open">
    <form action="/admin/login" method="post">
      <input type="hidden" name="csrf_token" value="a&amp;b">
      <input name="email"><input type="password" name="password" value=""/>
      <input type="checkbox" name="remember" value="1"><input type="radio" name="r" value="2">
      <input type="submit" name="go" value="Go"><textarea name="note"></textarea>
      <input value="nameless">
    </form>
    <form><input name="reason" value="P01"></form>
    """
    assert forms_of(page) == [
        ("/admin/login", {"csrf_token": "a&b", "email": "", "password": "", "note": ""}),
        ("", {"reason": "P01"}),
    ]


@pytest.mark.parametrize("page", ["", "plain", "<p>no form</p>", "<form"])
def test_a_page_without_forms(page):
    assert forms_of(page) == []


def test_a_field_after_the_form_is_not_sent():
    page = '<form action="/a"><input name="x" value="1"></form><input name="y" value="2">'
    assert forms_of(page) == [("/a", {"x": "1"})]


def test_the_roster_has_one_bad_row_and_only_one(tmp_path):
    path = tmp_path / "roster.xlsx"
    rows = people()
    assert len({p.id_number for p in rows}) == len({p.student_no for p in rows}) == len(rows)
    write_workbook(path, rows)
    sheet = openpyxl.load_workbook(path).active
    table = list(sheet.iter_rows(min_row=3, values_only=True))
    assert tuple(c.value for c in sheet[2]) == HEADER
    assert len(table) == len(rows) + 1
    for row in table[:-1]:
        document = validate("resident_id", row[3])
        assert {"男": "male", "女": "female"}[row[2]] == document.gender
    with pytest.raises(InvalidIdNumber):
        validate("resident_id", table[-1][3])
    write_workbook(path, rows, broken=False)
    assert openpyxl.load_workbook(path).active.max_row == len(rows) + 2


def test_the_report_counts_and_stops():
    report = Report()
    report.expect("one", 1, 1)
    report.require("true", [1])
    with pytest.raises(StepFailed, match="two: expected 2, got 1"):
        report.expect("two", 1, 2)
    with pytest.raises(StepFailed, match="empty"):
        report.require("empty", [])
    assert report.summary().startswith("4 checks held")


def test_a_package_with_other_students_is_noticed(tmp_path):
    path = tmp_path / "package.zip"
    with zipfile.ZipFile(path, "w") as package:
        package.writestr("manifest.csv", "\ufeff学号,文件,SHA-256\r\n")
        package.writestr("exceptions.csv", "\ufeff学号,状态\r\n1,未下单\r\n")
    assert prove_package(Report(), path, set()) == ["1"]
    with pytest.raises(StepFailed, match="students in the package"):
        prove_package(Report(), path, {"1"})
