"""The heading row is found in the mess around it, columns are mapped, note rows are left out."""

from __future__ import annotations

import pytest

from backoffice.imports.errors import (
    ColumnDuplicated,
    ColumnMissing,
    ColumnUnknown,
    FieldUnknown,
    HeaderNotFound,
    SheetUnknown,
)
from backoffice.imports.fields import FIELDS, recognise
from backoffice.imports.mapping import propose_mapping
from backoffice.imports.reading import Sheet, read_workbook
from backoffice.imports.table import find_table
from tests import factories_workbooks as make
from tests.imports.tables import skipped

HEAD = ["学号", "姓名", "身份证号"]
A = ["20220001", "吴小兰", "x"]
B = ["20220002", "李雷", "y"]


def table_of(*rows, mode="full", overrides=None, **more):
    return find_table([Sheet("S", [list(r) for r in rows], **more)], mode, overrides)


@pytest.mark.parametrize(
    ("heading", "field"),
    [
        ("学号", "student_no"),
        (" 学 号 ", "student_no"),
        ("*学号", "student_no"),
        ("学号（必填）", "student_no"),
        ("学生\n姓名", "name"),
        ("姓名(与身份证一致)", "name"),
        ("XM", "name"),
        ("ｘｈ", "student_no"),
        ("XH", "student_no"),
        ("KSH", "exam_no"),
        ("Student No.", "student_no"),
        ("student_no", "student_no"),
        ("SFZH", "id_number"),
        ("证件号码", "id_number"),
        ("身份证号（后四位）", "id_last4"),
        ("身份证后4位", "id_last4"),
        ("证件类型", "id_type"),
        ("脱敏姓名", "name_masked"),
        ("XB", "gender"),
        ("CSRQ", "birth_date"),
        ("院校代码", "school_code"),
        ("CC", "level"),
        ("学历类别", "study_kind"),
        ("XXXS", "study_form"),
        ("ZYMC", "major"),
        ("XSH", "college"),
        ("院(系、所)", "college"),
        ("BH", "class_name"),
        ("RXRQ", "enrolled_on"),
        ("YJBYRQ", "graduates_on"),
        ("联系电话", "phone"),
        ("父亲姓名", None),
        ("家长手机号", None),
        ("辅导员联系电话", None),
        ("序号", None),
        ("备注", None),
        ("", None),
    ],
)
def test_headings_by_their_many_names(heading, field):
    found = recognise(heading)
    assert (found[0].name if found else None) == field


@pytest.mark.parametrize("field", FIELDS, ids=lambda f: f.name)
def test_no_synonym_is_lost_to_another_field(field):
    for word in (field.title.zh, field.title.en, field.name, *field.synonyms):
        found = recognise(word)
        assert found is not None, word
        assert found[0].name == field.name, word


@pytest.mark.parametrize("lead", [0, 1, 3, 9, 19])
def test_title_rows_above_the_header(lead):
    titles = [["某大学2027届毕业生名单"]] + [[]] * 30
    table = table_of(*titles[:lead], HEAD, A, B)
    assert table.header_row == lead + 1
    assert [number for number, _ in table.students()] == [lead + 2, lead + 3]


def test_a_header_below_the_first_twenty_rows_is_not_searched():
    with pytest.raises(HeaderNotFound):
        table_of(*[["说明"]] * 20, HEAD, A)


@pytest.mark.parametrize("merged", [[], [(0, 2, 0, 3), (0, 4, 0, 5), (0, 0, 1, 0), (0, 1, 1, 1)]])
def test_a_two_line_header(merged):
    table = table_of(
        ["学号", "姓名", "证件", None, "父亲", None],
        [None, None, "类型", "号码", "姓名", "手机号"],
        ["20220001", "吴小兰", "居民身份证", "x", "吴大", "138"],
        merged=merged,
    )
    assert table.header_row == 2
    columns = {"student_no": 0, "name": 1, "id_type": 2, "id_number": 3}
    assert {k: v for k, v in table.mapping.columns.items() if k in columns} == columns
    assert len(table.students()) == 1
    assert "phone" not in table.mapping.columns


