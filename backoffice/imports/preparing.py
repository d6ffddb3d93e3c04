"""One part of a file: its rows judged, and the good ones made ready for the staging table.

A part needs nothing but itself, so parts of a large file are prepared in several processes.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from backoffice.identity.documents import IdDocument
from backoffice.imports.cells import Row
from backoffice.imports.data_rows import RowSorter
from backoffice.imports.findings import Finding
from backoffice.imports.mapping import Mapping
from backoffice.imports.row_cells import RosterRow
from backoffice.imports.rows import RowChecker
from backoffice.imports.staged_rows import RowEncoder
from backoffice.imports.values import code_text, digits_lost, is_number


@dataclass(frozen=True)
class Plan:
    """What every part of one file has in common."""

    import_id: uuid.UUID
    batch_id: uuid.UUID
    roster_mode: str
    school_code: str | None
    mapping: Mapping
    header_row: int
    today: date


@dataclass(repr=False)
class Prepared:
    """The outcome of one part.

    rows: (row, student key, ID key). lines: row -> line of the staging table, of the good rows.
    lengths: how often which length of student number occurs; numbers: (row, length) of those
    stored as numbers.
    """

    rows: list[tuple[int, str, str]] = field(default_factory=list)
    lines: dict[int, bytes] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    skipped: list[tuple[int, str]] = field(default_factory=list)
    lengths: Counter[int] = field(default_factory=Counter)
    numbers: list[tuple[int, int]] = field(default_factory=list)


class Preparer:
    """Prepares the parts of one file."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._encoder = RowEncoder(plan.import_id, plan.batch_id, plan.roster_mode)
        self._checker = RowChecker(plan.mapping, plan.roster_mode, plan.school_code, plan.today)

    def prepare(self, first: int, rows: Iterable[Row]) -> Prepared:
        """Return the part whose first row is the sheet's row `first`."""
        plan, part = self.plan, Prepared()
        sorter, checker = RowSorter(plan.mapping, plan.header_row), self._checker
        checker.findings = part.findings
        column = plan.mapping.columns["student_no"]
        good: list[RosterRow] = []
        lengths: list[int] = []
        findings, before = part.findings, 0
        for number, cells in sorter.students(first, rows):
            row = checker.check(number, cells)
            if len(findings) == before or not any(
                found.severity == "error" for found in findings[before:]
            ):
                good.append(row)
            before = len(findings)
            part.rows.append((number, row.student_key, _id_key(row.document)))
            cell = cells[column] if column < len(cells) else None
            length = len(row.student_no) or len(code_text(cell))
            if length:
                lengths.append(length)
                if is_number(cell) and not digits_lost(cell):
                    part.numbers.append((number, length))
        part.lines = dict(zip((row.row for row in good), self._encoder.encode(good), strict=True))
        part.lengths = Counter(lengths)
        part.skipped = list(sorter.skipped)
        return part


def _id_key(document: IdDocument | None) -> str:
    return f"{document.id_type.value}:{document.match_key}" if document else ""
