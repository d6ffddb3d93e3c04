"""The rules of a row, one case each: what is accepted as what, and what is refused where."""

from __future__ import annotations

from datetime import date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backoffice.identity.documents import IdType
from backoffice.imports.cells import CellError
from backoffice.imports.findings import MESSAGES, Finding
from backoffice.imports.reading import Sheet
from backoffice.imports.table import find_table
from backoffice.imports.values import read_date, read_gender
from tests import factories_workbooks as make
from tests.imports.tables import check_rows, skipped

ID = make.resident_id(1)  # born 2003-05-17, male
HEAD = ["学号", "姓名", "证件类型", "证件号码", "性别", "出生日期", "手机号", "班级", "院校代码",
        "入学日期"]  # fmt: skip
GOOD = ["20220001", "吴小兰", None, ID, None, None, None, None, None, None]


def check(*rows, head=HEAD, mode="full", **more):
    table = find_table([Sheet("S", [head, *[list(row) for row in rows]])], mode)
    return check_rows(table, mode, **more)


def with_(column, value):
    row = list(GOOD)
    row[HEAD.index(column)] = value
    return row


def codes(checked, severity=None):
    return [f.code for f in checked.findings if severity in (None, f.severity)]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("20220001", "20220001"),
        (" 2022 0001\u00a0", "20220001"),
        ("\u200b20220001\ufeff", "20220001"),
        ("２０２２０００１", "20220001"),
        ("Ｓ２０２２ｂ", "S2022b"),
        ("S2022-01", "S2022-01"),
        (20220001, "20220001"),
        (20220001.0, "20220001"),
        (123456789012345.0, "123456789012345"),
    ],
)
def test_student_numbers(value, expected):
    checked = check(with_("学号", value))
    assert codes(checked) == []
    assert checked.accepted[0].student_no == expected


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, "student_no_missing"),
        (" \u3000", "student_no_missing"),
        ("李雷", "student_no_invalid"),
        ("ABC", "student_no_invalid"),
        ("2022 学号", "student_no_invalid"),
        ("1" * 33, "student_no_invalid"),
        (2022.5, "student_no_invalid"),
        (True, "student_no_invalid"),
        (date(2022, 1, 1), "student_no_invalid"),
        (2.02201010101010e15, "student_no_digits_lost"),
        ("2.02201E+15", "student_no_digits_lost"),
        (CellError("#REF!"), "cell_error"),
    ],
)
def test_refused_student_numbers(value, code):
    checked = check(with_("学号", value))
    assert codes(checked, "error") == [code]
    assert (checked.findings[0].row, checked.findings[0].column) == (2, "学号")
    assert (len(checked.accepted), checked.rejected) == (0, 1)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("吴小兰", "吴小兰"),
        (" 吴 兰 ", "吴兰"),
        ("吴\u3000兰", "吴兰"),
        ("阿卜杜拉•买买提", "阿卜杜拉·买买提"),
        ("𠮷田", "𠮷田"),
        ("㛃", "㛃"),
        ("O'Neil Jr.", "O'Neil Jr."),
    ],
)
def test_names(value, expected):
    assert check(with_("姓名", value)).accepted[0].name == expected


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, "name_missing"),
        ("20220001", "name_invalid"),
        (20220001, "name_invalid"),
        ("甲" * 61, "name_invalid"),
        ("吴*兰", "name_is_masked"),
    ],
)
def test_refused_names(value, code):
    assert codes(check(with_("姓名", value)), "error") == [code]


