"""Every format is read with its types, and no file can take the process down."""

from __future__ import annotations

import io
import json
import os
import pickle
import zipfile
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backoffice.imports.cells import (
    CellError,
    column_index,
    column_letter,
    decode_cell,
    encode_cell,
)
from backoffice.imports.limits import BLOCK_ROWS, Limits
from backoffice.imports.preflight import Kind, inspect
from backoffice.imports.reading import Rows, read_workbook
from backoffice.imports.workbook_errors import (
    UNREADABLE,
    WorkbookCorrupt,
    WorkbookEmpty,
    WorkbookEncrypted,
    WorkbookError,
    WorkbookHasMacros,
    WorkbookNoTable,
    WorkbookTooLarge,
    WorkbookUnsupported,
)
from tests import factories_workbooks as make

TABLE = [["学号", "姓名"], ["0012", "吴小兰"], ["0013", "𠮷田"]]


def first(data: bytes) -> list[list[object]]:
    return list(read_workbook(data)[0].rows)


@pytest.mark.parametrize(
    "data",
    [
        make.xlsx(TABLE),
        make.xls(TABLE),
        make.xls(TABLE, make.write_protect()),
        make.ods(TABLE),
        make.csv_text(TABLE).encode(),
        b"\xef\xbb\xbf" + make.csv_text(TABLE).encode(),
        make.csv_text(TABLE).encode("gb18030"),
        make.csv_text(TABLE, "\t").encode("utf-16"),
        make.csv_text(TABLE, ";").encode(),
    ],
    ids=[
        "xlsx",
        "xls",
        "xls-protected",
        "ods",
        "csv",
        "csv-bom",
        "csv-gb18030",
        "txt-utf16",
        "csv-semicolon",
    ],
)
def test_every_format_gives_the_same_table(data: bytes) -> None:
    assert first(data) == TABLE


def test_the_type_of_a_cell_survives() -> None:
    row = [
        "a",
        1,
        2.5,
        True,
        date(2000, 1, 31),
        datetime(2000, 1, 1, 3, 4),  # noqa: DTZ001 (cells have no zone)
        None,
        110101199003071234,
    ]
    read = first(make.xlsx([row]))[0]
    assert read[:3] == ["a", 1, 2.5]
    assert read[3] is True
    assert read[4] == date(2000, 1, 31)
    assert type(read[4]) is date
    assert read[5:7] == [datetime(2000, 1, 1, 3, 4), None]  # noqa: DTZ001
    assert isinstance(read[7], float)  # the digits are gone already


def test_a_formula_error_is_no_empty_cell() -> None:
    rows = '<row r="1"><c r="A1"><v>1</v></c><c r="B1" t="e"><v>#N/A</v></c></row>'
    assert first(make.raw_xlsx(rows))[0] == [1, CellError()]


def test_row_numbers_are_those_of_the_sheet() -> None:
    rows = '<row r="4"><c r="C4"><v>7</v></c></row>'
    assert first(make.raw_xlsx(rows)) == [[], [], [], [None, None, 7]]


def test_trailing_blanks_are_dropped() -> None:
    assert first(make.xlsx([["a", "", None], ["", ""], ["b"], [None], [""]])) == [["a"], [], ["b"]]


def test_sheets_visibility_and_merges() -> None:
    def prepare(book, page):  # type: ignore[no-untyped-def]
        page.merge_cells("A1:B1")
        hidden = book.create_sheet("字典")
        hidden.append(["x"])
        hidden.sheet_state = "hidden"

    sheets = read_workbook(make.xlsx([["标题"], ["a", "b"]], prepare=prepare))
    assert [(s.name, s.visible) for s in sheets] == [("名单", True), ("字典", False)]
    assert sheets[0].merged == [(0, 0, 0, 1)]


def test_csv_tricks_against_excel_are_undone() -> None:
    assert first('学号,姓名\n="0012",甲\n'.encode())[1] == ["0012", "甲"]


def test_csv_keeps_line_breaks_inside_quotes() -> None:
    assert first('学号,"姓名\n(必填)"\n1,甲\n'.encode())[0] == ["学号", "姓名\n(必填)"]


def test_an_ods_ending_in_a_million_repeated_empty_rows_is_small() -> None:
    tail = (
        '<table:table-row table:number-rows-repeated="1048574">'
        '<table:table-cell table:number-columns-repeated="16384"/></table:table-row>'
    )
    assert first(make.ods(TABLE, tail)) == TABLE


