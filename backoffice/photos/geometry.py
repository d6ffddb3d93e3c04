"""Where the crop goes: frames, the solver, and what is measured on the finished picture.

Never rotates, mirrors or stretches: a crop is one scale and one offset (DOMAIN section 0.4).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from backoffice.photos.arrays import Floats
from backoffice.photos.face import Face
from backoffice.photos.standards import Range, Standard
from backoffice.photos.windows import Crop

# The working frame around a face: wide and tall enough for any crop a standard can ask for.
FRAME_SIZE = (608, 800)  # width, height in frame pixels
FRAME_FACE = 200.0  # cheek to cheek in frame pixels
FRAME_EYES = 330.0  # eye line from the frame's top
# Pixels kept clear of the limits of face width, eye line and hair top: other people measure too.
_MARGINS = (4.0, 2.0, 2.0)
HAIR_ROW_SHARE = 0.12  # a row belongs to the hair when this share of the face width is covered


@dataclass(frozen=True)
class Geometry:
    """Measured on a picture. Pixels from its top or left edge; angle in degrees."""

    hair_top: float
    eye_line: float
    face_width: float
    centre_offset: float
    eye_angle: float

    def to_dict(self) -> dict[str, float]:
        """Return the numbers rounded for people (CONTRACT section 1)."""
        return {key: round(float(value), 1) for key, value in vars(self).items()}


@dataclass(frozen=True)
class Subject:
    """What the solver needs to know, all in source pixels.

    `body_left`, `body_right`: the height (y) at which the person first touches the picture's left
    or right edge, None if nowhere: above it the missing part is only wall, which is replaced.
    """

    hair_top: float
    eye_line: float
    face_width: float
    centre_x: float
    source_width: int
    source_height: int
    body_left: float | None = None
    body_right: float | None = None
    wall_may_be_filled: bool = True


@dataclass(frozen=True)
class Solution:
    """The best crop, and which rule could not be met (None if all are).

    `problem`: "head_shape", "bottom", "side" or "top".
    """

    crop: Crop
    problem: str | None
    shortfall: float = 0.0


def working_frame(face: Face) -> Crop:
    """Return the window in which the matte is made."""
    scale = FRAME_FACE / face.width
    x0 = face.centre_x - FRAME_SIZE[0] / 2 / scale
    return Crop(scale, x0, face.pupil_line - FRAME_EYES / scale)


def hair_top_row(alpha: Floats, face_width: float) -> float | None:
    """Return the first row where the person covers 12 % of the face width, None if nowhere."""
    counts = (alpha > 0.5).sum(axis=1)
    rows = np.flatnonzero(counts >= HAIR_ROW_SHARE * face_width)
    return float(rows[0]) if rows.size else None


def cut_chord(alpha: Floats, frame: Crop) -> float:
    """Return how wide the hair is on the source's first row, as a share of the face width.

    A whole head that just touches the edge shows a short chord, a cut one a long one. Zero when
    the frame does not reach the source's top.
    """
    row = round(-frame.y0 * frame.scale) + 1
    if not 0 < row < alpha.shape[0]:
        return 0.0
    return float((alpha[row] > 0.5).sum()) / FRAME_FACE


def cut_sides(alpha: Floats, chin: float) -> float:
    """Return the share of the rows above the chin in which the person touches the frame's side."""
    head = alpha[: max(round(chin), 1)]
    touching = (head[:, 1] > 0.5) | (head[:, -2] > 0.5)
    return float(touching.mean())


def _inner(bounds: Range, margin: float) -> Range:
    return bounds[0] + margin, bounds[1] - margin


def solve_crop(subject: Subject, standard: Standard) -> Solution:
    """Return the crop that keeps every range of the standard with the most room to spare.

    Tries every scale and height on a grid; the sideways offset is zero unless the source's edge
    forces a little. Units: output pixels for `standard`, source pixels for `subject`.
    """
    head = subject.eye_line - subject.hair_top
    widths = np.arange(standard.face_width[0], standard.face_width[1] + 0.01, 1.0)
    eye_lines = np.arange(standard.eye_line[0], standard.eye_line[1] + 0.01, 2.0)
    width, eyes = (grid.ravel() for grid in np.meshgrid(widths, eye_lines, indexing="ij"))
    scale = width / subject.face_width
    cost = _costs((width, eyes, eyes - head * scale), standard)
    reasons: dict[str, float] = {}
    for i in np.argsort(cost, kind="stable"):
        if not np.isfinite(cost[i]):
            break
        crop, problem, short = _place(subject, standard, float(scale[i]), float(eyes[i]))
        if problem is None:
            return Solution(crop, None)
        reasons[problem] = min(reasons.get(problem, math.inf), short)
    if reasons:
        problem = min(reasons, key=lambda key: reasons[key])
        return Solution(_ideal(subject, standard), problem, reasons[problem])
    return Solution(_ideal(subject, standard), "head_shape", head / subject.face_width)


