"""A roster file as sheets of typed cells, opened in a confined process of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from backoffice.imports.cells import Row, decode_cell
from backoffice.imports.confinement import run_confined
from backoffice.imports.errors import UNREADABLE, WorkbookNotReadable
from backoffice.imports.limits import Limits

READER = "backoffice.imports.reader_process"


@dataclass(frozen=True, repr=False)  # personal data stays out of tracebacks
class Sheet:
    """One worksheet. `rows[0]` is row 1 of the file, also when it is empty.

    `merged`: (first row, first column, last row, last column), 0-based.
    """

    name: str
    rows: list[Row]
    visible: bool = True
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)


def read_workbook(data: bytes, limits: Limits | None = None) -> list[Sheet]:
    """Return the worksheets of an .xlsx, .xls, .ods or delimited text file.

    Macros are never run: an .xlsm is read like an .xlsx. Raises WorkbookError (see `errors`);
    whatever the file does to the parser, this process survives.
    """
    limits = limits or Limits()
    if len(data) > limits.file_bytes:
        raise limits.too_large()
    output = run_confined(READER, limits.to_dict(), data, limits)
    return list(_sheets(iter(output.splitlines())))


def _sheets(lines: Iterator[bytes]) -> Iterator[Sheet]:
    for line in lines:
        head = json.loads(line)
        if "error" in head:
            raise UNREADABLE.get(head["error"], WorkbookNotReadable)(**head["params"])
        rows = [_decode_row(json.loads(next(lines))) for _ in range(head["rows"])]
        yield Sheet(head["sheet"], rows, head["visible"], [tuple(m) for m in head["merged"]])


def _decode_row(row: list[object]) -> Row:
    return [decode_cell(value) for value in row]