def _zip(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, body in members.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), body)
    return out.getvalue()


def _broken_sheet() -> bytes:
    return make.raw_xlsx('<row r="1"><c r="A1"><v>1</c></row>')


GOOD = make.xlsx(make.people(300))
REPEATED = (
    '<table:table-row table:number-rows-repeated="1048576"><table:table-cell '
    'table:number-columns-repeated="1024" office:value-type="float" office:value="1"/>'
    "</table:table-row>"
)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(b"", WorkbookEmpty, id="no-bytes"),
        pytest.param(b" \r\n\r\n", WorkbookEmpty, id="blank-text"),
        pytest.param(make.xlsx([]), WorkbookEmpty, id="blank-sheet"),
        pytest.param(make.raw_xlsx("", {"xl/media/i.png": b"p"}), WorkbookNoTable, id="picture"),
        pytest.param(make.ole({"EncryptedPackage": b"x"}), WorkbookEncrypted, id="encrypted-xlsx"),
        pytest.param(
            make.raw_xlsx('<row r="1"><c r="A1"><v>1</v></c></row>', {"xl/vbaProject.bin": b"x"}),
            WorkbookHasMacros,
            id="macros",
        ),
        pytest.param(
            make.ole({"Workbook": b"\x09\x08", "_VBA_PROJECT": b"x"}),
            WorkbookHasMacros,
            id="macros-xls",
        ),
        pytest.param(
            make.raw_xlsx('<row r="1"><c  s="1" r = "XFD1048576"><v>1</v></c></row>'),
            WorkbookTooLarge,
            id="spaced-address-bomb",
        ),
        pytest.param(make.xls(TABLE, make.file_pass()), WorkbookEncrypted, id="encrypted-xls"),
        pytest.param(
            make.xls(TABLE, make.file_pass(rc4=False)), WorkbookEncrypted, id="encrypted-old-xls"
        ),
        pytest.param(
            make.xls(TABLE, make.write_protect() + make.file_pass()),
            WorkbookEncrypted,
            id="encrypted-protected-xls",
        ),
        pytest.param(make.ods(TABLE, encrypted=True), WorkbookEncrypted, id="encrypted-ods"),
        pytest.param(make.ole({"WordDocument": b"x"}), WorkbookUnsupported, id="doc"),
        pytest.param(_zip(word__document_dot_xml=b"<w/>"), WorkbookUnsupported, id="docx"),
        pytest.param(_zip(readme=b"hi"), WorkbookUnsupported, id="zip"),
        pytest.param(b"%PDF-1.7 ...", WorkbookUnsupported, id="pdf"),
        pytest.param(b"\x89PNG\r\n\x1a\n....", WorkbookUnsupported, id="png"),
        pytest.param(b"\xff\xd8\xff\xe0 JFIF", WorkbookUnsupported, id="jpeg"),
        pytest.param(b"<html><table><tr><td>1</table>", WorkbookUnsupported, id="html-as-xls"),
        pytest.param("各位老师好，名单稍后发送。\n谢谢".encode(), WorkbookUnsupported, id="letter"),
        pytest.param(os.urandom(4000), WorkbookUnsupported, id="noise"),
        pytest.param(GOOD[: len(GOOD) // 2], WorkbookCorrupt, id="half-a-download"),
        pytest.param(b"PK\x03\x04" + bytes(200), WorkbookCorrupt, id="broken-zip"),
        pytest.param(make.ole({"Nothing": b"x"}), WorkbookCorrupt, id="ole-without-workbook"),
        pytest.param(_broken_sheet(), WorkbookCorrupt, id="broken-xml"),
        pytest.param(make.ole({"Workbook": b"\x09\x08"}), WorkbookError, id="broken-xls"),
        pytest.param(make.address_bomb(), WorkbookTooLarge, id="address-bomb"),
        pytest.param(make.hidden_address_bomb(), WorkbookError, id="hidden-address-bomb"),
        pytest.param(make.zip_bomb(), WorkbookTooLarge, id="zip-bomb"),
        pytest.param(make.ods(TABLE, REPEATED), WorkbookTooLarge, id="ods-bomb"),
    ],
)
def test_unreadable_files_have_one_clear_error(data: bytes, expected: type) -> None:
    with pytest.raises(expected) as caught:
        read_workbook(data)
    for locale in ("zh", "en"):
        text = caught.value.text(locale)
        assert text
        assert "{" not in text


