"""The answer to an import: counts that add up, and every finding."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

from backoffice.imports.findings import Finding


@dataclass
class ImportReport:
    """What was done, or with `applied` False would be done.

    rows = new + changed + same + rejected; blank, total and note rows are no rows (they are in
    `skipped` with the reason). not_in_file: enrolments of the batch that the file does not name;
    they are never deleted.
    """

    rows: int
    new: int
    changed: int
    same: int
    rejected: int
    applied: bool
    seconds: float
    sheet: str
    header_row: int
    mapping: dict[str, str]
    findings: list[Finding] = field(default_factory=list)
    skipped: list[tuple[int, str]] = field(default_factory=list)
    not_in_file: int = 0
    import_id: uuid.UUID | None = None

    @property
    def errors(self) -> list[Finding]:
        """The findings that keep rows out."""
        return [found for found in self.findings if found.severity == "error"]

    @property
    def warnings(self) -> list[Finding]:
        """The findings that do not."""
        return [found for found in self.findings if found.severity == "warning"]

    def to_dict(self, locale: str = "zh") -> dict[str, Any]:
        """Return the JSON answer of CONTRACT section 1, with messages in `locale`."""
        return {
            "rows": self.rows,
            "new": self.new,
            "changed": self.changed,
            "same": self.same,
            "rejected": self.rejected,
            "errors": [found.to_dict(locale) for found in self.errors],
            "warnings": [found.to_dict(locale) for found in self.warnings],
            "applied": self.applied,
            "seconds": round(self.seconds, 3),
            "import_id": str(self.import_id) if self.import_id else None,
            "sheet": self.sheet,
            "header_row": self.header_row,
            "mapping": self.mapping,
            "skipped": [{"row": row, "reason": reason} for row, reason in self.skipped],
            "not_in_file": self.not_in_file,
        }
