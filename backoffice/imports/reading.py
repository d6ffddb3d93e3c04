"""A roster file as sheets of typed cells, opened in a confined process of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import overload

from backoffice.imports.cells import Row, decode_cell
from backoffice.imports.confinement import run_confined
from backoffice.imports.errors import UNREADABLE, WorkbookNotReadable
from backoffice.imports.limits import Limits

READER = "backoffice.imports.reader_process"
AT_ONCE = 2_000  # rows decoded together: quicker than one by one, and still little memory


class Rows(Sequence[Row]):
    """Rows as the reading process wrote them; each is decoded when it is looked at.

    A roster of 100,000 rows takes a tenth of the memory so, and a part of it can be handed to
    another process as it is.
    """

    def __init__(self, lines: Sequence[bytes]) -> None:
        self._lines = lines

    def __len__(self) -> int:
        return len(self._lines)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> Rows: ...
    def __getitem__(self, index: int | slice) -> Row | Rows:
        if isinstance(index, slice):
            return Rows(self._lines[index])
        return _decode(self._lines[index : index + 1 or None])[0]

    def __iter__(self) -> Iterator[Row]:
        for start in range(0, len(self._lines), AT_ONCE):
            yield from _decode(self._lines[start : start + AT_ONCE])


def _decode(lines: Sequence[bytes]) -> list[Row]:
    text = b",".join(lines)
    rows: list[Row] = json.loads(b"[%b]" % text)
    # Only cells written as objects and blank ones are not what they look like.
    if b"{" in text:
        return [[decode_cell(value) for value in row] for row in rows]
    if b'""' in text:
        return [[None if value == "" else value for value in row] for row in rows]
    return rows


@dataclass(frozen=True, repr=False)  # personal data stays out of tracebacks
class Sheet:
    """One worksheet. `rows[0]` is row 1 of the file, also when it is empty.

    `merged`: (first row, first column, last row, last column), 0-based.
    """

    name: str
    rows: Sequence[Row]
    visible: bool = True
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)


def read_workbook(data: bytes, limits: Limits | None = None) -> list[Sheet]:
    """Return the worksheets of an .xlsx, .xls, .ods or delimited text file.

    Macros are never run, files with macros are refused. Raises WorkbookError (see `errors`);
    whatever the file does to the parser, this process survives.
    """
    limits = limits or Limits()
    if len(data) > limits.file_bytes:
        raise limits.too_large()
    output = run_confined(READER, limits.to_dict(), data, limits)
    return list(_sheets(output.splitlines()))


def _sheets(lines: list[bytes]) -> Iterator[Sheet]:
    place = 0
    while place < len(lines):
        head = json.loads(lines[place])
        if "error" in head:
            raise UNREADABLE.get(head["error"], WorkbookNotReadable)(**head["params"])
        first, place = place + 1, place + 1 + head["rows"]
        merged = [tuple(area) for area in head["merged"]]
        yield Sheet(head["sheet"], Rows(lines[first:place]), head["visible"], merged)
