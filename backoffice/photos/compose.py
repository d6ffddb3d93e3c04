"""The person on the standard's background, without a halo of the old one.

The background is written in YCbCr so that it decodes to exactly the standard's colour: stored as RGB,
(100,197,255) comes back as (101,197,255) everywhere (FEASIBILITY section 5).
"""

from __future__ import annotations

from functools import cache
from itertools import product

import cv2
import numpy as np
from PIL import Image

from backoffice.photos.arrays import RGB, Floats

_TO_YCC = np.array(
    [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], np.float32
)

_REACH = 23  # pixels, at a quarter of the size, over which a side's colours are averaged
_SHIFT = np.array([0, 128, 128], np.float32)
_TO_YCC_SHIFTED = np.hstack([_TO_YCC, _SHIFT[:, None]])


@cache
def background_ycc(colour: tuple[int, int, int]) -> tuple[int, int, int]:
    """Return the JPEG YCbCr triple that decodes to `colour` (the nearest one if none does)."""
    centre = _TO_YCC @ np.array(colour, np.float32) + _SHIFT
    steps = np.array(list(product(range(-6, 7), repeat=3)))
    triples = np.clip(np.rint(centre) + steps, 0, 255).astype(int)
    # The decoder's own sum (JFIF), clipped as it clips: brighter than white is white.
    luma, blue, red = triples[:, 0], triples[:, 1] - 128, triples[:, 2] - 128
    green = luma - 0.344136 * blue - 0.714136 * red
    decoded = np.clip(np.stack([luma + 1.402 * red, green, luma + 1.772 * blue], axis=1), 0, 255)
    wrong = np.abs(np.rint(decoded) - colour).sum(axis=1)
    off = 100 * wrong + np.abs(decoded - colour).sum(axis=1) + 0.001 * np.abs(steps).sum(axis=1)
    best = triples[int(off.argmin())]
    return int(best[0]), int(best[1]), int(best[2])


def _person_colours(rgb: RGB, alpha: Floats, outline: Floats) -> Floats:
    """Return the person's own colours, (N, 3) in 0..255, where the old wall shines through.

    outline: flat indices of the pixels. Blur fusion (Forte 2021): both sides' colours are
    continued at a quarter of the size, then fitted to each pixel's own colour.
    """
    size = (alpha.shape[1], alpha.shape[0])
    quarter = (size[0] // 4, size[1] // 4)
    small = cv2.resize(rgb, quarter, interpolation=cv2.INTER_AREA).astype(np.float32)
    few = cv2.resize(alpha, quarter, interpolation=cv2.INTER_AREA)
    person, wall = (
        cv2.resize(part, size, interpolation=cv2.INTER_LINEAR).reshape(-1, 3)[outline]
        for part in _both_sides(small, few)
    )
    share = alpha.reshape(-1)[outline][:, None]
    seen = rgb.reshape(-1, 3)[outline]
    fitted: Floats = person + share * (seen - share * person - (1 - share) * wall)
    return np.clip(fitted, 0, 255)


def _both_sides(picture: Floats, alpha: Floats) -> tuple[Floats, Floats]:
    """Return the person's and the wall's colours, each continued into the other."""
    window = (_REACH, _REACH)
    share = cv2.merge([alpha] * 3)
    near = cv2.blur(share, window)
    front = cv2.multiply(picture, share)
    person = cv2.blur(front, window) / (near + 1e-5)
    wall = cv2.blur(picture - front, window) / (1 - near + 1e-5)
    fitted = person + share * (picture - share * person - (1 - share) * wall)
    return np.clip(fitted, 0, 255), wall


def settle(alpha: Floats) -> Floats:
    """Push almost-nothing to nothing and almost-all to all: a clean wall, an untouched face."""
    settled: Floats = np.clip((alpha - 0.03) / 0.94, 0, 1).astype(np.float32)
    return settled


def compose(rgb: RGB, alpha: Floats, background: tuple[int, int, int]) -> RGB:
    """Return the finished picture as (H, W, 3) YCbCr, ready for the encoder.

    Pixels with alpha 1 are the source's own, pixels with alpha 0 exactly the background.
    """
    wall = background_ycc(background)
    finished: RGB = cv2.transform(rgb, _TO_YCC_SHIFTED)  # rounds and clips
    finished[alpha <= 0] = wall
    outline = np.flatnonzero((alpha > 0) & (alpha < 1))
    if outline.size:
        own = _person_colours(rgb, alpha, outline) @ _TO_YCC.T + _SHIFT
        share = alpha.reshape(-1)[outline][:, None]
        mixed = share * own + (1 - share) * np.array(wall, np.float32)
        finished.reshape(-1, 3)[outline] = np.clip(np.rint(mixed), 0, 255)
    return finished


def as_ycc(rgb: RGB) -> RGB:
    """Return an RGB picture as YCbCr for the encoder (when the background stays)."""
    return np.asarray(Image.fromarray(rgb).convert("YCbCr"), dtype=np.uint8)