def test_codes_are_distinct_and_stable() -> None:
    assert set(UNREADABLE) == {
        "workbook_not_readable",
        "workbook_encrypted",
        "workbook_empty",
        "workbook_too_large",
        "workbook_corrupt",
        "workbook_no_table",
        "workbook_has_macros",
        "workbook_unsupported",
    }


@pytest.mark.parametrize(
    "limits",
    [Limits(rows=2), Limits(columns=1), Limits(cells=5), Limits(file_bytes=100)],
    ids=["rows", "columns", "cells", "bytes"],
)
def test_each_limit_is_kept(limits: Limits) -> None:
    with pytest.raises(WorkbookTooLarge):
        read_workbook(make.xlsx(TABLE), limits)


@pytest.mark.parametrize(
    ("address", "fits"),
    [
        ("Z99999", True),
        ("AA1", True),
        ("A100000", True),
        ("A200000", True),
        ("GR50000", True),  # 200 columns: the rows must be counted to see that it fits
        ("GR50001", False),
        ("AY196079", False),  # 51 columns, one cell too many
        ("GS1", False),
        ("A200001", False),
        ("XFD1048576", False),
    ],
)
@pytest.mark.parametrize("write", ['r="{}"', "r='{}'", 'r = "{}"'])
def test_the_used_area_is_measured_before_any_parser_sees_it(address, fits, write) -> None:  # type: ignore[no-untyped-def]
    place = write.format(address)
    data = make.raw_xlsx(f'<row><c r="A1"><v>1</v></c><c {place}><v>1</v></c></row>')
    if fits:
        assert inspect(data, Limits()).kind is Kind.XLSX
    else:
        with pytest.raises(WorkbookTooLarge):
            inspect(data, Limits())


CUT = st.one_of(st.none(), st.integers(-1700, 1700))


@given(st.integers(0, 1600), st.lists(st.tuples(CUT, CUT), max_size=3), st.data())
def test_rows_in_blocks_are_a_list_wherever_they_are_cut(count, cuts, data) -> None:  # type: ignore[no-untyped-def]
    plain = [[number] for number in range(count)]
    starts = range(0, count, BLOCK_ROWS)
    blocks = [json.dumps(plain[start : start + BLOCK_ROWS]).encode() for start in starts]
    rows = Rows(blocks, 0, count)
    for first, last in cuts:
        plain, rows = plain[first:last], rows[first:last]
        assert list(pickle.loads(pickle.dumps(rows))) == list(rows) == plain
    if plain:
        index = data.draw(st.integers(-len(plain), len(plain) - 1))
        assert rows[index] == plain[index]
    with pytest.raises(IndexError):
        rows[len(plain)]


@pytest.mark.parametrize("limits", [Limits(rows=2), Limits(columns=1)])
@pytest.mark.parametrize("build", [make.xls, lambda t: make.csv_text(t).encode(), make.ods])
def test_rows_and_columns_are_limited_in_the_other_formats(build, limits: Limits) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(WorkbookTooLarge):
        read_workbook(build(TABLE), limits)


def test_a_reader_that_hangs_is_stopped() -> None:
    with pytest.raises(WorkbookTooLarge):
        read_workbook(make.big_xlsx(make.people(20_000)), Limits(seconds=0))


def test_a_reader_without_memory_is_no_crash_here() -> None:
    with pytest.raises(WorkbookTooLarge):
        read_workbook(make.address_bomb(), Limits(rows=2_000_000, columns=20_000, cells=10**12))


@pytest.mark.parametrize("value", ["a", 1, 1.5, True, date(2000, 1, 2), CellError("#N/A"), None])
def test_cells_cross_the_process_border_unchanged(value: object) -> None:
    assert decode_cell(encode_cell(value)) == value


@pytest.mark.parametrize(("index", "letters"), [(0, "A"), (25, "Z"), (26, "AA"), (16383, "XFD")])
def test_column_letters(index: int, letters: str) -> None:
    assert column_letter(index) == letters
    assert column_index(letters.lower()) == index


@pytest.mark.parametrize("text", ["", "学号", "A1", "ABCD", "Ａ"])
def test_what_is_no_column_letter(text: str) -> None:
    assert column_index(text) is None
