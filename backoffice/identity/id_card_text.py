"""Lines of text in a picture: where they are, and what each says when read one way up.

The reader is rapidocr with the models of its own wheel. Only its detection and recognition are
used, each by itself: which way up a line is read follows from the ID number, not from a guess about
every line, and lines outside the card are never recognised (FEASIBILITY section 7: cost).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

RGB = NDArray[np.uint8]
Quad = NDArray[np.float32]

DETECTION_SIDE = 640  # pixels of the longer side; FEASIBILITY section 7
READING_SIDE = 1600  # lines are cut from the picture at this size
CUT_HEIGHT = 48  # what the recogniser takes
CUT_RATIO_MAX = 40.0
PARAMS = {
    "Global.max_side_len": 960,
    "Global.text_score": 0.0,  # a doubtful line is ours to judge
    "Global.log_level": "critical",  # its log lines must not tell what a card says
    "Det.limit_type": "max",
    "Det.limit_side_len": DETECTION_SIDE,
    "Rec.rec_img_shape": [3, 48, 96],  # short lines are not padded to the width of long ones
    "EngineConfig.onnxruntime.intra_op_num_threads": 1,
    "EngineConfig.onnxruntime.inter_op_num_threads": 1,
}


@dataclass(frozen=True, repr=False)
class Line:
    """A line of text: its corners (from its top left, clockwise as read), text and score (0-1)."""

    quad: Quad
    text: str
    score: float


class TextReader(Protocol):
    """What reading a card needs of an OCR engine."""

    def find(self, picture: RGB, side: int = DETECTION_SIDE) -> list[Quad]:
        """Return the quads of lines of text, in pixels of `picture`, any corner first."""
        ...

    def read(self, picture: RGB, quad: Quad) -> Line:
        """Return what a quad says, cut so that its first corner is top left."""
        ...


class RapidTextReader:
    """rapidocr behind `TextReader`; one thread, the models loaded once (about a second)."""

    def __init__(self) -> None:
        from rapidocr import RapidOCR

        self._engine = RapidOCR(params=PARAMS)
        blank = np.full((2 * CUT_HEIGHT, 8 * CUT_HEIGHT, 3), 255, np.uint8)
        height, width = blank.shape[:2]
        self.find(blank)  # rapidocr loads each model at its first use: not at a student's
        self.read(blank, np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32))

    def find(self, picture: RGB, side: int = DETECTION_SIDE) -> list[Quad]:
        """Return the quads of lines of text, in pixels of `picture`."""
        small = shrink(picture, side)
        found = self._engine(
            np.ascontiguousarray(small[:, :, ::-1]), use_det=True, use_cls=False, use_rec=False
        )
        boxes: Any = getattr(found, "boxes", None)
        if boxes is None:
            return []
        scale = picture.shape[1] / small.shape[1]
        return [np.asarray(box, dtype=np.float32) * scale for box in boxes]

    def read(self, picture: RGB, quad: Quad) -> Line:
        """Return what a quad says; an empty text where nothing can be made out."""
        cut = cut_out(picture, quad)
        found = self._engine(
            np.ascontiguousarray(cut[:, :, ::-1]), use_det=False, use_cls=False, use_rec=True
        )
        texts, scores = getattr(found, "txts", None), getattr(found, "scores", None)
        if not texts or not scores:
            return Line(quad, "", 0.0)
        return Line(quad, str(texts[0]), float(scores[0]))


def shrink(picture: RGB, side: int) -> RGB:
    """Return the picture with its longer side at most `side`, averaged, never enlarged."""
    longer = max(picture.shape[:2])
    if longer <= side:
        return picture
    size = [max(1, round(n * side / longer)) for n in picture.shape[1::-1]]
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def cut_out(picture: RGB, quad: Quad) -> RGB:
    """Return the quad as an upright rectangle CUT_HEIGHT pixels high."""
    width, height = sides(quad)
    cut_width = round(CUT_HEIGHT * min(max(width / max(height, 1.0), 0.5), CUT_RATIO_MAX))
    corners = [[0, 0], [cut_width, 0], [cut_width, CUT_HEIGHT], [0, CUT_HEIGHT]]
    matrix = cv2.getPerspectiveTransform(quad, np.array(corners, np.float32))
    cut = cv2.warpPerspective(
        picture,
        matrix,
        (cut_width, CUT_HEIGHT),
        flags=cv2.INTER_LINEAR if height < 2 * CUT_HEIGHT else cv2.INTER_AREA,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(cut, dtype=np.uint8)


def sides(quad: Quad) -> tuple[float, float]:
    """Return width and height: the mean lengths of opposite edges, the first edge being width."""
    edges = np.linalg.norm(np.roll(quad, -1, axis=0) - quad, axis=1)
    return float(edges[0] + edges[2]) / 2, float(edges[1] + edges[3]) / 2


def lying(quad: Quad) -> Quad:
    """Return the quad clockwise with its longer side as width; which way up stays open."""
    quad = _clockwise(quad)
    width, height = sides(quad)
    return quad if width >= height else np.roll(quad, -1, axis=0)


def turned_over(quad: Quad) -> Quad:
    """Return the quad as seen upside down."""
    return np.roll(quad, -2, axis=0)


def facing(quad: Quad, along: NDArray[np.float32]) -> Quad:
    """Return the quad clockwise with its first edge pointing most nearly `along`."""
    quad = _clockwise(quad)
    edges = np.roll(quad, -1, axis=0) - quad
    return np.roll(quad, -int(np.argmax(edges @ along)), axis=0)


def _clockwise(quad: Quad) -> Quad:
    x, y = quad[:, 0], quad[:, 1]
    area = float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y))
    return quad if area >= 0 else quad[::-1].copy()
