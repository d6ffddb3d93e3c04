"""Text on PDF pages: fitted into a width, wrapped by the rules of Chinese and Latin script."""

from __future__ import annotations

import re
from typing import Any

from reportlab.pdfbase.pdfmetrics import stringWidth

# Never at the start of a line (closing marks), never at its end (opening marks).
NOT_FIRST = "，。、；：？！）》」』】”’…,.;:?!)%]"
NOT_LAST = "（《「『【“‘(["
UNITS = re.compile(r"[ -~\u00a0-\u024f]+? |[!-~\u00a1-\u024f]+|.", re.DOTALL)


def wrap(text: str, font: str, size: float, width: float) -> list[str]:
    """Return `text` in lines no wider than `width` points: Latin words whole, marks kept back."""
    lines, line = [], ""
    for unit in _units(text):
        if line and stringWidth((line + unit).rstrip(), font, size) > width:
            lines.append(line.rstrip())
            line = ""
        line += unit
    return [*lines, line.rstrip()] if line.strip() else lines


def _units(text: str) -> list[str]:
    """Split into pieces that may not be broken."""
    units: list[str] = []
    for piece in UNITS.findall(" ".join(text.split())):
        if units and (piece[0] in NOT_FIRST or units[-1][-1] in NOT_LAST):
            units[-1] += piece
        else:
            units.append(piece)
    return units


def shorten(text: str, font: str, size: float, width: float) -> str:
    """Return `text`, its end replaced by … where it is wider than `width` points."""
    text = " ".join(text.split())
    if stringWidth(text, font, size) <= width:
        return text
    while text and stringWidth(text + "…", font, size) > width:
        text = text[:-1]
    return text + "…"


def fitted_size(text: str, font: str, size: float, width: float, least: float) -> float:
    """Return the greatest size from `size` down to `least` at which `text` fits into `width`."""
    at_one = stringWidth(text, font, 1)
    return max(least, min(size, width / at_one)) if at_one else size


def draw_spaced(
    canvas: Any, text: str, font: str, size: float, x: float, y: float, gap: float
) -> None:
    """Draw `text` centred on x, with `gap` points between the characters."""
    width = stringWidth(text, font, size) + gap * (len(text) - 1)
    canvas.saveState()  # the gap would apply to all text after it
    line = canvas.beginText(x - width / 2, y)
    line.setFont(font, size)
    line.setCharSpace(gap)
    line.textOut(text)
    canvas.drawText(line)
    canvas.restoreState()
