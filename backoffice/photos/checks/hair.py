"""Hair over the face, and head coverings: hints from colour, for want of a hair model."""

from __future__ import annotations

import cv2
import numpy as np

from backoffice.i18n import Text
from backoffice.photos.arrays import Floats
from backoffice.photos.checks.kinds import Kind
from backoffice.photos.checks.views import Portrait, moved, to_lab

# Mesh points along each brow's upper edge and each eye's lower lid (subject's right, left).
_BROWS = ((70, 63, 105, 66, 107), (300, 293, 334, 296, 336))
_LOWER_LIDS = ((33, 7, 163, 144, 145, 153, 154, 155), (263, 249, 390, 373, 374, 380, 381, 382))
_CHEEK_SKIN = (50, 280, 205, 425, 4, 195)  # cheeks and nose: skin if anything is
_SIDES = (234, 454)


KINDS = (
    Kind(
        "hair_brows",
        Text("眉毛露出", "Brows visible"),
        "H01",
        Text(
            "头发可能遮住眉毛，请将刘海梳起，露出双眉。",
            "Hair may cover the brows: comb the fringe back.",
        ),
    ),
    Kind(
        "hair_eyes",
        Text("眼睛无遮挡", "Eyes uncovered"),
        "H01",
        Text(
            "头发可能遮住眼睛，请将头发梳开，露出双眼。", "Hair may cover the eyes: comb it aside."
        ),
        ofiq="EyesVisible",
    ),
    Kind(
        "hair_ears",
        Text("双耳露出", "Ears visible"),
        "H01",
        Text(
            "头发可能遮住耳朵，如学校要求露耳，请将头发束到耳后。",
            "Hair may cover the ears: tie it behind the ears if the school asks for it.",
        ),
    ),
    Kind(
        "hair_sides",
        Text("头发出框", "Hair at the sides"),
        "Q02",
        Text(
            "头发超出画面两侧，请后退一步，或将头发束起。",
            "Hair leaves the picture at the side: step back or tie it.",
        ),
    ),
    Kind(
        "head_covering",
        Text("无帽子头饰", "No head covering"),
        "H02",
        Text(
            "可能戴有帽子、头巾或头饰，请摘下（宗教或医疗原因除外）。",
            "A hat, scarf or ornament may be worn: take it off (except for religion or medicine).",
        ),
        ofiq="NoHeadCoverings",
    ),
)


def measure(portrait: Portrait) -> dict[str, float]:
    """Return the measures of this family."""
    covering = strange_crown(portrait)
    portrait = _around_the_face(portrait)
    other = _no_skin(portrait)
    return {
        "hair_brows": max(_covered(portrait, other, brow, -0.05, -0.01) for brow in _BROWS),
        "hair_eyes": max(_covered(portrait, other, lid, 0.02, 0.10) for lid in _LOWER_LIDS),
        "hair_ears": min(_beside(portrait, other, side) for side in (0, 1)),
        "head_covering": covering,
    }


def _around_the_face(portrait: Portrait) -> Portrait:
    """Return the part of the view in which brows, eyes and ears lie."""
    low, high = portrait.face.points[:, :2].min(axis=0), portrait.face.points[:, :2].max(axis=0)
    margin = 0.15 * portrait.face.width
    x0, y0 = (max(int(v - margin), 0) for v in low)
    x1, y1 = (max(int(v + margin), 1) for v in high)
    part = np.s_[y0:y1, x0:x1]
    face = moved(portrait.face, 1.0, x0, y0)
    return Portrait(portrait.rgb[part], portrait.alpha[part], face)


def _no_skin(portrait: Portrait) -> Floats:
    """Return 1 where the colour is far from this face's own skin (cheeks and nose)."""
    lab, width = portrait.lab, portrait.face.width
    radius = max(2, round(0.03 * width))
    samples = []
    for point in _CHEEK_SKIN:
        x, y = (round(float(v)) for v in portrait.face.points[point, :2])
        samples.append(
            lab[max(y - radius, 0) : y + radius, max(x - radius, 0) : x + radius].reshape(-1, 3)
        )
    skin = np.concatenate(samples)
    middle = np.median(skin, axis=0) if len(skin) else np.array([60.0, 12.0, 15.0])
    # Lightness varies over a face, hue hardly: darker by 30 is still skin in the shade.
    away = np.abs(lab - middle.astype(np.float32))
    darker = np.maximum(middle[0] - lab[..., 0], 0) / 28
    colour = np.hypot(away[..., 1], away[..., 2]) / 14
    other: Floats = (np.hypot(darker, colour) > 1).astype(np.float32)
    return other


def _covered(
    portrait: Portrait, other: Floats, line: tuple[int, ...], top: float, bottom: float
) -> float:
    """Return the share of a band along a line of mesh points that is no skin.

    `top`, `bottom`: the band's edges below the line, in face widths.
    """
    width = portrait.face.width
    points = portrait.face.points[list(line), :2]
    down = np.array([0, width], np.float32)
    upper, lower = points + top * down, points + bottom * down
    mask = np.zeros(other.shape, np.uint8)
    cv2.fillPoly(mask, [np.concatenate([upper, lower[::-1]]).astype(np.int32)], 1)
    return float(other[mask > 0].mean()) if mask.any() else 0.0


def _beside(portrait: Portrait, other: Floats, side: int) -> float:
    """Return the share of the strip where an ear should be that is no skin."""
    face, width = portrait.face, portrait.face.width
    edge = float(face.points[_SIDES[side], 0])
    outward = -1 if side == 0 else 1
    x0, x1 = sorted((edge + outward * 0.03 * width, edge + outward * 0.09 * width))
    y0, y1 = face.pupil_line, float(face.points[4, 1]) + 0.05 * width
    box = np.s_[max(int(y0), 0) : max(int(y1), 0), max(int(x0), 0) : max(int(x1), 0)]
    strip = other[box]
    return float(strip.mean()) if strip.size else 1.0


def strange_crown(portrait: Portrait) -> float:
    """Return the share of the crown whose colour no natural hair has (green, blue, violet, red).

    A hint of a hat, scarf or ornament; a black or brown cap looks like hair and is not told.
    """
    face = portrait.face
    bottom = max(int(face.points[10, 1] - 0.02 * face.width), 0)
    x0, x1 = (int(face.centre_x + side * 0.6 * face.width) for side in (-1, 1))
    box = np.s_[:bottom, max(x0, 0) : max(x1, 0)]
    sure = portrait.alpha[box] > 0.95
    if sure.sum() < 100:
        return 0.0
    crown = to_lab(np.ascontiguousarray(portrait.rgb[box]))[sure]
    chroma = np.hypot(crown[:, 1], crown[:, 2])
    hue = np.degrees(np.arctan2(crown[:, 2], crown[:, 1]))
    return float(np.mean((chroma > 16) & ((hue < 15) | (hue > 105))))
