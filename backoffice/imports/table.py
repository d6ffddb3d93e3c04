"""Finding the table in a workbook: its sheet, its heading row or rows, its data rows."""

from __future__ import annotations

import re
from collections.abc import Mapping as Pairs
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from backoffice.identity.characters import compact
from backoffice.imports.cells import Cell, Row, column_index, column_letter, display, visible
from backoffice.imports.errors import HeaderNotFound, SheetUnknown
from backoffice.imports.fields import OTHER_PERSON, heading_key, recognise
from backoffice.imports.mapping import (
    IGNORE,
    REQUIRED,
    Mapping,
    check_required,
    field_named,
    propose_mapping,
)
from backoffice.imports.reading import Sheet

HEADER_SEARCH_ROWS = 20
NOTES_SEARCH_ROWS = 6  # explanation and example rows stand right below the headings
KEY_FIELDS = {"student_no", "exam_no", "name", "name_masked", "id_number", "id_last4"}

NUMBER_LIKE = re.compile(r"(?=.*[0-9]{3})[A-Za-z0-9][A-Za-z0-9._/\-]{2,}")
TOTAL = re.compile(r"(合计|总计|小计|共计|总人数|总数|人数|共[0-9]+[人名]|TOTAL|SUM)")
EXAMPLE = re.compile(r"(示例|样例|例如|范例|^例[:：]|EXAMPLE)")
EXPLANATION = re.compile(
    r"(必填|选填|可选|非必|不能为空|可为空|格式|文本|填写|说明|长度|位数|位以内|REQUIRED|OPTIONAL|STRING|VARCHAR|CHAR)"
)
FOOTER = re.compile(
    r"^(说明|备注|注[:：]|注意|填表|制表|审核|审批|打印|负责人|联系人|经办|单位|日期|第[0-9]+页|共[0-9]+页|[0-9]+[、.].*[。;])"
)

SkipReason = Literal["header", "total", "example", "explanation", "footer"]


@dataclass(frozen=True, repr=False)  # personal data stays out of tracebacks
class Table:
    """The table. `rows`: (1-based sheet row, cells); `skipped`: rows that are no data, and why."""

    sheet: str
    header_row: int  # 1-based row of the (last) heading line; 0 when there is none
    mapping: Mapping
    rows: list[tuple[int, Row]]
    skipped: list[tuple[int, SkipReason]] = field(default_factory=list)
    other_sheets: list[str] = field(default_factory=list)

    def cell(self, row: Row, name: str) -> Cell:
        """Return the cell of a field in a row; None where the row is shorter."""
        column = self.mapping.columns[name]
        return row[column] if column < len(row) else None


@dataclass(frozen=True)
class _Header:
    last_row: int  # 0-based
    headings: list[str]
    fields: frozenset[str]


def find_table(
    sheets: Sequence[Sheet],
    roster_mode: str,
    overrides: Pairs[str, str] | None = None,
    sheet_name: str | None = None,
) -> Table:
    """Return the roster table of a workbook.

    overrides: see `propose_mapping`. Raises HeaderNotFound, SheetUnknown, ColumnMissing,
    ColumnDuplicated, ColumnUnknown or FieldUnknown.
    """
    wanted = _wanted_fields(overrides or {})
    if sheet_name is not None:
        sheets = [sheet for sheet in sheets if sheet.name == sheet_name]
        if not sheets:
            raise SheetUnknown
    found = [(sheet, header) for sheet in sheets if (header := _find_header(sheet, wanted))]
    if not found:
        found = [(s, h) for s in sheets if s.rows and (h := _header_by_letters(s, wanted))]
    if not found:
        raise HeaderNotFound(rows=HEADER_SEARCH_ROWS)
    best = max(found, key=lambda pair: _rank(pair[0], pair[1], roster_mode))
    sheet, header = best
    mapping = propose_mapping(header.headings, overrides)
    check_required(mapping, roster_mode)
    others = [s.name for s, h in found if s is not sheet and s.visible and _covers(h, roster_mode)]
    return _cut(sheet, header, mapping, others)


def _wanted_fields(overrides: Pairs[str, str]) -> dict[str, str]:
    """Return column word -> field name for the overrides that map something."""
    return {
        word: field_named(target)
        for word, target in overrides.items()
        if target.strip().lower() not in IGNORE
    }


def _covers(header: _Header, roster_mode: str) -> bool:
    return all(any(name in header.fields for name in group) for group in REQUIRED[roster_mode])


def _rank(sheet: Sheet, header: _Header, roster_mode: str) -> tuple[bool, bool, int, int]:
    rows = len(sheet.rows) - header.last_row - 1
    return (sheet.visible, _covers(header, roster_mode) and rows > 0, len(header.fields), rows)


def _find_header(sheet: Sheet, wanted: Pairs[str, str]) -> _Header | None:
    """Return the line, else the pair of lines, that names most fields; the first of equals."""
    found: list[tuple[int, bool, int, _Header]] = []
    last = min(HEADER_SEARCH_ROWS, len(sheet.rows))
    for index in range(last):
        single = _header(index, _texts(sheet.rows[index]), wanted)
        found.append((len(single.fields), True, -index, single))
        pair = _two_lines(sheet, index, wanted) if index + 1 < last else None
        if pair and single.fields < pair.fields:
            found.append((len(pair.fields), False, -index, pair))
    best = max(found, key=lambda item: item[:3])[3] if found else None
    if best is None or len(best.fields) < 2 or not best.fields & KEY_FIELDS:
        return None
    return best