@pytest.mark.parametrize(
    ("kind", "number", "expected"),
    [
        (None, ID, IdType.RESIDENT_ID),
        ("居民身份证", f" {ID[:6]} {ID[6:]}\u00a0", IdType.RESIDENT_ID),
        ("身份证", "".join(chr(ord(c) + 0xFEE0) for c in ID), IdType.RESIDENT_ID),
        ("港澳居民来往内地通行证", "H12345678", IdType.HK_MACAU_PERMIT),
        ("回乡证", "h1234567801", IdType.HK_MACAU_PERMIT),
        ("台胞证", "12345678", IdType.TAIWAN_PERMIT),
        ("台胞证", 12345678.0, IdType.TAIWAN_PERMIT),
        ("护照", "E12345678", IdType.PASSPORT),
        ("香港身份证", "A123456（3）", IdType.HK_ID),
        (None, "A123456(3)", IdType.HK_ID),
        ("passport", "P1234567", IdType.PASSPORT),
        ("hk_macau_permit", "M12345678", IdType.HK_MACAU_PERMIT),
    ],
)
def test_id_documents(kind, number, expected):
    row = with_("证件类型", kind)
    row[3] = number
    checked = check(row)
    assert codes(checked) == []
    document = checked.accepted[0].document
    assert document is not None
    assert document.id_type is expected


def wrong_check_digit():
    return ID[:-1] + ("0" if ID[-1] != "0" else "1")


@pytest.mark.parametrize(
    ("kind", "number", "code"),
    [
        (None, None, "id_number_missing"),
        (None, 110101200305170011.0, "id_number_digits_lost"),
        (None, 110101200305170011, "id_number_digits_lost"),
        (None, "1.1010120030517E+17", "id_number_digits_lost"),
        (None, "110101200305171000", "id_number_digits_lost"),
        (None, wrong_check_digit(), "id_number_check_digit"),
        (None, "110101200313010017", "id_number_birth_date"),
        (None, ID[:17], "id_number_format"),
        ("护照", "12", "id_number_format"),
        ("学生证", ID, "id_type_unknown"),
        ("居民身份证", "H12345678", "id_type_mismatch"),
        ("香港身份证", "A123456(7)", "id_number_check_digit"),
        (None, "???", "id_number_format"),
    ],
)
def test_refused_id_numbers(kind, number, code):
    row = with_("证件类型", kind)
    row[3] = number
    checked = check(row)
    assert codes(checked, "error") == [code]
    assert checked.findings[0].text()
    assert ID not in repr(checked.findings)


@pytest.mark.parametrize(
    ("column", "value", "code", "severity"),
    [
        ("性别", "女", "gender_mismatch", "error"),
        ("性别", 2, "gender_mismatch", "error"),
        ("性别", "其他", "gender_invalid", "warning"),
        ("出生日期", "20030518", "birth_date_mismatch", "error"),
        ("出生日期", "2003年", "birth_date_invalid", "warning"),
        ("手机号", "12345", "phone_invalid", "warning"),
        ("手机号", 1.3800000000123e15, "phone_invalid", "warning"),
        ("班级", date(2026, 2, 1), "text_became_date", "warning"),
        ("班级", "长" * 101, "text_too_long", "error"),
        ("班级", CellError(), "cell_error", "warning"),
        ("入学日期", "明年", "date_invalid", "warning"),
        ("院校代码", "10002", "school_code_mismatch", "error"),
    ],
)
def test_the_other_columns(column, value, code, severity):
    checked = check(with_(column, value), school_code="10001")
    assert [(f.code, f.severity, f.column) for f in checked.findings] == [(code, severity, column)]
    assert len(checked.accepted) == (severity == "warning")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("性别", "男"), ("性别", " 男 "), ("性别", 1), ("性别", 1.0), ("性别", "M"),
        ("性别", "9"), ("出生日期", "20030517"), ("出生日期", datetime(2003, 5, 17)),  # noqa: DTZ001
        ("出生日期", 37758), ("手机号", "138 0000-0001"), ("手机号", 13800000001.0),
        ("手机号", "+852 5123 4567"), ("院校代码", 10001), ("班级", 2201), ("班级", "—"),
    ],
)  # fmt: skip
def test_values_that_agree_pass_without_a_word(column, value):
    assert codes(check(with_(column, value), school_code="10001")) == []


