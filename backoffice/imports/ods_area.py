"""The used area of an OpenDocument sheet, whose rows and cells may be repeated by a number."""

from __future__ import annotations

import re

from backoffice.imports.limits import Limits

ODS_TAG = re.compile(rb"<table:(table-row|table-cell|covered-table-cell|table)(?![-\w])([^>]*)>")
ODS_REPEAT = re.compile(rb"table:number-(?:rows|columns)-repeated\s*=\s*[\"']([0-9]{1,9})[\"']")
ODS_VALUE = re.compile(rb"office:value-type")


class OdsArea:
    """Follows rows and cells with their repeat counts; only filled cells count.

    Every .ods ends with an empty row repeated to 1,048,576, which is harmless.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits, self.row, self.row_repeat, self.column = limits, 0, 1, 0

    def feed(self, tag: bytes, attributes: bytes) -> None:
        """Take one opening tag; raises WorkbookTooLarge."""
        found = ODS_REPEAT.search(attributes)
        repeat = int(found[1]) if found else 1
        if tag == b"table":
            self.row, self.row_repeat, self.column = 0, 0, 0
        elif tag == b"table-row":
            self.row, self.row_repeat, self.column = self.row + self.row_repeat, repeat, 0
        else:
            self.column += repeat
            if ODS_VALUE.search(attributes):
                self._check(self.row + self.row_repeat, self.column)

    def _check(self, rows: int, columns: int) -> None:
        limits = self.limits
        if rows > limits.rows or columns > limits.columns or rows * columns > limits.cells:
            raise limits.too_large()
