"""Degradations that move the face: rendered by warping, of known size."""

from __future__ import annotations

import cv2
import numpy as np

from backoffice.photos.arrays import RGB, Floats
from evaluation.people import Person

_CHIN, _FOREHEAD = 152, 10
# The rims of the lids from corner to corner, upper and lower, and the skin below each eye.
_LIDS = (
    ((33, 246, 161, 160, 159, 158, 157, 173, 133), (33, 7, 163, 144, 145, 153, 154, 155, 133)),
    ((362, 398, 384, 385, 386, 387, 388, 466, 263), (362, 382, 381, 380, 374, 373, 390, 249, 263)),
)
_UNDER_EYE = (119, 348)
_INNER_LIPS = (78, 308, 13, 14)  # corners, upper and lower lip


def tilt(person: Person, degrees: float) -> RGB:
    """Turn the whole picture about the face; the corners are filled with what lies beside them."""
    x, y = person.face.centre_x, person.face.pupil_line
    height, width = person.rgb.shape[:2]
    turn = cv2.getRotationMatrix2D((x, y), -degrees, 1.0)
    turned: RGB = cv2.warpAffine(
        person.rgb, turn, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return turned


def yaw(person: Person, degrees: float) -> RGB:
    """Turn the face as if it were a cylinder; outside the head nothing moves."""
    face = person.face
    half = 0.56 * face.width
    angle = np.radians(degrees)
    rows, columns = _grid(person.rgb)
    middle = 0.5 * float(face.points[_CHIN, 1] + face.points[_FOREHEAD, 1])
    across = (columns - face.centre_x) / half
    down = (rows - middle) / (1.7 * half)
    inside = np.clip(1 - across**2, 0, 1)
    depth = np.sqrt(inside)
    source = across * np.cos(angle) - depth * np.sin(angle)
    weight = np.clip(1.3 - np.sqrt(across**2 + down**2), 0, 0.3) / 0.3
    moved = columns + (source - across) * half * weight
    return _remap(person.rgb, moved, rows)


def nod(person: Person, degrees: float) -> RGB:
    """Nod the face by the mesh's own depth; what lies between mesh and surroundings is stretched."""
    face, angle = person.face, np.radians(degrees)
    points = face.points
    depth = points[:, 2] - points[:, 2].mean()
    middle = points[:, 1].mean()
    by = (points[:, 1] - middle) * (np.cos(angle) - 1) - depth * np.sin(angle)
    rows, columns = _grid(person.rgb)
    moved, weight = np.zeros_like(rows), np.zeros_like(rows)
    for (x, y, _), step in zip(points, by, strict=True):
        at = round(float(y + step)), round(float(x))
        if 0 <= at[0] < rows.shape[0] and 0 <= at[1] < rows.shape[1]:
            moved[at] += step
            weight[at] += 1
    sigma = 0.03 * face.width
    weight = cv2.GaussianBlur(weight, (0, 0), sigma)
    # Around the face the mesh's pull fades over a fifth of its width.
    rest = 0.004 * float(weight.max())
    shift = cv2.GaussianBlur(moved, (0, 0), sigma) / (weight + rest)
    return _remap(person.rgb, columns, rows - shift)


def close_eyes(person: Person, share: float) -> RGB:
    """Draw both upper lids down by a share of the opening (1 is shut): skin, and lashes below."""
    out = person.rgb.copy()
    points = person.face.points[:, :2]
    line = max(round(0.012 * person.face.width), 1)
    for (upper, lower), below in zip(_LIDS, _UNDER_EYE, strict=True):
        top, bottom = points[list(upper)], points[list(lower)]
        middle = (top.mean(axis=0) + bottom.mean(axis=0)) / 2
        edge = top + share * (bottom - top) * 1.05
        area = np.concatenate([middle + (top - middle) * 1.25, edge[::-1]])
        mask = np.zeros(out.shape[:2], np.uint8)
        cv2.fillPoly(mask, [np.round(area).astype(np.int32)], 255)
        wider = cv2.dilate(mask, np.ones((line, line), np.uint8)).astype(np.float32) / 255
        skin = points[below]
        radius = max(round(0.03 * person.face.width), 1)
        x, y = (round(float(v)) for v in skin)
        colour = np.median(
            person.rgb[y - radius : y + radius + 1, x - radius : x + radius + 1], (0, 1)
        )
        soft = cv2.GaussianBlur(wider, (0, 0), 0.7 * line)[..., None]
        out = (out * (1 - soft) + 0.94 * colour * soft).astype(np.uint8)
        lashes = np.round(edge).astype(np.int32)
        cv2.polylines(out, [lashes], False, (62, 44, 40), line, cv2.LINE_AA)
    return out


def open_mouth(person: Person, share: float) -> RGB:
    """Draw a dark gap between the lips, as high as a share of the mouth's width."""
    points, rgb = person.face.points, person.rgb.copy()
    left, right, upper, lower = (points[i, :2] for i in _INNER_LIPS)
    width = float(np.linalg.norm(right - left))
    gap = share * width
    rows, columns = _grid(rgb)
    line = float(upper[1] + lower[1]) / 2
    middle = float(left[0] + right[0]) / 2
    arch = np.clip(1 - ((columns - middle) / (0.52 * width)) ** 2, 0, 1)
    # Everything below the lips' line moves down, more in the middle, nothing below the chin.
    reach = max(float(points[_CHIN, 1]) - line, 1.0)
    fade = np.clip(1 - (rows - line - gap) / reach, 0, 1)
    lookup = np.where(rows > line, rows - gap * arch * fade, rows)
    opened = _remap(rgb, columns, lookup)
    hole = (rows > line) & (rows < line + gap * arch)
    opened[hole] = (58, 22, 26)
    return opened


def _grid(rgb: RGB) -> tuple[Floats, Floats]:
    rows, columns = np.mgrid[0 : rgb.shape[0], 0 : rgb.shape[1]].astype(np.float32)
    return rows, columns


def _remap(rgb: RGB, columns: Floats, rows: Floats) -> RGB:
    moved: RGB = cv2.remap(
        rgb,
        columns.astype(np.float32),
        rows.astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return moved