@pytest.mark.parametrize(
    "cell",
    [
        date(2000, 1, 31),
        datetime(2000, 1, 31, 8, 30),  # noqa: DTZ001
        36556,
        36556.0,
        "36556",
        20000131,
        20000131.0,
        "20000131",
        "20000131000000",
        "2000-01-31",
        "2000-1-31",
        "2000/1/31",
        "2000.01.31",
        "2000年1月31日",
        "2000 年 1 月 31 日",
        "２０００-０１-３１",
        "2000-01-31 00:00:00",
        "2000-01-31T00:00:00",
        "\u200b2000/01/31 ",
    ],
)
def test_dates_in_every_shape(cell):
    assert read_date(cell) == date(2000, 1, 31)


@pytest.mark.parametrize(
    "cell",
    ["", "2000", "200013", "20000230", "2000-02-30", "31/01/2000", "00000000", 0, 99999999,
     "1066-10-14", date(1900, 1, 1), time(1), "明天", 1.5, True],
)  # fmt: skip
def test_what_is_no_date(cell):
    with pytest.raises(ValueError):  # noqa: PT011
        read_date(cell)


@pytest.mark.parametrize("cell", ["202309", 202309, "2023-09", "2023年9月", "2023/9"])
def test_a_month_is_enough_where_it_may_be(cell):
    assert read_date(cell, month_is_enough=True) == date(2023, 9, 1)
    with pytest.raises(ValueError):  # noqa: PT011
        read_date(cell)


@given(st.one_of(st.text(), st.integers(), st.floats(), st.booleans()))
def test_odd_values_raise_nothing_but_value_error(cell):
    for reader in (read_date, read_gender):
        try:
            reader(cell)
        except ValueError:
            continue


@given(st.dates(date(1940, 1, 1), date(2099, 12, 31)))
def test_every_date_reads_the_same_in_all_shapes(day):
    serial = (day - date(1899, 12, 30)).days
    for cell in (
        day,
        f"{day:%Y%m%d}",
        day.isoformat(),
        f"{day.year}年{day.month}月{day.day}日",
        serial,
    ):
        assert read_date(cell) == day


def test_zeros_lost_from_the_front_are_suspected_only_against_longer_numbers():
    rows = [
        ["02022001", "甲", None, make.resident_id(2)],
        [2022002, "乙", None, make.resident_id(3)],
    ]
    third = ["02022003", "丙", None, make.resident_id(4)]
    checked = check(*rows, third)
    assert [(f.row, f.code) for f in checked.findings] == [(3, "leading_zeros_maybe_lost")]
    assert len(checked.accepted) == 3
    assert codes(check(rows[1])) == []


def test_duplicates_name_the_first_row():
    other = make.resident_id(9)
    checked = check(
        GOOD,
        ["20220001", "李雷", None, other],
        ["20220003", "韩梅", None, ID],
        ["２０２２０００１", "林涛", None, make.resident_id(10)],
    )
    assert [(f.row, f.code, f.params) for f in checked.findings] == [
        (3, "duplicate_student_no", {"first_row": 2}),
        (4, "duplicate_id_number", {"first_row": 2}),
        (5, "duplicate_student_no", {"first_row": 2}),
    ]
    assert [row.row for row in checked.accepted] == [2]
    assert "第 2 行" in checked.findings[0].text()


def test_a_reissued_permit_is_the_same_person():
    rows = [
        ["1001", "甲", "港澳通行证", "H1234567801"],
        ["1002", "乙", "港澳通行证", "H1234567802"],
    ]
    assert codes(check(*rows)) == ["duplicate_id_number"]


MINIMAL = ["学号", "班级", "脱敏姓名", "证件号后四位"]


@pytest.mark.parametrize(
    ("last4", "expected"),
    [("6629", ["6629"]), ("662x", ["662X"]), ("６６２９", ["6629"]), ("6(3)", ["6(3)"]),
     ("6（3）", ["6(3)"]), (6629, ["6629"])],
)  # fmt: skip
def test_minimal_rows(last4, expected):
    checked = check(["1001", "一班", "吴*兰", last4], head=MINIMAL, mode="minimal")
    assert codes(checked) == []
    row = checked.accepted[0]
    assert (row.name, row.document, row.name_masked) == (None, None, "吴*兰")
    assert row.id_last4_variants == expected


