"""One cell: its value keeps the type it had in the file, across the process border as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from backoffice.identity.characters import strip_invisible


@dataclass(frozen=True)
class CellError:
    """A formula error such as #N/A; `text` is what Excel shows, where the format tells."""

    text: str = "#"


Cell = str | int | float | bool | date | datetime | time | timedelta | CellError | None
Row = list[Cell]


def encode_cell(value: Any) -> Any:
    """Return a JSON value: text, numbers and booleans as they are, the rest as {kind: text}."""
    if value is None or value == "":
        return None
    if isinstance(value, str | bool | int | float):
        return value
    return _encode_special(value)


def _encode_special(value: Any) -> dict[str, str | float]:
    if isinstance(value, datetime):
        return {"dt": value.isoformat()}
    if isinstance(value, date):
        return {"d": value.isoformat()}
    if isinstance(value, time):
        return {"t": value.isoformat()}
    if isinstance(value, timedelta):
        return {"s": value.total_seconds()}
    return {"e": value.text if isinstance(value, CellError) else "#"}


def decode_cell(value: Any) -> Cell:
    """Return the cell that `encode_cell` wrote."""
    if not isinstance(value, dict):
        return None if value == "" else value
    ((kind, text),) = value.items()
    if kind == "dt":
        return datetime.fromisoformat(text)
    if kind == "d":
        return date.fromisoformat(text)
    if kind == "t":
        return time.fromisoformat(text)
    return timedelta(seconds=text) if kind == "s" else CellError(text)


def column_letter(index: int) -> str:
    """Return the letters of a column: 0 is A, 26 is AA."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def column_index(letters: str) -> int | None:
    """Return the 0-based column of `A`…`XFD`, or None if the text is no column letter."""
    text = letters.strip().upper()
    if not (1 <= len(text) <= 3 and text.isascii() and text.isalpha()):
        return None
    index = 0
    for letter in text:
        index = index * 26 + ord(letter) - ord("A") + 1
    return index - 1


def visible(text: str) -> str:
    """Return `text` without invisible characters (quickly, where there are none)."""
    return text if text.isprintable() else strip_invisible(text)


def display(cell: Cell) -> str:
    """Return the cell as the clerk sees it, roughly; for headings and the words of notes."""
    if cell is None:
        return ""
    if isinstance(cell, CellError):
        return cell.text
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    return str(cell)
