"""The process that marks findings in a workbook: `python -m backoffice.imports.marking_process`.

openpyxl may take a minute and a gigabyte over a file that passed every check, so it does so here.
Standard input: one JSON line (limits, sheet, locale, findings, and rows where the file itself
cannot be kept), then the file. Standard output: the .xlsx.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterable
from datetime import date
from typing import Any

import openpyxl
from openpyxl.cell import MergedCell
from openpyxl.comments import Comment
from openpyxl.styles import Font, PatternFill
from openpyxl.utils import get_column_letter

from backoffice.i18n import Text
from backoffice.imports.cells import CellError, decode_cell
from backoffice.imports.confinement import confine
from backoffice.imports.limits import Limits
from backoffice.imports.safe_cells import write_text

AUTHOR = "roster-import"  # tells our comments from the clerk's own when the file comes back again
COLOURS = {"error": "FFFFC7CE", "warning": "FFFFEB9C"}
MAX_COMMENTS = 5_000  # comments are drawings: more make the file unusable; the list has them all
LIST_SHEET = Text("导入问题", "Import findings")
LIST_HEADINGS = (
    Text("行", "Row"),
    Text("列", "Column"),
    Text("级别", "Severity"),
    Text("说明", "Message"),
)
SEVERITIES = {"error": Text("错误", "Error"), "warning": Text("提醒", "Warning")}

Found = dict[str, Any]


def open_workbook(head: dict[str, Any], data: bytes) -> Any:
    """Return the workbook to mark: the clerk's own, or a new one with the clerk's rows."""
    if "rows" not in head:
        return openpyxl.load_workbook(io.BytesIO(data))
    book = openpyxl.Workbook()
    page = book.active
    page.title = "".join("_" if c in "[]:*?/\\" else c for c in head["sheet"])[:31] or "Sheet"
    for r, row in enumerate(head["rows"], 1):
        for c, value in enumerate(row, 1):
            if value is not None:
                _put(page.cell(r, c), decode_cell(value))
    return book


def _put(cell: Any, value: Any) -> None:
    if isinstance(value, CellError):
        write_text(cell, value.text)
    elif isinstance(value, str):
        write_text(cell, value)
    else:
        cell.value = value
        if isinstance(value, date):
            cell.number_format = "yyyy-mm-dd"


def mark(book: Any, page: Any, findings: Iterable[Found], locale: str) -> None:
    """Colour and comment the cells of `findings`; what an earlier round marked is cleared first."""
    _clear(page)
    by_cell: dict[tuple[int, int], list[Found]] = {}
    for found in findings:
        if found["position"] is not None:
            by_cell.setdefault((found["row"], found["position"] + 1), []).append(found)
    for number, ((row, column), group) in enumerate(sorted(by_cell.items())):
        cell = _real_cell(page, row, column)
        worst = min((found["severity"] for found in group), key=list(COLOURS).index)
        cell.fill = PatternFill("solid", fgColor=COLOURS[worst])
        if number < MAX_COMMENTS:
            words = "\n".join(found["message"] for found in group)
            kept = f"{cell.comment.text}\n{words}" if cell.comment else words
            cell.comment = Comment(kept, AUTHOR, height=120, width=320)
    _list(book, findings, locale)


def _clear(page: Any) -> None:
    for row in page.iter_rows():
        for cell in row:
            if cell.comment is not None and cell.comment.author == AUTHOR:
                cell.comment = None
                cell.fill = PatternFill()


def _real_cell(page: Any, row: int, column: int) -> Any:
    """Return the cell, or the first one of the merged range it belongs to."""
    cell = page.cell(row, column)
    if isinstance(cell, MergedCell):
        for area in page.merged_cells.ranges:
            if cell.coordinate in area:
                return page.cell(area.min_row, area.min_col)
    return cell


def _list(book: Any, findings: Iterable[Found], locale: str) -> None:
    """Add the sheet that lists every finding; one left from an earlier round is replaced."""
    for title in LIST_SHEET:
        if title in book.sheetnames:
            del book[title]
    page = book.create_sheet(LIST_SHEET.get(locale))
    for column, heading in enumerate(LIST_HEADINGS, 1):
        write_text(page.cell(1, column), heading.get(locale))
        page.cell(1, column).font = Font(bold=True)
    for row, found in enumerate(findings, 2):
        page.cell(row, 1).value = found["row"]
        write_text(page.cell(row, 2), found["column"])
        write_text(page.cell(row, 3), SEVERITIES[found["severity"]].get(locale))
        write_text(page.cell(row, 4), found["message"])
    for column, width in enumerate((8, 18, 8, 90), 1):
        page.column_dimensions[get_column_letter(column)].width = width
    page.freeze_panes = "A2"


def main() -> int:
    """Mark one workbook; a failure ends with an exit status other than 0."""
    head = json.loads(sys.stdin.buffer.readline())
    confine(Limits(**head["limits"]))
    book = open_workbook(head, sys.stdin.buffer.read())
    page = book[head["sheet"]] if head["sheet"] in book.sheetnames else book.worksheets[0]
    mark(book, page, head["findings"], head["locale"])
    out = io.BytesIO()
    book.save(out)
    sys.stdout.buffer.write(out.getvalue())
    sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
