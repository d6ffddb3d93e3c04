"""Squares cut out of a picture for the face networks, turned and scaled."""

from __future__ import annotations

import math

import cv2
import numpy as np

from backoffice.photos.arrays import RGB, Floats
from backoffice.photos.windows import reduced


def blob(patch: RGB) -> Floats:
    """Return a patch as the networks take it: (1, 3, H, W), 0..1."""
    planes: Floats = (patch.astype(np.float32) / 255.0).transpose(2, 0, 1)[None]
    return np.ascontiguousarray(planes)


def cut_patch(rgb: RGB, centre: Floats, side: float, roll: float, out: int) -> tuple[RGB, Floats]:
    """Cut a square turned by `roll` degrees; also return the 2x3 map from patch to picture."""
    angle = math.radians(roll)
    scale = side / out
    cos, sin = math.cos(angle) * scale, math.sin(angle) * scale
    turn = np.array([[cos, -sin], [sin, cos]], np.float32)
    shift = np.asarray(centre, np.float32) - turn @ np.array([out / 2, out / 2], np.float32)
    back = np.hstack([turn, shift[:, None]]).astype(np.float32)
    source, inner = rgb, back
    by = int(scale)
    if by > 1:  # warpAffine cannot average: shrink the neighbourhood first
        reach = 0.75 * side
        x0, y0 = (max(int(value - reach), 0) for value in centre)
        x1, y1 = (max(int(value + reach), by) for value in centre)
        near = rgb[y0:y1, x0:x1]
        if min(near.shape[:2]) >= by:
            source, inner = reduced(near, by), back.copy()
            inner[:, 2] -= (x0, y0)
            inner /= by
            inner[:, 2] += 0.5 / by - 0.5
    patch = cv2.warpAffine(source, inner, (out, out), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    return patch, back
