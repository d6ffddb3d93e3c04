"""Which rows below the headings are students: blank, total, note and heading rows are not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Literal

from backoffice.identity.characters import compact
from backoffice.imports.cells import Cell, Row, display, visible
from backoffice.imports.fields import recognise
from backoffice.imports.mapping import Mapping

NOTES_SEARCH_ROWS = 6  # explanation and example rows stand right below the headings
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


class RowSorter:
    """Tells students from the other rows of one table, in any part of it.

    `skipped`: (row, reason) of what is no student; blank rows are passed over in silence.
    """

    def __init__(self, mapping: Mapping, header_row: int) -> None:
        self.skipped: list[tuple[int, SkipReason]] = []
        self._notes_end = header_row + NOTES_SEARCH_ROWS
        self._seen_data = False
        names: dict[int, set[str]] = {}
        for name, column in mapping.columns.items():
            names.setdefault(column, set()).add(name)
        self._names = sorted(names.items())
        self._numbers = [c for c, n in self._names if n & {"student_no", "id_number"}]

    def students(self, first: int, rows: Iterable[Row]) -> Iterator[tuple[int, Row]]:
        """Yield (row of the sheet, cells) of the students; `first` is the number of the first row."""
        for number, row in enumerate(rows, first):
            if number > self._notes_end and self._has_number(row):
                self._seen_data = True
                yield number, row
            elif self._holds_something(row):
                reason = self._no_student(number, row)
                if reason:
                    self.skipped.append((number, reason))
                else:
                    self._seen_data = True
                    yield number, row

    def _has_number(self, row: Row) -> bool:
        """Return True if the row has something like a student or ID number: then it is a student."""
        for column in self._numbers:
            if column < len(row):
                cell = row[column]
                if type(cell) is str and len(cell) > 2 and cell.isascii() and cell.isdigit():
                    return True  # nearly every row
                text = _shown(cell)
                if NUMBER_LIKE.fullmatch(text if text.isascii() else compact(text)):
                    return True
        return False

    def _holds_something(self, row: Row) -> bool:
        return any(column < len(row) and _shown(row[column]) for column, _ in self._names)

    def _no_student(self, number: int, row: Row) -> SkipReason | None:
        """Return why a row is no student, or None."""
        first_rows = not self._seen_data and number <= self._notes_end
        words = [_shown(c).upper() for c in row if isinstance(c, str)] if first_rows else []
        if any(EXAMPLE.search(word) for word in words):
            return "example"
        if self._has_number(row):
            return None
        values = [(text, n) for c, n in self._names if c < len(row) and (text := _shown(row[c]))]
        if all(_names_field(text, names) for text, names in values):
            return "header"
        lead = next((word for cell in row if (word := compact(_shown(cell)))), "")
        if TOTAL.match(lead):
            return "total"
        if any(EXPLANATION.search(word) for word in words):
            return "explanation"
        return "footer" if len(values) <= 2 and FOOTER.match(lead) else None


def _shown(cell: Cell) -> str:
    if isinstance(cell, str):
        return visible(cell).strip()
    return display(cell)


def _names_field(text: str, names: set[str]) -> bool:
    found = recognise(text)
    return found is not None and found[0].name in names
