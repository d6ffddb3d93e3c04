"""The rules that need the whole file: duplicates, lost zeros, and remarks on its columns."""

from __future__ import annotations

from collections import Counter
from typing import Any

from backoffice.imports.fields import BY_NAME
from backoffice.imports.findings import Finding
from backoffice.imports.preparing import Prepared
from backoffice.imports.table import Table

PERSONAL_FIELDS = ("id_number", "id_type", "gender", "birth_date", "phone")  # not in minimal mode


class FileRules:
    """Sees the parts of a file in order and keeps what they must be compared by.

    data_rows: students seen. rejected: rows an error keeps out. keys: every student number of
    the file, also of rejected rows.
    """

    def __init__(self, table: Table, roster_mode: str) -> None:
        self.table = table
        self.findings = remarks_on_columns(table, roster_mode)
        self.skipped: list[tuple[int, str]] = []
        self.rejected: dict[int, str] = {}  # row -> student key
        self.data_rows = 0
        self._students: dict[str, int] = {}
        self._people: dict[str, int] = {}
        self._lengths: Counter[int] = Counter()
        self._numbers: list[tuple[int, int]] = []

    def take(self, part: Prepared) -> list[bytes]:
        """Return the lines of the good rows of the next part, ready for the staging table."""
        self.data_rows += len(part.rows)
        self.findings += part.findings
        self.skipped += part.skipped
        self._lengths.update(part.lengths)
        self._numbers += part.numbers
        lines = []
        for row, student_key, id_key in part.rows:
            doubled = self._doubled(row, "student_no", self._students, student_key)
            doubled |= self._doubled(row, "id_number", self._people, id_key)
            line = part.lines.get(row)
            if line is None or doubled:
                self.rejected[row] = student_key
            else:
                lines.append(line)
        return lines

    def _doubled(self, row: int, name: str, seen: dict[str, int], key: str) -> bool:
        """Report a number an earlier row has, naming that row."""
        first = seen.setdefault(key, row) if key else row
        if first == row:
            return False
        column = self.table.mapping.columns[name]
        heading, code = self.table.mapping.heading(name), f"duplicate_{name}"
        self.findings.append(Finding(row, heading, code, "error", column, {"first_row": first}))
        return True

    def finish(self) -> None:
        """Add what can be said only after the last part: numbers shorter than the usual length."""
        if not self._numbers:
            return
        usual = max(self._lengths, key=lambda length: (self._lengths[length], length))
        column = self.table.mapping.columns["student_no"]
        heading = self.table.mapping.heading("student_no")
        for row, length in self._numbers:
            if length < usual:
                params = {"length": length, "usual": usual}
                code = "leading_zeros_maybe_lost"
                self.findings.append(Finding(row, heading, code, "warning", column, params))


def remarks_on_columns(table: Table, roster_mode: str) -> list[Finding]:
    """Return the warnings that concern a column or the whole file, placed at the heading."""
    mapping, row = table.mapping, max(table.header_row, 1)

    def warn(name: str, code: str, **params: Any) -> Finding:
        column = mapping.columns[name]
        return Finding(row, mapping.heading(name), code, "warning", column, params)

    found = [warn(n, "column_guessed", title=BY_NAME[n].title.zh) for n in mapping.guessed()]
    if roster_mode == "minimal":
        full = ("name", *PERSONAL_FIELDS)
        found += [warn(name, "column_not_kept") for name in full if name in mapping.columns]
    if table.rivals:
        params = {"count": len(table.rivals)}
        found.append(Finding(row, "", "other_sheets_ignored", "warning", None, params))
    return found
