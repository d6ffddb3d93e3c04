"""What the mapping form offers, and when there is nothing to ask."""

from __future__ import annotations

import pytest

from backoffice.imports.proposals import Proposal, propose
from backoffice.imports.reading import Sheet
from tests import factories_workbooks as make

ROW = ["20220001", "吴小兰", make.resident_id(1), "计科2201"]


def offered(*rows, known=None, mode="full", **more) -> Proposal:
    return propose([Sheet("S", [list(r) for r in rows], **more)], mode, known or {})


def fields(proposal: Proposal) -> dict[str, tuple[str | None, str | None]]:
    return {c.heading: (c.field, c.how) for c in proposal.best.columns}


@pytest.mark.parametrize(
    ("heads", "sure"),
    [
        (["学号", "姓名", "证件号码", "班级"], True),
        (["XH", "XM", "SFZH", "BH"], True),
        (["学号", "姓名", "证件号码", "喜好"], True),  # a column nobody asked for is no question
        (["考生号", "姓名", "证件号码", "班级"], False),  # in place of the student number
        (["学生学籍号", "姓名", "证件号码", "班级"], False),
        (["学号", "姓名", "姓名", "证件号码"], False),
        (["学号", "姓名", "住址", "班级"], False),
        (["学号", "姓名", "居民身份证号马", "班级"], False),  # alike is a guess
    ],
)
def test_only_what_is_certain_is_not_asked(heads, sure):
    assert offered(heads, ROW).sure is sure


def test_a_resemblance_is_proposed_and_marked():
    found = fields(offered(["学号", "姓名", "居民身份证号马", "班级"], ROW))
    assert found["居民身份证号马"] == ("id_number", "fuzzy")
    assert found["学号"] == ("student_no", "exact")


def test_memory_answers_and_yields_to_nobody():
    known = {"编码": "student_no", "备注": "class_name", "班级": "-"}
    proposal = offered(["编码", "姓名", "身份证号", "班级", "备注"], [*ROW, "一班"], known=known)
    assert proposal.sure
    found = fields(proposal)
    assert found["编码"] == ("student_no", "remembered")
    assert found["班级"] == (None, None)
    assert found["备注"] == ("class_name", "remembered")


def test_two_sheets_that_fit_are_a_question():
    heads = ["学号", "姓名", "证件号码", "班级"]
    sheets = [Sheet(name, [heads, ROW]) for name in ("一班", "二班")]
    proposal = propose(sheets, "full", {})
    assert (len(proposal.sheets), proposal.sure) == (2, False)
    hidden = [sheets[0], Sheet("旧", [heads, ROW], visible=False)]
    assert propose(hidden, "full", {}).sure


def test_headings_that_say_nothing_are_still_headings():
    (sheet,) = offered(["编码", "名字儿", "证件"], ROW[:3]).sheets
    assert (sheet.header_row, sheet.rows, [c.word for c in sheet.columns]) == (
        1,
        1,
        ["#0", "#1", "#2"],
    )
    (sheet,) = offered(ROW[:3]).sheets
    assert (sheet.header_row, [c.word for c in sheet.columns]) == (0, ["A", "B", "C"])


def test_examples_hide_long_numbers():
    columns = offered(
        ["学号", "姓名", "证件号码", "手机号"], [*ROW[:3], "13812345678"]
    ).best.columns
    assert ROW[2] not in columns[2].samples
    assert "13812345678" not in columns[3].samples
    assert columns[1].samples == ["吴小兰"]


@pytest.mark.parametrize(
    "number",
    [110101200210260011.0, "".join(chr(ord(c) + 0xFEE0) for c in ROW[2]), " 138 1234 5678"],
)
def test_examples_hide_numbers_however_they_are_written(number):
    (sample,) = (
        offered(["学号", "姓名", "证件号码", "班级"], [*ROW[:2], number, "x"])
        .best.columns[2]
        .samples
    )
    assert "*" * 4 in sample


def test_a_proposal_comes_back_as_it_was():
    proposal = offered(["学号", "姓名", "住址"], ROW[:3])
    assert Proposal.from_dict(proposal.to_dict()) == proposal