def test_group_headings_tell_equal_ones_apart():
    """All headings stand in the second line, twice the same words; the group says whose they are."""
    table = table_of(
        ["序号", "基本信息", None, None, None, "父亲", None],
        [None, "学号", "姓名", "身份证号", "手机号", "姓名", "手机号"],
        ["1", "20220001", "吴小兰", "x", "139", "吴大", "138"],
        merged=[(0, 1, 0, 4), (0, 5, 0, 6), (0, 0, 1, 0)],
    )
    assert table.header_row == 2
    assert table.mapping.columns == {"student_no": 1, "name": 2, "id_number": 3, "phone": 4}


def test_a_merged_two_line_header_ignores_the_fathers_columns():
    table = table_of(
        ["学号", "姓名", "身份证号", "父亲", None],
        [None, None, None, "姓名", "手机号"],
        ["20220001", "吴小兰", "x", "吴大", "138"],
        merged=[(0, 3, 0, 4)],
    )
    assert set(table.mapping.columns) == {"student_no", "name", "id_number"}
    assert len(table.students()) == 1


def test_code_names_below_the_headings_are_no_student():
    table = table_of(HEAD, ["XH", "XM", "SFZH"], A)
    assert (table.header_row, skipped(table)) == (1, [(2, "header")])
    assert len(table.students()) == 1


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (["必填，文本格式", "必填", "18位"], "explanation"),
        (["不能为空", None, None], "explanation"),
        (["2022000001", "张三（示例）", "110101200001011234"], "example"),
        (["例：20220001", "张三", None], "example"),
        (["学号", "姓名", "身份证号"], "header"),
    ],
)
def test_note_rows_below_the_header(row, reason):
    table = table_of(HEAD, row, A)
    assert skipped(table) == [(2, reason)]
    assert [number for number, _ in table.students()] == [3]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (["合计", "2人", None], "total"),
        (["总计：", None, 2], "total"),
        (["共2人", None, None], "total"),
        (["填表人：王老师", None, None], "footer"),
        (["注：请核对", None, None], "footer"),
        (HEAD, "header"),
    ],
)
def test_rows_at_the_end_that_are_no_students(row, reason):
    table = table_of(HEAD, A, B, [], row)
    assert skipped(table) == [(5, reason)]
    assert len(table.students()) == 2


@pytest.mark.parametrize(
    "row",
    [
        [None, "李雷", "x"],  # no student number: rejected later, never lost
        ["20220009", None, None],
        ["李雷", "20220009", "x"],  # shifted columns
        [None, "合计", "110101200301011234"],
    ],
)
def test_a_bad_student_row_is_not_mistaken_for_a_note(row):
    assert [r for _, r in table_of(HEAD, A, row).students()] == [A, row]


def test_blank_rows_and_a_prefilled_number_column_are_no_data():
    table = table_of(["序号", *HEAD], [1, *A], [2, None, " ", "\u200b"], [], [3, *B], [4])
    assert [number for number, _ in table.students()] == [2, 5]
    assert skipped(table) == []


def test_the_best_sheet_is_chosen_and_the_others_are_named():
    sheets = [
        Sheet("说明", [["姓名请用全称"], ["填写说明"]]),
        Sheet("字典", [HEAD, A, B, A], visible=False),
        Sheet("一班", [HEAD, A]),
        Sheet("二班", [HEAD, A, B]),
    ]
    table = find_table(sheets, "full")
    assert (table.sheet, table.rivals) == ("二班", ["一班"])
    assert find_table(sheets, "full", sheet_name="一班").sheet == "一班"
    with pytest.raises(SheetUnknown):
        find_table(sheets, "full", sheet_name="三班")


def test_a_misspelt_heading_is_guessed_and_said_so():
    mapping = propose_mapping(["学号", "姓名", "身份证件号妈"])
    assert mapping.columns["id_number"] == 2
    assert mapping.guessed() == ["id_number"]


