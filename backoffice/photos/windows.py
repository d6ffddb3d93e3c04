"""Windows on a picture: one scale and one offset, and how a picture looks through them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image

from backoffice.photos.arrays import RGB, Floats


@dataclass(frozen=True)
class Crop:
    """A window on the source: `scale` output px per source px, its top left in source pixels."""

    scale: float
    x0: float
    y0: float

    def to_output(self, x: float, y: float) -> tuple[float, float]:
        """Return where a source point lands in the window."""
        return (x - self.x0) * self.scale, (y - self.y0) * self.scale


def resample(rgb: RGB, crop: Crop, size: tuple[int, int]) -> RGB:
    """Return the window as (height, width, 3), antialiased; edge pixels continue outside."""
    width, height = size[0] / crop.scale, size[1] / crop.scale
    x0, y0 = math.floor(crop.x0) - 4, math.floor(crop.y0) - 4
    x1, y1 = math.ceil(crop.x0 + width) + 4, math.ceil(crop.y0 + height) + 4
    inside = rgb[max(y0, 0) : max(y1, 1), max(x0, 0) : max(x1, 1)]
    pad_left, pad_top = max(-x0, 0), max(-y0, 0)
    pad_right = max(x1 - x0 - pad_left - inside.shape[1], 0)
    pad_bottom = max(y1 - y0 - pad_top - inside.shape[0], 0)
    region = cv2.copyMakeBorder(
        inside, pad_top, pad_bottom, pad_left, pad_right, cv2.BORDER_REPLICATE
    )
    box = (crop.x0 - x0, crop.y0 - y0, crop.x0 - x0 + width, crop.y0 - y0 + height)
    picture = Image.fromarray(region).resize(
        size, Image.Resampling.LANCZOS, box=box, reducing_gap=3.0
    )
    return np.asarray(picture, dtype=np.uint8)


def glance(rgb: RGB, crop: Crop, size: tuple[int, int]) -> RGB:
    """Return the window as `resample` does, quicker and a little softer: to look at, not to keep."""
    step = 1 / crop.scale  # pixels of `rgb` per pixel of the window
    by = max(round(step), 1)  # to the nearer: cut off, nearly twice as many pixels would be skipped
    left, top = max(int(crop.x0) - by, 0), max(int(crop.y0) - by, 0)
    right, bottom = (math.ceil(at + side * step) + by for at, side in
                     ((crop.x0, size[0]), (crop.y0, size[1])))  # fmt: skip
    near = reduced(rgb[top : max(bottom, top + by), left : max(right, left + by)], by)
    step /= by
    shift_x, shift_y = ((at - start) / by + (step - 1) / 2 for at, start in
                        ((crop.x0, left), (crop.y0, top)))  # fmt: skip
    back = np.array([[step, 0, shift_x], [0, step, shift_y]], np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    seen: RGB = cv2.warpAffine(near, back, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return seen


def reduced(rgb: RGB, by: int) -> RGB:
    """Return the picture a whole number of times smaller, averaged; what does not fill a block is cut.

    Whole numbers, because OpenCV averages over them quicker, and twos quickest by far.
    """
    while by > 1 and min(rgb.shape[:2]) >= by:
        step = 2 if by % 2 == 0 else by
        width, height = rgb.shape[1] // step, rgb.shape[0] // step
        rgb = cv2.resize(
            rgb[: height * step, : width * step], (width, height), interpolation=cv2.INTER_AREA
        )
        by //= step
    return rgb


def twos(by: float) -> int:
    """Return the largest power of two up to `by`, 1 at least."""
    return 1 << max(int(by).bit_length() - 1, 0)


def move_plane(plane: Floats, before: Crop, after: Crop, size: tuple[int, int]) -> Floats:
    """Return a plane made in window `before` as seen in window `after`; zero outside."""
    ratio = before.scale / after.scale  # `before` pixels per `after` pixel
    shift_x = (after.x0 - before.x0) * before.scale + (ratio - 1) / 2
    shift_y = (after.y0 - before.y0) * before.scale + (ratio - 1) / 2
    back = np.array([[ratio, 0, shift_x], [0, ratio, shift_y]], np.float32)
    moved = cv2.warpAffine(
        plane, back, size, flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP, borderValue=0.0
    )
    return np.clip(moved, 0, 1).astype(np.float32)
