"""Where lines lie on a card, told by its ID number: the one line that can be recognised surely.

The number is the lowest line of the front, so it gives the reading direction, the scale and the
region of the card, whichever way the card was turned. Text order alone fails at 90 and 180 degrees
(FEASIBILITY section 7).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backoffice.identity.id_card_text import Line, Quad, sides

# Shares of the card's width on the published layout (85.6 x 54 mm).
DIGITS_WIDTH = 0.57  # the eighteen characters
NUMBER_RIGHT = 0.91  # their right end, from the card's left edge
LINE_WIDTH = 0.84  # label and number together
CARD_HEIGHT = 0.64
MARGIN = 0.08  # a perspective of 12 % moves lines that far
ROW_SHARE = 0.6  # of a line's height: centres closer than that are one row
STRAIGHT_RATIO = 2.5  # lines longer than that tell their own slope


@dataclass(frozen=True)
class Card:
    """The card's own axes in the picture. `along` is the reading direction, `down` square to it."""

    origin: NDArray[np.float32]
    along: NDArray[np.float32]
    down: NDArray[np.float32]
    width: float

    def place(self, quad: Quad) -> tuple[float, float]:
        """Return a quad's centre in shares of the card's width: rightwards, above the number."""
        offset = quad.mean(axis=0) - self.origin
        right = NUMBER_RIGHT + float(offset @ self.along) / self.width
        return right, -float(offset @ self.down) / self.width

    def slope(self, quad: Quad) -> float:
        """Return how far a line falls per width rightwards; 0 is parallel to the number."""
        start, end = (quad[0] + quad[3]) / 2, (quad[1] + quad[2]) / 2
        run = float((end - start) @ self.along)
        return float((end - start) @ self.down) / run if run else 0.0

    def window(self, side: int) -> tuple[NDArray[np.float64], tuple[int, int]]:
        """Return how to cut the card out upright, `side` pixels wide: affine matrix and size."""
        scale = side / (self.width * (1 + 2 * MARGIN))
        axes = scale * np.stack([self.along, self.down]).astype(np.float64)
        left = scale * self.width * (NUMBER_RIGHT + MARGIN)
        top = scale * self.width * CARD_HEIGHT
        shift = np.array([left, top]) - axes @ self.origin
        height = round(scale * self.width * (CARD_HEIGHT + MARGIN))
        return np.hstack([axes, shift[:, None]]), (side, height)

    def holds(self, quad: Quad) -> bool:
        """Return True for a line that may lie on the card above the number."""
        right, above = self.place(quad)
        return -MARGIN < right < 1 + MARGIN and 0.03 < above < CARD_HEIGHT


def card_of(number: Line, labelled: bool) -> Card:
    """Return the card of its number line. labelled: the line begins with 公民身份号码."""
    quad = number.quad
    start, end = (quad[0] + quad[3]) / 2, (quad[1] + quad[2]) / 2
    length, _ = sides(quad)
    along = ((end - start) / max(float(np.linalg.norm(end - start)), 1.0)).astype(np.float32)
    down = np.array([-along[1], along[0]], np.float32)
    width = length / (LINE_WIDTH if labelled else DIGITS_WIDTH)
    return Card(end.astype(np.float32), along, down, width)


@dataclass(frozen=True, repr=False)
class Row:
    """Lines side by side, in reading order. `above`: share of the card's width over the number."""

    lines: tuple[Line, ...]
    above: float

    @property
    def text(self) -> str:
        """The texts put together, without white space."""
        return "".join("".join(line.text.split()) for line in self.lines)

    @property
    def score(self) -> float:
        """The lowest score of the lines that say something."""
        return min((line.score for line in self.lines if line.text), default=0.0)


def rows_of(card: Card, lines: list[Line]) -> list[Row]:
    """Return the rows of a card from the top, number not among them."""
    if not lines:
        return []
    slope_at = _slopes(card, lines)
    placed = []
    for line in lines:
        right, above = card.place(line.quad)
        # In perspective the rows converge: follow the row's slope to the middle of the card.
        placed.append((above + slope_at(above) * (right - 0.4), right, line))
    placed.sort(key=lambda item: -item[0])
    height = float(np.median([sides(line.quad)[1] for line in lines])) / card.width
    rows: list[list[tuple[float, float, Line]]] = [[placed[0]]]
    for item in placed[1:]:
        if rows[-1][-1][0] - item[0] > ROW_SHARE * height:
            rows.append([])
        rows[-1].append(item)
    return [_row(items) for items in rows]


def _row(items: list[tuple[float, float, Line]]) -> Row:
    ordered = sorted(items, key=lambda item: item[1])
    return Row(
        tuple(line for _, _, line in ordered), float(np.mean([above for above, _, _ in items]))
    )


class _Slopes:
    """A straight fit of slope over height: what perspective does to parallel lines."""

    def __init__(self, heights: list[float], slopes: list[float]) -> None:
        heights, slopes = [0.0, *heights], [0.0, *slopes]  # the number itself
        spread = max(heights) - min(heights)
        self._fit = np.polyfit(heights, slopes, 1) if spread > 0.1 else np.array([0.0, 0.0])

    def __call__(self, above: float) -> float:
        return float(np.polyval(self._fit, above))


def _slopes(card: Card, lines: list[Line]) -> _Slopes:
    long = [
        line.quad for line in lines if sides(line.quad)[0] > STRAIGHT_RATIO * sides(line.quad)[1]
    ]
    return _Slopes([card.place(quad)[1] for quad in long], [card.slope(quad) for quad in long])