@pytest.mark.parametrize("heading", ["院系代码", "父亲身份证号码", "学院代码", "籍贯", "政治面貌"])
def test_a_merely_similar_heading_is_left_alone(heading):
    assert list(propose_mapping(["学号", heading]).columns) == ["student_no"]


def test_freshmen_without_student_numbers_go_by_their_examinee_number():
    mapping = propose_mapping(["考生号", "姓名", "身份证号"])
    assert mapping.columns["student_no"] == 0
    assert mapping.how["student_no"] == "fallback"


@pytest.mark.parametrize("headings", [[*HEAD, "学号"], ["学号", "姓名", "身份证号", "证件号码"]])
def test_two_columns_for_one_key_field_are_refused_by_name(headings):
    with pytest.raises(ColumnDuplicated) as caught:
        table_of(headings, A)
    text = caught.value.text()
    assert headings[-1] in text
    assert "姓名" in text  # the headings found are listed


def test_two_columns_for_an_optional_field_take_the_better_heading():
    assert propose_mapping(["联系电话", "手机号"]).columns == {"phone": 1}


@pytest.mark.parametrize(
    ("headings", "mode", "missing"),
    [
        (["学号", "姓名"], "full", "证件号码"),
        (["学号", "身份证号"], "full", "姓名"),
        (["姓名", "身份证号"], "full", "学号"),
        (["学号", "姓名"], "minimal", "证件号后四位"),
        (["学号", "证件号后四位"], "minimal", "脱敏姓名"),
    ],
)
def test_a_missing_column_is_named_and_the_headings_listed(headings, mode, missing):
    with pytest.raises(ColumnMissing) as caught:
        table_of(headings, A, mode=mode)
    text = caught.value.text()
    assert missing in text
    assert all(heading in text for heading in headings)


def test_overrides_by_heading_and_by_letter():
    headings = ["编码", "称呼", "号", "身份证号"]
    table = table_of(
        headings,
        ["20220001", "吴小兰", "x", "y"],
        overrides={"编码": "student_no", "B": "姓名", "c": "id_number", "身份证号": "-"},
    )
    assert table.mapping.columns == {"student_no": 0, "name": 1, "id_number": 2}
    assert len(table.students()) == 1


def test_letters_map_a_file_without_headings():
    table = table_of(A, B, overrides={"A": "student_no", "B": "name", "C": "id_number"})
    assert (table.header_row, len(table.students())) == (0, 2)
    assert table.mapping.heading("name") == "B"


@pytest.mark.parametrize(
    ("overrides", "error"),
    [
        ({"无此列": "name"}, ColumnUnknown),
        ({"姓名": "nickname"}, FieldUnknown),
        ({"姓名": "student_no", "学号": "student_no"}, ColumnDuplicated),
    ],
)
def test_wrong_overrides_are_refused(overrides, error):
    with pytest.raises(error):
        table_of(HEAD, A, overrides=overrides)


@pytest.mark.parametrize(
    "rows", [[], [[]], [["a", "b"], [1, 2]], [["通讯录"], ["联系方式", "地址"]]]
)
def test_a_workbook_without_a_roster(rows):
    with pytest.raises(HeaderNotFound) as caught:
        table_of(*rows)
    assert "20" in caught.value.text()


def test_a_real_messy_workbook_from_file_to_table():
    def prepare(book, page):
        page.merge_cells("A1:J1")
        page.row_dimensions[6].hidden = True
        book.create_sheet("下拉选项").append(["男", "女"])

    rows = [["某大学2027届毕业生图像采集名单"], [], make.HEADINGS, ["必填"] * 10, *make.people(4)]
    table = find_table(read_workbook(make.xlsx([*rows, ["合计", 4]], prepare=prepare)), "full")
    assert (table.header_row, len(table.students())) == (3, 4)
    assert skipped(table) == [(4, "explanation"), (9, "total")]
