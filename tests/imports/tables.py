"""The steps of an import by themselves, for tests that need no database."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date

from backoffice.identity.documents import china_today
from backoffice.imports.data_rows import RowSorter
from backoffice.imports.file_rules import FileRules
from backoffice.imports.findings import Finding
from backoffice.imports.preparing import Plan, Preparer
from backoffice.imports.row_cells import RosterRow
from backoffice.imports.rows import RowChecker
from backoffice.imports.table import Table


@dataclass
class Checked:
    accepted: list[RosterRow]
    findings: list[Finding]
    data_rows: int

    @property
    def rejected(self) -> int:
        return self.data_rows - len(self.accepted)


def skipped(table: Table) -> list[tuple[int, str]]:
    sorter = RowSorter(table.mapping, table.header_row)
    list(sorter.students(table.header_row + 1, table.below))
    return sorter.skipped


def check_rows(
    table: Table, mode: str, *, school_code: str | None = None, today: date | None = None
) -> Checked:
    """Judge a table as an import does, and look at its rows once more."""
    day = today or china_today()
    plan = Plan(uuid.uuid4(), uuid.uuid4(), mode, school_code, table.mapping, table.header_row, day)
    rules = FileRules(table, mode)
    part = Preparer(plan).prepare(table.header_row + 1, table.below)
    kept = len(rules.take(part))
    rules.finish()
    checker = RowChecker(table.mapping, mode, school_code, day)
    rows = [checker.check(number, cells) for number, cells in table.students()]
    accepted = [row for row in rows if row.row not in rules.rejected]
    assert len(accepted) == kept
    findings = sorted(rules.findings, key=lambda f: (f.row, f.position or 0))
    return Checked(accepted, findings, rules.data_rows)