def _texts(row: Row) -> list[str]:
    """Return the text cells of a row; numbers and dates are no headings."""
    return [visible(cell).strip() if isinstance(cell, str) else "" for cell in row]


def _header(index: int, headings: list[str], wanted: Pairs[str, str]) -> _Header:
    fields = {found[0].name for text in headings if (found := recognise(text))}
    keys = {heading_key(text) for text in headings if text}
    fields |= {name for word, name in wanted.items() if heading_key(word) in keys}
    return _Header(index, headings, frozenset(fields))


def _two_lines(sheet: Sheet, index: int, wanted: Pairs[str, str]) -> _Header:
    top, sub = _texts(sheet.rows[index]), _texts(sheet.rows[index + 1])
    width = max(len(top), len(sub))
    top += [""] * (width - len(top))
    sub += [""] * (width - len(sub))
    _spread(top, sub, sheet, index)
    return _header(index + 1, [_joined(a, b) for a, b in zip(top, sub, strict=True)], wanted)


def _spread(top: list[str], sub: list[str], sheet: Sheet, index: int) -> None:
    """Repeat a group heading over the columns it spans; merged cells hold it only in the first."""
    merged = [m for m in sheet.merged if m[0] <= index <= m[2]]
    for _, first, _, last in merged:
        for column in range(first + 1, min(last + 1, len(top))):
            top[column] = top[column] or top[first]
    if not merged:
        for column in range(1, len(top)):
            if sub[column] and not top[column] and sub[column - 1]:
                top[column] = top[column - 1]


def _joined(top: str, sub: str) -> str:
    """Return the heading of a column under a group: 证件 over 号码 is 证件号码."""
    if not top or not sub:
        return top or sub
    if OTHER_PERSON.search(top):
        return top + sub  # 父亲 over 姓名 is not the student's name
    for text in (top + sub, sub, top):
        if recognise(text):
            return text
    return top + sub


def _header_by_letters(sheet: Sheet, wanted: Pairs[str, str]) -> _Header | None:
    """Return a header for a file whose headings say nothing, when letters map its columns.

    The first row counts as headings when its student number cell holds no digit; a file
    without any headings begins with data.
    """
    letters = {column_index(word): name for word, name in wanted.items()}
    columns = {name: column for column, name in letters.items() if column is not None}
    if "student_no" not in columns:
        return None
    first = next((i for i, row in enumerate(sheet.rows) if row), 0)
    row = sheet.rows[first]
    column = columns["student_no"]
    text = display(row[column]) if column < len(row) else ""
    fields = frozenset(columns)
    if text and not re.search(r"\d", text):
        return _Header(first, _texts(row), fields)
    return _Header(first - 1, [column_letter(i) for i in range(len(row))], fields)


def _cut(sheet: Sheet, header: _Header, mapping: Mapping, others: list[str]) -> Table:
    """Return the table below the header without blank, total, note and repeated heading rows."""
    table = Table(sheet.name, header.last_row + 1, mapping, [], [], others)
    columns = sorted(set(mapping.columns.values()))
    fields_of = {column: _fields_at(mapping, column) for column in columns}
    for number, row in enumerate(sheet.rows[header.last_row + 1 :], header.last_row + 2):
        values = {c: text for c in columns if c < len(row) and (text := _shown(row[c]))}
        if not values:
            continue
        reason = _no_data(table, number, row, values, fields_of)
        if reason:
            table.skipped.append((number, reason))
        else:
            table.rows.append((number, row))
    return table


def _fields_at(mapping: Mapping, column: int) -> set[str]:
    return {name for name, at in mapping.columns.items() if at == column}


def _shown(cell: Cell) -> str:
    if isinstance(cell, str):
        return visible(cell).strip()
    return display(cell)


def _no_data(
    table: Table, number: int, row: Row, values: dict[int, str], fields_of: dict[int, set[str]]
) -> SkipReason | None:
    """Return why a row below the headings is no student, or None."""
    first_rows = not table.rows and number <= table.header_row + NOTES_SEARCH_ROWS
    words = [_shown(cell).upper() for cell in row if isinstance(cell, str)] if first_rows else []
    if any(EXAMPLE.search(word) for word in words):
        return "example"
    if _has_number(values, fields_of):
        return None
    if all(_names_field(text, fields_of[column]) for column, text in values.items()):
        return "header"
    lead = next((word for cell in row if (word := compact(_shown(cell)))), "")
    if TOTAL.match(lead):
        return "total"
    if any(EXPLANATION.search(word) for word in words):
        return "explanation"
    return "footer" if len(values) <= 2 and FOOTER.match(lead) else None


def _has_number(values: dict[int, str], fields_of: dict[int, set[str]]) -> bool:
    """Return True if the row has something like a student or ID number: then it is a student."""
    return any(
        NUMBER_LIKE.fullmatch(text if text.isascii() else compact(text))
        for column, text in values.items()
        if fields_of[column] & {"student_no", "id_number"}
    )


def _names_field(text: str, names: set[str]) -> bool:
    found = recognise(text)
    return found is not None and found[0].name in names
