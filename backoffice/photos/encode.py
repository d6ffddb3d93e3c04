"""The JPEG: baseline, the standard's dpi, no EXIF, and a size within the standard's range.

4:4:4 first: at equal size its edges are a fifth better than 4:2:0 (FEASIBILITY section 5).
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from backoffice.photos.standards import Standard

START_QUALITY = 86
TOP_QUALITY = 98
LOWEST_QUALITY = 30


@dataclass(frozen=True)
class Encoded:
    """A finished file, its JPEG quality and how many encodes the search took."""

    data: bytes
    quality: int
    subsampling: int
    tries: int


def _save(picture: Image.Image, quality: int, subsampling: int, dpi: int) -> bytes:
    out = io.BytesIO()
    picture.save(
        out,
        "JPEG",
        quality=quality,
        subsampling=subsampling,
        dpi=(dpi, dpi),
        optimize=True,
        progressive=False,
    )
    return out.getvalue()


def encode(ycc: NDArray[np.uint8], standard: Standard) -> Encoded:
    """Return the JPEG of a YCbCr picture with its size in the standard's range where possible.

    Looks for the preferred size at a quality of at least `min_quality`; then any size within the
    limits; then lower quality. The same picture always gives the same bytes.
    """
    picture = Image.fromarray(ycc, mode="YCbCr")
    tried: dict[tuple[int, int], bytes] = {}

    def at(quality: int, subsampling: int) -> int:
        key = (quality, subsampling)
        if key not in tried:
            tried[key] = _save(picture, quality, subsampling, standard.dpi)
        return len(tried[key])

    def done(quality: int, subsampling: int) -> Encoded:
        at(quality, subsampling)
        return Encoded(tried[quality, subsampling], quality, subsampling, len(tried))

    low, high = standard.preferred_bytes
    for subsampling in (0, 2):
        quality = _largest_within(lambda q, s=subsampling: at(q, s), high, standard.min_quality)
        if quality is not None and at(quality, subsampling) >= low:
            return done(quality, subsampling)
        if quality == TOP_QUALITY:  # a very smooth picture: the best there is
            best = 100 if at(TOP_QUALITY, subsampling) < standard.min_bytes else TOP_QUALITY
            return done(best, subsampling)
        if quality is not None:
            return done(quality, subsampling)
    for quality in range(standard.min_quality, LOWEST_QUALITY - 1, -5):
        if at(quality, 2) <= standard.max_bytes:
            break
    return done(quality, 2)


def _largest_within(size_at: object, high: int, lowest: int) -> int | None:
    """Return the highest quality whose size stays within `high`, None if even `lowest` exceeds it."""
    assert callable(size_at)
    below, above = lowest - 1, TOP_QUALITY + 1
    quality = START_QUALITY
    while above - below > 1:
        if size_at(quality) <= high:
            below = quality
            if size_at(quality) >= 0.93 * high:
                break
        else:
            above = quality
        ratio = high / size_at(quality)
        step = max(1, round(abs(ratio - 1) * 25))
        quality = quality + step if ratio >= 1 else quality - step
        quality = min(max(quality, below + 1), above - 1)
    return below if below >= lowest else None
