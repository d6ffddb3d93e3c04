"""The two views the measures look at: the face close up, and the person in the working frame."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np

from backoffice.photos.arrays import RGB, Floats
from backoffice.photos.face import Face

# The face's outline without the forehead, where hair may lie.
_SKIN = (234, 454, 361, 397, 378, 152, 149, 172, 132, 9, 107, 336)
_WIDEST_FACE = 280  # pixels: a larger face is looked at shrunk; more tells nothing new


def to_lab(rgb: RGB) -> Floats:
    """Return CIE L*a*b* (D65) of 8-bit sRGB: L* 0..100."""
    lab: Floats = cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    return lab


@dataclass(frozen=True)
class CloseUp:
    """The neighbourhood of the face; `face` in its coordinates. At most 280 px face width."""

    rgb: RGB
    face: Face

    @cached_property
    def lab(self) -> Floats:
        """The view in L*a*b*."""
        return to_lab(self.rgb)

    @cached_property
    def skin_mask(self) -> RGB:
        """1 on the face without its forehead (everywhere, should the face lie outside)."""
        mask = np.zeros(self.rgb.shape[:2], np.uint8)
        hull = cv2.convexHull(self.face.points[list(_SKIN), :2].astype(np.int32))
        cv2.fillConvexPoly(mask, hull, 1)
        if not mask.any():
            mask[:] = 1
        return mask

    @cached_property
    def skin(self) -> Floats:
        """L*a*b* of the skin's pixels, (N, 3)."""
        picked: Floats = self.lab[self.skin_mask > 0]
        return picked

    def patch(self, point: int, share: float) -> Floats:
        """Return the L*a*b* pixels around a mesh point; `share` of the face width to each side."""
        radius = max(2, round(self.face.width * share))
        x, y = (round(float(v)) for v in self.face.points[point, :2])
        square: Floats = self.lab[
            max(y - radius, 0) : max(y + radius + 1, 0), max(x - radius, 0) : max(x + radius + 1, 0)
        ].reshape(-1, 3)
        return square


@dataclass(frozen=True)
class Portrait:
    """The working frame (face 200 px wide): picture, matte, and the face in its coordinates."""

    rgb: RGB
    alpha: Floats
    face: Face

    @cached_property
    def lab(self) -> Floats:
        """The view in L*a*b*."""
        return to_lab(self.rgb)


def close_up(rgb: RGB, face: Face) -> CloseUp:
    """Return the neighbourhood of the face only, shrunk where the face is very large."""
    low, high = face.points[:, :2].min(axis=0), face.points[:, :2].max(axis=0)
    margin = 0.25 * face.width
    x0, y0 = (max(int(v - margin), 0) for v in low)
    x1, y1 = (max(int(v + margin), 1) for v in high)
    part = rgb[y0:y1, x0:x1]
    near = moved(face, 1.0, x0, y0)
    if face.width <= _WIDEST_FACE or not part.size:
        return CloseUp(part, near)
    scale = _WIDEST_FACE / face.width
    small = cv2.resize(part, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return CloseUp(small, moved(near, scale, 0.0, 0.0))


def moved(face: Face, scale: float, x0: float, y0: float) -> Face:
    """Return the face as seen in a window that begins at (x0, y0), scaled by `scale`."""
    return replace(
        face,
        points=(face.points - np.array([x0, y0, 0], np.float32)) * np.float32(scale),
        iris_centres=(face.iris_centres - np.array([x0, y0], np.float32)) * np.float32(scale),
        iris_radius=face.iris_radius * scale,
    )