def _costs(values: tuple[Floats, Floats, Floats], standard: Standard) -> Floats:
    """Return how far face width, eye line and hair top are from the ideal; infinite out of range.

    Each counts by its distance to the target as a share of the range, raised steeply so that no
    single one comes near its limit. The width's target lies low in its range: head, neck and
    shoulders are to be seen.
    """
    ranges = (standard.face_width, standard.eye_line, standard.hair_top)
    targets = (0.30, 0.56, 0.42)
    total = np.zeros(values[0].shape)
    for value, bounds, target, margin in zip(values, ranges, targets, _MARGINS, strict=True):
        low, high = _inner(bounds, margin)
        middle = low + (high - low) * target
        reach = np.where(value < middle, middle - low, high - middle)
        total += (np.abs(value - middle) / reach) ** 4
        total[(value < low) | (value > high)] = np.inf
    return total


def _place(
    subject: Subject, standard: Standard, scale: float, eye_line: float
) -> tuple[Crop, str | None, float]:
    """Return the crop, and what of the person would be missing in it (with how many pixels)."""
    y0 = subject.eye_line - eye_line / scale
    x0 = subject.centre_x - standard.width / 2 / scale
    bottom = y0 + standard.height / scale
    missing = (bottom - subject.source_height) * scale
    if missing > 0.5:
        return Crop(scale, x0, y0), "bottom", missing
    if not subject.wall_may_be_filled and y0 < 0:
        return Crop(scale, x0, y0), "top", -y0 * scale
    x0, short = _slide(subject, standard, scale, x0, bottom)
    return Crop(scale, x0, y0), "side" if short > 0.5 else None, short


def _slide(
    subject: Subject, standard: Standard, scale: float, x0: float, bottom: float
) -> tuple[float, float]:
    """Shift sideways, at most half the allowed offset, so that no cut shoulder shows.

    Returns the offset and the output pixels still missing.
    """

    def cut(height: float | None) -> bool:
        return not subject.wall_may_be_filled or (height is not None and height < bottom)

    width = standard.width / scale
    reach = standard.max_centre_offset / 2 / scale
    cut_left, cut_right = cut(subject.body_left), cut(subject.body_right)

    def missing(x: float) -> tuple[float, float]:
        left = max(-x, 0.0) if cut_left else 0.0
        right = max(x + width - subject.source_width, 0.0) if cut_right else 0.0
        return left, right

    left, right = missing(x0)
    if bool(left) != bool(right):  # with both missing there is nowhere to go
        x0 += min(left, reach) - min(right, reach)
    return x0, max(missing(x0)) * scale


def _ideal(subject: Subject, standard: Standard) -> Crop:
    """Return the crop that would be taken if nothing were missing: used to show and measure."""
    low, high = standard.face_width
    scale = (low + 0.15 * (high - low)) / subject.face_width
    eye_line = standard.eye_line[0] + 0.6 * (standard.eye_line[1] - standard.eye_line[0])
    return Crop(
        scale,
        subject.centre_x - standard.width / 2 / scale,
        subject.eye_line - eye_line / scale,
    )


def touching_rows(
    alpha: Floats, frame: Crop, source: tuple[int, int]
) -> tuple[float | None, float | None]:
    """Return where the person first touches the source's left and right edge, in source rows."""
    rows: list[float | None] = []
    for edge, inward in ((0.0, 1), (float(source[0]), -1)):
        column = round((edge - frame.x0) * frame.scale) + 2 * inward
        if not 0 <= column < alpha.shape[1]:
            rows.append(None)
            continue
        hit = np.flatnonzero(alpha[:, column] > 0.5)
        rows.append(float(hit[0]) / frame.scale + frame.y0 if hit.size else None)
    return rows[0], rows[1]


def measure(face: Face, hair_top: float, width: int) -> Geometry:
    """Return the geometry of a finished picture `width` pixels wide."""
    return Geometry(
        hair_top=hair_top,
        eye_line=face.pupil_line,
        face_width=face.width,
        centre_offset=face.centre_x - width / 2,
        eye_angle=face.roll,
    )
