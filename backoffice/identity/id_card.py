"""Reading the front of a resident ID card from a picture, whichever way it was held.

First the number is found: the only line whose reading can be proved (check character). It tells
which way up the card is; then the lines above it are read and placed relative to it.
"""

from __future__ import annotations

import re

import cv2
import numpy as np

from backoffice.i18n import Text
from backoffice.identity.id_card_errors import (
    BACK_SIDE,
    NO_NUMBER,
    NO_TEXT,
    NOT_A_CARD,
    OTHER_DOCUMENT,
    SEVERAL_CARDS,
    UNSURE,
    IdCardUnreadable,
)
from backoffice.identity.id_card_fields import IdCard, Number, card_from, is_card, number_in
from backoffice.identity.id_card_layout import Card, card_of, rows_of
from backoffice.identity.id_card_text import (
    DETECTION_SIDE,
    READING_SIDE,
    RGB,
    Line,
    Quad,
    RapidTextReader,
    TextReader,
    facing,
    lying,
    shrink,
    sides,
    turned_over,
)
from backoffice.identity.names import HAN

SECOND_SIDE = 960  # detection again at this size when the number was not found
NUMBER_RATIO = 7.0  # width to height of a line that can hold eighteen characters
CANDIDATES = 6  # the longest lines are asked for the number
LINES_MAX = 24  # of the card; a picture full of text costs no more
UPRIGHT_SCORE = 0.9
SURE_SCORE = 0.93  # a number read with less is read again, cut wider
ANOTHER_CARD = 0.6  # a second number at least this long is a second card's
HAN_LETTER = re.compile(HAN)
BACK_WORDS = ("签发机关", "有效期限", "居民身份证", "中华人民共和国")
OTHER_WORDS = ("护照", "PASSPORT", "通行证", "PERMIT", "<<<", "驾驶证", "HONGKONG", "永久性居民")


class IdCardReader:
    """Reads cards one after the other; loads its models when made."""

    def __init__(self, reader: TextReader | None = None) -> None:
        self._reader = reader or RapidTextReader()

    def read(self, picture: RGB) -> IdCard:
        """Return the card in a picture (H, W, 3; any orientation). Raises IdCardUnreadable."""
        return _Reading(self._reader, shrink(picture, READING_SIDE)).card()


class _Reading:
    """One picture being read; no line is recognised twice the same way up."""

    def __init__(self, reader: TextReader, picture: RGB) -> None:
        self._reader = reader
        self._picture = picture
        self._quads: list[Quad] = []
        self._known: dict[bytes, Line] = {}

    def card(self) -> IdCard:
        found = self._find(DETECTION_SIDE) or (self._quads and self._find(SECOND_SIDE))
        if not found:
            raise IdCardUnreadable(self._why())
        number, line = found
        card = card_of(line, number.labelled)
        self._refuse_another(card, number, line)
        number = self._sure(number, line)
        rows = rows_of(card, self._lines(card))
        read = card_from(number, rows)
        if read.name is None:  # small in the picture: look again at the card alone
            self._quads = self._closer(card)
            rows = rows_of(card, self._lines(card))
            read = card_from(number, rows)
        if not is_card(number, rows):
            raise IdCardUnreadable(NOT_A_CARD)
        return read

    def _find(self, side: int) -> tuple[Number, Line] | None:
        """Return the number and its line, read the right way up; a valid one before others."""
        self._quads = self._reader.find(self._picture, side)
        doubtful = None
        for quad in _candidates(self._quads):
            found = self._number_of(quad)
            if found is not None and found[0].document is not None:
                return found
            doubtful = doubtful or found
        return doubtful

    def _number_of(self, quad: Quad) -> tuple[Number, Line] | None:
        for way in (quad, turned_over(quad)):
            line = self._text(way)
            number = number_in(line.text, line.score)
            if number is not None:
                return number, line
            if line.score > UPRIGHT_SCORE and HAN_LETTER.search(line.text):
                return None  # a sentence, and the right way up
        return None

    def _refuse_another(self, card: Card, number: Number, line: Line) -> None:
        """Raise IdCardUnreadable when another card's number lies beside this card."""
        length = ANOTHER_CARD * sides(line.quad)[0]
        for quad in _candidates(self._quads):
            if sides(quad)[0] < length or card.holds(facing(quad, card.along)):
                continue
            another = self._number_of(quad)
            if another and another[0].document and another[0].text != number.text:
                raise IdCardUnreadable(SEVERAL_CARDS)

    def _sure(self, number: Number, line: Line) -> Number:
        """Read a doubtful number a second time, cut wider; two valid readings must be one."""
        if number.score >= SURE_SCORE and number.document is not None:
            return number
        again = self._text(_wider(line.quad))
        second = number_in(again.text, again.score)
        if second is None or second.document is None:
            return number
        if number.document is not None and number.text != second.text:
            raise IdCardUnreadable(UNSURE)
        return second if second.score > number.score or number.document is None else number

    def _closer(self, card: Card) -> list[Quad]:
        """Return the lines found on the card's own part of the picture, upright."""
        matrix, size = card.window(SECOND_SIDE)
        alone = cv2.warpAffine(self._picture, matrix, size, borderMode=cv2.BORDER_REPLICATE)
        found = self._reader.find(np.asarray(alone, dtype=np.uint8), SECOND_SIDE)
        back = cv2.invertAffineTransform(matrix)
        return [np.asarray(cv2.transform(q[None], back)[0], dtype=np.float32) for q in found]

    def _lines(self, card: Card) -> list[Line]:
        upright = [facing(quad, card.along) for quad in self._quads]
        on_card = [quad for quad in upright if card.holds(quad)]
        lines = [self._text(quad) for quad in on_card[:LINES_MAX]]
        return [line for line in lines if line.text.strip()]

    def _text(self, quad: Quad) -> Line:
        key = quad.tobytes()
        if key not in self._known:
            self._known[key] = self._reader.read(self._picture, quad)
        return self._known[key]

    def _why(self) -> Text:
        """Return the advice for a picture without a number."""
        if not self._quads:
            return NO_TEXT
        longest = sorted(map(lying, self._quads), key=lambda quad: -sides(quad)[0])
        text = ""
        for quad in longest[:CANDIDATES]:
            both = (self._text(quad), self._text(turned_over(quad)))
            text += "".join(max(both, key=lambda line: line.score).text.split()).upper()
        if any(word in text for word in OTHER_WORDS):
            return OTHER_DOCUMENT
        return BACK_SIDE if any(word in text for word in BACK_WORDS) else NO_NUMBER


def _candidates(quads: list[Quad]) -> list[Quad]:
    """Return the lines that can hold a number, the longest first."""
    long = [quad for quad in map(lying, quads) if sides(quad)[0] > NUMBER_RATIO * sides(quad)[1]]
    return sorted(long, key=lambda quad: -sides(quad)[0])[:CANDIDATES]


def _wider(quad: Quad) -> Quad:
    """Return the quad grown by a quarter of its height on every side."""
    width, height = sides(quad)
    along = (quad[1] - quad[0]) / max(width, 1.0)
    down = (quad[3] - quad[0]) / max(height, 1.0)
    grow = height / 4
    out = [-along - down, along - down, along + down, down - along]
    return (quad + grow * np.array(out)).astype(np.float32)
