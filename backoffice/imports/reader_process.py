"""The process that opens a workbook: `python -m backoffice.imports.reader_process`.

The parser can abort its whole process on a hostile file, so it runs here, under a memory and a
time limit, and never in a web or worker process. Standard input: one JSON line with the limits,
then the file. Standard output: JSON lines, either {"error": code, "params": {...}} or for each
sheet a head {"sheet", "visible", "rows", "merged"} followed by its rows (lists), BLOCK_ROWS of
them a line.
"""

from __future__ import annotations

import io
import json
import re
import sys
import zipfile
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from backoffice.imports.cells import CellError, encode_cell
from backoffice.imports.confinement import confine
from backoffice.imports.limits import BLOCK_ROWS, Limits
from backoffice.imports.preflight import Kind, Preflight, inspect
from backoffice.imports.workbook_errors import (
    WorkbookCorrupt,
    WorkbookEmpty,
    WorkbookEncrypted,
    WorkbookError,
    WorkbookNoTable,
    WorkbookNotReadable,
)

RawRow = list[Any]
PLAIN = frozenset((str, int, float, bool))  # what JSON writes as it is; "" is read back as None


def read(data: bytes, limits: Limits, write: Callable[[Any], None]) -> None:
    """Write the sheets of `data` line by line. Raises WorkbookError."""
    found = inspect(data, limits)
    sheets = _read_text(data, limits) if found.kind is Kind.TEXT else _read_sheets(data, found)
    filled = 0
    for head, rows in sheets:
        kept = _trim(rows, limits)
        filled += len(kept)
        write({**head, "rows": len(kept)})
        for start in range(0, len(kept), BLOCK_ROWS):
            write(kept[start : start + BLOCK_ROWS])
    if not filled:
        raise WorkbookNoTable if found.has_pictures else WorkbookEmpty


def _trim(rows: Iterator[RawRow], limits: Limits) -> list[RawRow]:
    """Return the rows encoded, without trailing empty cells and rows; at most the limits."""
    kept: list[RawRow] = []
    end = 0
    for number, row in enumerate(rows, 1):
        plain = PLAIN.issuperset(map(type, row))
        cells = row if plain else [encode_cell(value) for value in row]
        while cells and (cells[-1] is None or cells[-1] == ""):
            cells.pop()
        if cells:
            end = number
            if number > limits.rows or len(cells) > limits.columns:
                raise limits.too_large()
        if number <= limits.rows:
            kept.append(cells)
    return kept[:end]


def _read_text(data: bytes, limits: Limits) -> Iterator[tuple[dict[str, Any], Iterator[RawRow]]]:
    from backoffice.imports.csv_text import read_rows

    yield {"sheet": "CSV", "visible": True, "merged": []}, iter(read_rows(data, limits))


def _read_sheets(
    data: bytes, found: Preflight
) -> Iterator[tuple[dict[str, Any], Iterator[RawRow]]]:
    """Yield each worksheet; parser errors become ours."""
    import python_calamine as calamine

    error_cells = _errors_by_sheet(data, found)
    try:
        book = calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
        for index, meta in enumerate(book.sheets_metadata):
            if meta.typ is not calamine.SheetTypeEnum.WorkSheet:
                continue
            sheet = book.get_sheet_by_index(index)
            merged = sheet.merged_cell_ranges or []
            head = {
                "sheet": meta.name,
                "visible": meta.visible is calamine.SheetVisibleEnum.Visible,
                "merged": [[*start, *end] for start, end in merged[:2000]],
            }
            yield head, _rows(sheet, error_cells.get(index, []))
    except calamine.PasswordError:
        raise WorkbookEncrypted from None
    except (calamine.ZipError, calamine.XmlError):
        raise WorkbookCorrupt from None
    except calamine.CalamineError as error:
        if "password" in str(error).lower():
            raise WorkbookEncrypted from None
        raise WorkbookNotReadable from None


def _rows(sheet: Any, errors: list[tuple[int, int]]) -> Iterator[RawRow]:
    """Yield every row from the first one of the sheet, formula errors put back in place."""
    start = sheet.start
    if start is None:
        return
    blank = [""] * start[1]  # the columns before the first used one are not given
    by_row: dict[int, list[int]] = {}
    for row, column in errors:
        by_row.setdefault(row, []).append(column)
    for number, filled in enumerate(sheet.iter_rows()):
        row = blank + filled if blank else filled
        for column in by_row.get(number, ()):
            if column < len(row) and row[column] == "":
                row[column] = CellError()
        yield row


def _errors_by_sheet(data: bytes, found: Preflight) -> dict[int, list[tuple[int, int]]]:
    """Return the formula errors by sheet position; the parser reads them as empty cells."""
    if not found.errors:
        return {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        book = archive.read("xl/workbook.xml").decode(errors="replace")
        links = archive.read("xl/_rels/workbook.xml.rels").decode(errors="replace")
    targets: dict[str, str] = {}
    for tag in re.findall(r"<Relationship\b[^>]*>", links):
        key, target = _attribute(tag, "Id"), _attribute(tag, "Target")
        targets[key] = target.rsplit("/", 1)[-1]
    order = [_attribute(tag, "r:id") for tag in re.findall(r"<(?:\w+:)?sheet\b[^>]*>", book)]
    return {i: found.errors.get(targets.get(key, ""), []) for i, key in enumerate(order)}


def _attribute(tag: str, name: str) -> str:
    found = re.search(rf"\b{name}\s*=\s*[\"']([^\"']*)[\"']", tag)
    return found[1] if found else ""


def _writer(out: BinaryIO) -> Callable[[Any], None]:
    encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

    def write(value: Any) -> None:
        out.write(encode(value).encode(errors="surrogatepass"))
        out.write(b"\n")

    return write


def main() -> int:
    """Read one workbook; the exit status is 0 whenever the answer could be written."""
    limits = Limits(**json.loads(sys.stdin.buffer.readline()))
    confine(limits)
    write = _writer(sys.stdout.buffer)
    try:
        read(sys.stdin.buffer.read(), limits, write)
    except WorkbookError as error:
        write({"error": error.code, "params": error.params})
    except MemoryError:
        refusal = limits.too_large()
        write({"error": refusal.code, "params": refusal.params})
    sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
