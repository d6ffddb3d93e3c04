"""Finding the table in a workbook: its sheet, its heading row or rows, its data rows."""

from __future__ import annotations

import re
from collections.abc import Mapping as Pairs
from collections.abc import Sequence
from dataclasses import dataclass, field

from backoffice.imports.cells import Row, column_index, column_letter, display, visible
from backoffice.imports.data_rows import RowSorter
from backoffice.imports.errors import HeaderNotFound, SheetUnknown
from backoffice.imports.fields import OTHER_PERSON, heading_key, recognise
from backoffice.imports.mapping import (
    IGNORE,
    NUMBERED,
    REQUIRED,
    Mapping,
    check_required,
    field_named,
    propose_mapping,
)
from backoffice.imports.reading import Sheet

HEADER_SEARCH_ROWS = 20
KEY_FIELDS = {"student_no", "exam_no", "name", "name_masked", "id_number", "id_last4"}


@dataclass(frozen=True, repr=False)  # personal data stays out of tracebacks
class Table:
    """The table of one sheet. `below`: everything under the headings, students or not.

    `rivals`: the sheets that look like rosters too.
    """

    sheet: str
    header_row: int  # 1-based row of the (last) heading line; 0 when there is none
    mapping: Mapping
    below: Sequence[Row]
    rivals: list[str] = field(default_factory=list)

    def students(self) -> list[tuple[int, Row]]:
        """Return the (1-based sheet row, cells) of all students."""
        sorter = RowSorter(self.mapping, self.header_row)
        return list(sorter.students(self.header_row + 1, self.below))


@dataclass(frozen=True)
class Header:
    """The heading line (the lower one of two), its texts, and the fields they name."""

    last_row: int  # 0-based; -1 when the file begins with data
    headings: list[str]
    fields: frozenset[str]
    doubled: int = 0  # columns that name a field another column names too


def find_table(
    sheets: Sequence[Sheet],
    roster_mode: str,
    overrides: Pairs[str, str] | None = None,
    sheet_name: str | None = None,
    remembered: Pairs[str, str] | None = None,
    header_row: int | None = None,
) -> Table:
    """Return the roster table of a workbook.

    overrides, remembered: see `propose_mapping`. header_row: the heading line (from 1) that was
    offered for `sheet_name`, also where it says little. Raises HeaderNotFound, SheetUnknown,
    ColumnMissing, ColumnDuplicated, ColumnUnknown or FieldUnknown.
    """
    wanted = _wanted_fields(overrides or {}, remembered or {})
    if sheet_name is not None:
        sheets = [sheet for sheet in sheets if sheet.name == sheet_name]
        if not sheets:
            raise SheetUnknown
    if sheet_name is not None and header_row:
        found = [(sheets[0], _header_at(sheets[0], header_row, wanted))]
    else:
        found = find_headers(sheets, wanted)
    if not found:
        raise HeaderNotFound(rows=HEADER_SEARCH_ROWS)
    best = max(found, key=lambda pair: _rank(pair[0], pair[1], roster_mode))
    sheet, header = best
    mapping = propose_mapping(header.headings, overrides, remembered)
    check_required(mapping, roster_mode)
    start = header.last_row + 1
    rivals = [s.name for s, h in found if s is not sheet and s.visible and _covers(h, roster_mode)]
    return Table(sheet.name, start, mapping, sheet.rows[start:], rivals)


def find_headers(sheets: Sequence[Sheet], wanted: Pairs[str, str]) -> list[tuple[Sheet, Header]]:
    """Return the sheets that have headings of a roster, with them.

    wanted: heading or column letter -> field, known beforehand. Letters count only where no
    sheet has headings.
    """
    found = [(sheet, header) for sheet in sheets if (header := _find_header(sheet, wanted))]
    if not found:
        found = [(s, h) for s in sheets if s.rows and (h := _header_by_letters(s, wanted))]
    return found


def plain_header(sheet: Sheet) -> Header | None:
    """Return the first line that can only be headings: several different words, no numbers."""
    for index, row in enumerate(sheet.rows[:HEADER_SEARCH_ROWS]):
        words = [cell for cell in row if cell is not None]
        texts = [word for word in words if isinstance(word, str) and not re.search(r"\d{3}", word)]
        if len(texts) > 1 and len(texts) == len(words) == len(set(texts)):
            return Header(index, _texts(row), frozenset())
    return None


def _header_at(sheet: Sheet, header_row: int, wanted: Pairs[str, str]) -> Header:
    """Return the headings that end in this line; raises HeaderNotFound when there is none."""
    found = _find_header(sheet, wanted)
    if found and found.last_row + 1 == header_row:
        return found
    if header_row > len(sheet.rows):
        raise HeaderNotFound(rows=HEADER_SEARCH_ROWS)
    return Header(header_row - 1, _texts(sheet.rows[header_row - 1]), frozenset())


def _wanted_fields(overrides: Pairs[str, str], remembered: Pairs[str, str]) -> dict[str, str]:
    """Return column word -> field name for what is known and maps something."""
    return {
        word: field_named(target)
        for word, target in {**remembered, **overrides}.items()
        if target.strip().lower() not in IGNORE and not word.startswith(NUMBERED)
    }


def _covers(header: Header, roster_mode: str) -> bool:
    return all(any(name in header.fields for name in group) for group in REQUIRED[roster_mode])


def _rank(sheet: Sheet, header: Header, roster_mode: str) -> tuple[bool, bool, int, int]:
    rows = len(sheet.rows) - header.last_row - 1
    return (sheet.visible, _covers(header, roster_mode) and rows > 0, len(header.fields), rows)


def _find_header(sheet: Sheet, wanted: Pairs[str, str]) -> Header | None:
    """Return the line, else the pair of lines, that names most fields; the first of equals.

    Of equal fields the pair is meant when it tells columns apart: 姓名 under 父亲 is no second 姓名.
    """
    found: list[tuple[int, int, bool, int, Header]] = []
    last = min(HEADER_SEARCH_ROWS, len(sheet.rows))
    for index in range(last):
        single = _header(index, _texts(sheet.rows[index]), wanted)
        found.append((len(single.fields), -single.doubled, True, -index, single))
        pair = _two_lines(sheet, index, wanted) if index + 1 < last else None
        if pair and single.fields < pair.fields:
            found.append((len(pair.fields), -pair.doubled, False, -index, pair))
    best = max(found, key=lambda item: item[:4])[4] if found else None
    if best is None or len(best.fields) < 2 or not best.fields & KEY_FIELDS:
        return None
    return best


def _texts(row: Row) -> list[str]:
    """Return the text cells of a row; numbers and dates are no headings."""
    return [visible(cell).strip() if isinstance(cell, str) else "" for cell in row]


def _header(index: int, headings: list[str], wanted: Pairs[str, str]) -> Header:
    named = [found[0].name for text in headings if (found := recognise(text))]
    fields = set(named)
    keys = {heading_key(text) for text in headings if text}
    fields |= {name for word, name in wanted.items() if heading_key(word) in keys}
    return Header(index, headings, frozenset(fields), len(named) - len(set(named)))


def _two_lines(sheet: Sheet, index: int, wanted: Pairs[str, str]) -> Header:
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


def _header_by_letters(sheet: Sheet, wanted: Pairs[str, str]) -> Header | None:
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
        return Header(first, _texts(row), fields)
    return Header(first - 1, [column_letter(i) for i in range(len(row))], fields)
