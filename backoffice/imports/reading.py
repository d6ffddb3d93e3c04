"""A roster file as sheets of typed cells, opened in a confined process of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import overload

from backoffice.imports.cells import Row, decode_cell
from backoffice.imports.confinement import run_confined
from backoffice.imports.limits import BLOCK_ROWS, Limits
from backoffice.imports.workbook_errors import UNREADABLE, WorkbookNotReadable

READER = "backoffice.imports.reader_process"


class Rows(Sequence[Row]):
    """Rows as the reading process wrote them, in blocks; decoded when they are looked at.

    A roster of 100,000 rows takes a tenth of the memory so, and a part of it can be handed to
    another process as it is. blocks: JSON, BLOCK_ROWS rows each; first: the place in them where
    these `count` rows begin.
    """

    def __init__(self, blocks: Sequence[bytes], first: int, count: int) -> None:
        self._blocks, self._first, self._count = blocks, first, count
        self._decoded: tuple[int, list[Row]] | None = None  # the block looked at last

    def __reduce__(self) -> tuple[type[Rows], tuple[Sequence[bytes], int, int]]:
        return Rows, (self._blocks, self._first, self._count)

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> Rows: ...
    def __getitem__(self, index: int | slice) -> Row | Rows:
        if isinstance(index, slice):
            places = range(self._count)[index]
            if places.step != 1:
                raise ValueError("rows are cut in one piece")
            return self._part(places.start, len(places))
        block, place = divmod(self._first + range(self._count)[index], BLOCK_ROWS)
        if self._decoded is None or self._decoded[0] != block:
            self._decoded = (block, _decode(self._blocks[block]))
        return self._decoded[1][place]

    def __iter__(self) -> Iterator[Row]:
        rows = chain.from_iterable(map(_decode, self._blocks))
        return islice(rows, self._first, self._first + self._count)

    def _part(self, start: int, count: int) -> Rows:
        """Return `count` rows from `start` with no more blocks than they are in."""
        block, first = divmod(self._first + start, BLOCK_ROWS)
        last_block = -(-(self._first + start + count) // BLOCK_ROWS)
        return Rows(self._blocks[block:last_block], first, count)


def _decode(block: bytes) -> list[Row]:
    rows: list[Row] = json.loads(block)
    # Only cells written as objects and blank ones are not what they look like.
    if b"{" in block:
        return [[decode_cell(value) for value in row] for row in rows]
    if b'""' in block:
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
        first, place = place + 1, place + 1 + -(-head["rows"] // BLOCK_ROWS)
        merged = [tuple(area) for area in head["merged"]]
        rows = Rows(lines[first:place], 0, head["rows"])
        yield Sheet(head["sheet"], rows, head["visible"], merged)
