"""`roster import` as a school's IT staff runs it: CONTRACT section 1."""

from __future__ import annotations

import json

import pytest

from tests import factories_workbooks as make
from tests.factories import make_batch


@pytest.fixture
def run(app, committed, tmp_path):
    """Run the command on file content; returns (exit status, JSON answer, error workbook path)."""
    from backoffice.cli.roster import group

    with committed() as session:
        code = make_batch(session).feature_code
        session.commit()
    errors = tmp_path / "errors.xlsx"

    def call(data, *options):
        file = tmp_path / "名单.xlsx"
        file.write_bytes(data)
        arguments = ["import", "--batch", code, str(file), "--json", "--errors", str(errors)]
        result = app.test_cli_runner().invoke(group, [*arguments, *options])
        return result.exit_code, json.loads(result.stdout), errors

    return call


def messy():
    rows = make.people(6)
    rows[1][3] = "1.1010120030517E+17"
    rows[2][9] = "123"
    return make.xlsx([["2027届名单"], make.HEADINGS, ["必填"] * 10, *rows, ["合计", 6]])


def test_a_messy_workbook_by_command(run):
    status, dry, _ = run(messy(), "--dry-run")
    assert (status, dry["applied"]) == (0, False)
    status, answer, errors = run(messy())
    assert status == 0
    counted = {name: answer[name] for name in ("rows", "new", "changed", "same", "rejected")}
    assert counted == {"rows": 6, "new": 5, "changed": 0, "same": 0, "rejected": 1}
    assert answer["applied"] is True
    (error,) = answer["errors"]
    assert (error["row"], error["column"], error["code"]) == (
        5,
        "证件号码",
        "id_number_digits_lost",
    )
    assert "文本" in error["message"]
    assert errors.read_bytes().startswith(b"PK")
    assert run(messy())[1]["same"] == 5


def test_an_unreadable_file_ends_with_status_2(run):
    status, answer, _ = run(make.address_bomb())
    assert status == 2
    assert answer["error"]["code"] == "workbook_too_large"
    assert answer["error"]["message"]


def test_a_mapping_by_hand(run):
    data = make.xlsx([["编码", "姓名", "身份证号"], ["20220001", "吴小兰", make.resident_id(1)]])
    assert run(data)[0] != 0
    status, answer, _ = run(data, "--map", "编码=student_no")
    assert (status, answer["new"]) == (0, 1)
