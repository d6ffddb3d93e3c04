"""How much of a workbook is read before it is refused."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from backoffice.imports.workbook_errors import WorkbookTooLarge

MEGABYTE = 1024 * 1024
BLOCK_ROWS = 500  # rows the reading process writes in one piece: quicker than one by one


@dataclass(frozen=True)
class Limits:
    """Caps of one file. The largest campus has some 10^4 graduates a year (DOMAIN section 7)."""

    rows: int = 200_000
    columns: int = 200
    cells: int = 10_000_000  # rows x columns of the used area: what the parser allocates
    file_bytes: int = 50 * MEGABYTE
    unpacked_bytes: int = 400 * MEGABYTE
    ratio: int = 400  # unpacked to packed; a real workbook of equal rows stays below 100
    memory_bytes: int = 1536 * MEGABYTE  # address space of the reading process
    seconds: int = 120

    def too_large(self) -> WorkbookTooLarge:
        """Return the error that names these limits."""
        return WorkbookTooLarge(
            rows=self.rows, columns=self.columns, megabytes=self.file_bytes // MEGABYTE
        )

    def to_dict(self) -> dict[str, int]:
        """Return the limits as plain numbers, for the reading process."""
        return asdict(self)
