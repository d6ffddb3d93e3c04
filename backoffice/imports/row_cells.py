"""The cells of the row being judged, and what was found in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeVar

from backoffice.i18n import Text
from backoffice.identity.documents import Gender, IdDocument
from backoffice.imports.cells import Cell, CellError, Row
from backoffice.imports.fields import BY_NAME
from backoffice.imports.findings import Finding, Severity
from backoffice.imports.mapping import Mapping

T = TypeVar("T")
MAX_KNOWN = 20_000  # texts of one column; more than a school has birth dates or classes


@dataclass(frozen=True, eq=False, repr=False, slots=True)
class Studies:
    """What a row says about the studies: one object for all rows that say the same."""

    texts: dict[str, str | None] = field(default_factory=dict)
    dates: dict[str, date | None] = field(default_factory=dict)


NO_STUDIES = Studies()


@dataclass(repr=False, slots=True)
class RosterRow:
    """One student as the file gives it, clean. `row` is the 1-based sheet row.

    Full mode fills `name` and `document`; minimal mode leaves them None and fills
    `name_masked` and `id_last4` only.
    """

    row: int
    student_no: str = ""
    name: str | None = None
    name_masked: str = ""
    document: IdDocument | None = None
    id_masked: str | None = None
    id_last4: str | None = None
    id_last4_variants: Sequence[str] = ()
    gender: Gender | None = None
    birth_date: date | None = None
    phone: str | None = None
    studies: Studies = NO_STUDIES

    @property
    def student_key(self) -> str:
        """What makes two student numbers the same: letter case does not."""
        return self.student_no.upper()


class RowCells:
    """Base of the rules: reads cells by field and collects findings."""

    def __init__(
        self, mapping: Mapping, roster_mode: str, school_code: str | None, today: date
    ) -> None:
        self.mapping, self.mode = mapping, roster_mode
        self.school_code, self.today = school_code, today
        self.columns = mapping.columns
        self.findings: list[Finding] = []
        self.row = RosterRow(0)
        self.cells: Row = []
        self._width = 1 + max(self.columns.values(), default=-1)
        self._known: dict[str, dict[Cell, Any]] = {name: {} for name in self.columns}

    def begin(self, number: int, cells: Row) -> None:
        """Take up the next row; a short one is filled up with blank cells."""
        self.row = RosterRow(number)
        lacking = self._width - len(cells)
        self.cells = cells + [None] * lacking if lacking > 0 else cells

    def cell(self, name: str) -> Cell:
        """Return the cell of a field; None where the column is absent, blank or an error."""
        column = self.columns.get(name)
        if column is None:
            return None
        cell = self.cells[column]
        if type(cell) is CellError:
            self.find(name, "cell_error", "error" if BY_NAME[name].key else "warning")
            return None
        return cell

    def once(self, name: str, read: Callable[[str], T | None]) -> T | None:
        """Return `read(name)`, worked out once for each text of a column whose cells repeat.

        read: a rule that looks at nothing but the cell of `name`. Its answer to a text is kept,
        unless it found something wrong with it. None where the file lacks the column.
        """
        known = self._known.get(name)
        if known is None:
            return None
        cell = self.cells[self.columns[name]]
        answer: T | None = known.get(cell, self)  # itself: never an answer
        if answer is not self:
            return answer
        before, text = len(self.findings), cell is None or type(cell) is str
        answer = read(name)
        if text and len(known) < MAX_KNOWN and len(self.findings) == before:
            known[cell] = answer
        return answer

    def find(
        self,
        name: str,
        code: str,
        severity: Severity = "error",
        reason: Text | None = None,
        **params: Any,
    ) -> None:
        """Add a finding at the row's cell of a field."""
        column = self.columns.get(name)
        heading = BY_NAME[name].title.zh if column is None else self.mapping.heading(name)
        self.findings.append(Finding(self.row.row, heading, code, severity, column, params, reason))

    def missing(self, name: str, code: str) -> None:
        """Report a blank required cell, unless a formula error was reported there already."""
        last = self.findings[-1] if self.findings else None
        if not (last and last.row == self.row.row and last.position == self.columns.get(name)):
            self.find(name, code)
