"""Writing text into workbooks so that it stays text."""

from __future__ import annotations

import re
from typing import Any

# What a spreadsheet takes for a formula at the start of a cell (PEERS section 7).
FORMULA_START = ("=", "+", "-", "@", "\t", "\r", "\0")
ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def write_text(cell: Any, text: str) -> None:
    """Put `text` into an openpyxl cell as text, whatever it begins with.

    A text cell never becomes a formula by itself; the quote prefix keeps it one when somebody
    edits it. Characters XML cannot hold are left out.
    """
    cell.value = ILLEGAL.sub("", text)
    cell.data_type = "s"
    cell.number_format = "@"
    if text.startswith(FORMULA_START):
        cell.quotePrefix = True