@pytest.mark.parametrize(
    ("name", "last4", "code"),
    [
        (None, "6629", "name_missing"),
        ("吴*兰", None, "id_last4_missing"),
        ("吴*兰", 42, "id_last4_invalid"),
        ("吴*兰", "29", "id_last4_invalid"),
        ("吴*兰", "66*9", "id_last4_invalid"),
    ],
)
def test_refused_minimal_rows(name, last4, code):
    assert codes(check(["1001", "一班", name, last4], head=MINIMAL, mode="minimal")) == [code]


def test_minimal_mode_forgets_the_full_name_and_number_and_says_so():
    head = ["学号", "姓名", "身份证号", "手机号"]
    row = ["1001", "吴小兰", ID, "13800000001"]
    checked = check(row, head=head, mode="minimal")
    assert codes(checked, "error") == []
    assert codes(checked) == ["column_not_kept"] * 3
    kept = checked.accepted[0]
    assert (kept.name, kept.document, kept.phone) == (None, None, None)
    assert (kept.name_masked, kept.id_last4) == ("吴*兰", ID[-4:])


def test_minimal_mode_reads_a_masked_number():
    head = ["学号", "姓名", "身份证号"]
    checked = check(["1001", "吴*兰", "310***********6629"], head=head, mode="minimal")
    assert checked.accepted[0].id_last4 == "6629"


def test_findings_survive_the_database_without_personal_data():
    checked = check(with_("手机号", "13800"), ["20220001", "李雷", "护照", "E12345678"])
    for found in checked.findings:
        record = found.to_record()
        again = Finding.from_record(record)
        assert again.text() == found.text()
        assert "李雷" not in str(record)
        assert "13800" not in str(record)


def test_every_message_is_complete_in_both_languages():
    params = dict.fromkeys(
        ("first_row", "length", "usual", "limit", "title", "count", "expected", "batch"), 1
    )
    for code in MESSAGES:
        for locale in ("zh", "en"):
            text = Finding(1, "x", code, params=params).text(locale)
            assert text
            assert "{" not in text


ANYTHING = st.one_of(
    st.none(), st.text(max_size=12), st.integers(), st.floats(allow_nan=False), st.booleans(),
    st.dates(), st.sampled_from([ID, "20220001", "吴小兰", "男", "合计", "示例", "学号", CellError()]),
)  # fmt: skip


@given(st.lists(st.lists(ANYTHING, max_size=len(HEAD)), max_size=12))
def test_every_data_row_is_accepted_or_rejected_and_none_is_lost(rows):
    table = find_table([Sheet("S", [HEAD, *rows])], "full")
    checked = check_rows(table, "full")
    bad = {f.row for f in checked.findings if f.severity == "error"}
    assert checked.data_rows == len(checked.accepted) + len(bad)
    assert {row.row for row in checked.accepted}.isdisjoint(bad)
    numbers = [n for n, _ in table.students()] + [n for n, _ in skipped(table)]
    assert len(numbers) == len(set(numbers))
    for number, row in enumerate(rows, 2):
        if number not in numbers:  # only a row without anything visible in it may be passed over
            assert not any(str(c).strip() and str(c).isprintable() for c in row if c is not None)


def test_rows_with_the_same_words_are_judged_alike_and_keep_their_own_findings():
    """What is kept of one row's studies is no answer for a row that only looks like it."""
    rows = []
    for number, value in enumerate(["1", 1, True, date(2026, 2, 1), "1", date(2026, 2, 1), None]):
        row = with_("班级", value)
        row[0], row[3] = f"2022{number:04d}", make.resident_id(number)
        rows.append(row[: HEAD.index("班级") + 1])  # short: the last columns have no cells
    checked = check(*rows)
    words = [row.studies.texts["class_name"] for row in checked.accepted]
    assert words == ["1", "1", "True", None, "1", None, None]
    assert [f.row for f in checked.findings if f.code == "text_became_date"] == [5, 7]
    assert checked.accepted[0].studies is checked.accepted[4].studies
