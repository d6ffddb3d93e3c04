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

_TO_YCC_SHIFTED = np.hstack([_TO_YCC, np.array([[0], [128], [128]], np.float32)])


@cache
def background_ycc(colour: tuple[int, int, int]) -> tuple[int, int, int]:
    """Return the JPEG YCbCr triple that decodes to `colour` (the nearest one if none does)."""
    centre = _TO_YCC @ np.array(colour, np.float32) + np.array([0, 128, 128], np.float32)
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


def foreground(rgb: RGB, alpha: Floats) -> Floats:
    """Return the person's own colours, 0..255, also where the old wall shines through.

    Blur fusion (Forte 2021): a wide pass at a quarter of the size, then a narrow one, which is
    solved on the outline only: with alpha 1 the colours are the picture's own, with 0 nobody's.
    """
    picture = rgb.astype(np.float32)
    size = (alpha.shape[1], alpha.shape[0])
    quarter = (size[0] // 4, size[1] // 4)
    small = cv2.resize(picture, quarter, interpolation=cv2.INTER_AREA)
    few = cv2.resize(alpha, quarter, interpolation=cv2.INTER_AREA)
    everywhere = np.ones(few.shape, bool)
    rough = (
        part.reshape(small.shape) for part in _fusion(small, small, small, few, 23, everywhere)
    )
    person, wall = (cv2.resize(part, size, interpolation=cv2.INTER_LINEAR) for part in rough)
    outline = (alpha > 0) & (alpha < 1)
    if outline.any():
        picture[outline], _ = _fusion(picture, person, wall, alpha, 7, outline)
    return picture


def _fusion(
    picture: Floats, person: Floats, wall: Floats, alpha: Floats, size: int, where: Floats
) -> tuple[Floats, Floats]:
    """Return the person's and the wall's colours of the pixels `where`, each (N, 3)."""
    a = alpha[where][:, None]
    near = cv2.blur(alpha, (size, size))[where][:, None]
    share = cv2.merge([alpha, alpha, alpha])
    front = cv2.multiply(person, share)
    behind = cv2.subtract(wall, cv2.multiply(wall, share))
    mean_person = cv2.blur(front, (size, size))[where] / (near + 1e-5)
    mean_wall = cv2.blur(behind, (size, size))[where] / (1 - near + 1e-5)
    fitted = mean_person + a * (picture[where] - a * mean_person - (1 - a) * mean_wall)
    return np.clip(fitted, 0, 255).astype(np.float32), mean_wall.astype(np.float32)


def settle(alpha: Floats) -> Floats:
    """Push almost-nothing to nothing and almost-all to all: a clean wall, an untouched face."""
    settled: Floats = np.clip((alpha - 0.03) / 0.94, 0, 1).astype(np.float32)
    return settled


def compose(rgb: RGB, alpha: Floats, background: tuple[int, int, int]) -> RGB:
    """Return the finished picture as (H, W, 3) YCbCr, ready for the encoder.

    Pixels with alpha 1 are the source's own, pixels with alpha 0 exactly the background.
    """
    ycc = cv2.transform(foreground(rgb, alpha), _TO_YCC_SHIFTED)
    wall = np.array(background_ycc(background), np.float32)
    share = cv2.merge([alpha, alpha, alpha])
    mixed = cv2.multiply(ycc - wall, share) + wall
    finished: RGB = cv2.convertScaleAbs(np.maximum(mixed, 0))  # rounds and clips
    return finished


def as_ycc(rgb: RGB) -> RGB:
    """Return an RGB picture as YCbCr for the encoder (when the background stays)."""
    return np.asarray(Image.fromarray(rgb).convert("YCbCr"), dtype=np.uint8)
