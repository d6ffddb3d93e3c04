"""What we write back: the marked workbook and the template, read again."""

from __future__ import annotations

import io

import openpyxl
import pytest
from openpyxl.styles import Font
from openpyxl.workbook.defined_name import DefinedName

from backoffice.imports.error_workbook import error_workbook
from backoffice.imports.reading import read_workbook
from backoffice.imports.table import find_table
from backoffice.imports.template import template_workbook
from tests import factories_workbooks as make
from tests.imports.tables import check_rows

BAD = ["2022", "李雷", None, make.resident_id(5)[:17], None, None, None, None, None, "123"]
EVIL = ["=1+1", "@SUM(A1)", "+cmd|' /C calc'!A0", "-2+3", "\t=1", '=HYPERLINK("http://x")']


def marked(data, mode="full"):
    table = find_table(read_workbook(data), mode)
    checked = check_rows(table, mode)
    return openpyxl.load_workbook(
        io.BytesIO(error_workbook(data, table.sheet, checked.findings))
    ), checked


def test_the_clerks_own_file_comes_back_marked_and_otherwise_untouched():
    def prepare(book, page):
        page["K2"] = "=LEN(A3)"
        page["B3"].font = Font(bold=True, name="楷体")
        page.column_dimensions["B"].width = 33
        page["A3"].comment = openpyxl.comments.Comment("请核对", "王老师")
        book.create_sheet("附表")["A1"] = "=1+2"
        book.defined_names["区"] = DefinedName("区", attr_text="名单!$A$1")

    data = make.xlsx([["名单标题"], make.HEADINGS, BAD, *make.people(2)], prepare=prepare)
    book, checked = marked(data)
    page = book["名单"]
    assert {(f.row, f.column, f.severity) for f in checked.findings} == {
        (3, "证件号码", "error"),
        (3, "手机号", "warning"),
    }
    assert page["D3"].fill.fgColor.rgb == "FFFFC7CE"
    assert "18 位" in page["D3"].comment.text
    assert page["J3"].fill.fgColor.rgb == "FFFFEB9C"
    assert page["D4"].comment is None
    assert page["A3"].comment.text == "请核对"
    assert (page["K2"].value, book["附表"]["A1"].value) == ("=LEN(A3)", "=1+2")
    assert (page["B3"].font.name, page.column_dimensions["B"].width) == ("楷体", 33)
    assert "区" in book.defined_names
    listed = [[cell.value for cell in row] for row in book["导入问题"]]
    assert listed[0] == ["行", "列", "级别", "说明"]
    assert [row[:3] for row in listed[1:]] == [[3, "证件号码", "错误"], [3, "手机号", "提醒"]]


def test_a_second_round_clears_the_marks_of_the_first():
    book, _ = marked(make.xlsx([make.HEADINGS, BAD]))
    page = book["名单"]
    page["D2"] = make.resident_id(5)
    out = io.BytesIO()
    book.save(out)
    again, checked = marked(out.getvalue())
    assert [f.code for f in checked.findings] == ["phone_invalid"]
    assert again["名单"]["D2"].comment is None
    assert again["名单"]["D2"].fill.fill_type is None
    assert "18 位" not in str([c.value for row in again["导入问题"] for c in row])
    assert again.sheetnames.count("导入问题") == 1


@pytest.mark.parametrize(
    "build",
    [lambda t: make.csv_text(t).encode("gb18030"), make.xls, make.ods],
    ids=["csv", "xls", "ods"],
)
def test_other_formats_come_back_as_xlsx_with_the_same_places(build):
    rows = [["标题"], make.HEADINGS, BAD]
    book, _ = marked(build(rows))
    page = book.worksheets[0]
    assert page["D3"].value == BAD[3]
    assert page["D3"].comment is not None
    assert page["A1"].value == "标题"


def test_nothing_we_write_becomes_a_formula():
    rows = [make.HEADINGS, *[[f"2022{i}", text, None, text, None, None, text, None, None, text]
                             for i, text in enumerate(EVIL)]]  # fmt: skip
    book, _ = marked(make.csv_text(rows).encode())
    cells = [cell for page in book for row in page for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} <= {"s", "n"}
    assert any(str(cell.value).startswith("=") and cell.quotePrefix for cell in cells)


def test_a_finding_in_a_merged_cell_marks_its_first_cell():
    def prepare(book, page):
        page.merge_cells("J2:J3")

    people = make.people(2)
    people[0][9] = "123"
    people[1][9] = None
    people[1][8] = None
    book, _ = marked(make.xlsx([make.HEADINGS, *people], prepare=prepare))
    assert book["名单"]["J2"].comment is not None


@pytest.mark.parametrize("locale", ["zh", "en"])
@pytest.mark.parametrize("mode", ["full", "minimal"])
def test_the_template_is_a_roster_we_read(mode, locale):
    data = template_workbook(mode, locale)
    table = find_table(read_workbook(data), mode)
    assert (table.header_row, table.students()) == (1, [])
    assert set(table.mapping.how.values()) == {"exact"}
    page = openpyxl.load_workbook(io.BytesIO(data)).worksheets[0]
    assert all(page.column_dimensions[cell.column_letter].number_format == "@" for cell in page[1])
    personal = {"id_number", "birth_date", "phone"} & set(table.mapping.columns)
    assert personal == ({"id_number", "birth_date", "phone"} if mode == "full" else set())


def test_the_template_offers_only_what_is_accepted():
    book = openpyxl.load_workbook(io.BytesIO(template_workbook("full")))
    page = book.worksheets[0]
    source = book["选项"]
    assert source.sheet_state == "hidden"
    areas = [
        v.formula1.split("!")[1].replace("$", "") for v in page.data_validations.dataValidation
    ]
    lists = [[cell.value for (cell,) in source[area]] for area in areas]
    assert ["男", "女"] in lists
    kinds = next(words for words in lists if "护照" in words)
    head = [cell.value for cell in page[1]]
    for kind in kinds:
        row = [None] * len(head)
        row[head.index("学号")], row[head.index("姓名")] = "20220001", "吴小兰"
        row[head.index("证件类型")], row[head.index("证件号码")] = kind, "E12345678"
        for column, cell in enumerate(row, 1):
            page.cell(2, column, cell)
        out = io.BytesIO()
        book.save(out)
        checked = check_rows(find_table(read_workbook(out.getvalue()), "full"), "full")
        assert "id_type_unknown" not in [f.code for f in checked.findings]


def test_text_that_looks_like_a_formula_in_the_clerks_file_stays_text():
    data = make.big_xlsx([make.HEADINGS, ["=1+1", *BAD[1:3], "=2+2", *[""] * 6]])
    book, _ = marked(data)
    page = book.worksheets[0]
    assert (page["A2"].value, page["A2"].data_type) == ("=1+1", "s")
    assert (page["D2"].value, page["D2"].data_type) == ("=2+2", "s")
