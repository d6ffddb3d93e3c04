"""The clerk's file back with the findings marked in place, to correct and upload again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backoffice.imports.cells import encode_cell
from backoffice.imports.confinement import run_confined
from backoffice.imports.findings import Finding
from backoffice.imports.limits import Limits
from backoffice.imports.reading import read_workbook
from backoffice.imports.workbook_errors import WorkbookError

MARKER = "backoffice.imports.marking_process"


def error_workbook(
    data: bytes,
    sheet: str,
    findings: Sequence[Finding],
    locale: str = "zh",
    limits: Limits | None = None,
) -> bytes:
    """Return an .xlsx with the cells of `findings` coloured and commented, and a list of them.

    sheet: the name of the sheet the findings are about.

    An .xlsx comes back as it was: formulas, formatting, other sheets. Any other format, or an
    .xlsx that cannot be kept so, becomes a new workbook with the same rows at the same places.
    """
    limits = limits or Limits()
    head: dict[str, Any] = {
        "limits": limits.to_dict(),
        "sheet": sheet,
        "locale": locale,
        "findings": [{**found.to_dict(locale), "position": found.position} for found in findings],
    }
    if data.startswith(b"PK"):
        try:
            return run_confined(MARKER, head, data, limits)
        except WorkbookError:
            pass  # an .ods, or more than openpyxl can open: the rows at least can be given back
    sheets = read_workbook(data, limits)
    rows = next(page.rows for page in sheets if page.name == sheet)
    head["rows"] = [[encode_cell(cell) for cell in row] for row in rows]
    return run_confined(MARKER, head, b"", limits)
