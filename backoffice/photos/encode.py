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

START_QUALITY = 82
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


class _Search:
    """Encodes one picture at a quality and subsampling once, however often it is asked."""

    def __init__(self, picture: Image.Image, dpi: int) -> None:
        self._picture, self._dpi = picture, dpi
        self._files: dict[tuple[int, int], bytes] = {}

    def size(self, quality: int, subsampling: int) -> int:
        return len(self._file(quality, subsampling))

    def done(self, quality: int, subsampling: int) -> Encoded:
        data = self._file(quality, subsampling)
        return Encoded(data, quality, subsampling, len(self._files))

    def _file(self, quality: int, subsampling: int) -> bytes:
        key = quality, subsampling
        if key not in self._files:
            self._files[key] = _save(self._picture, quality, subsampling, self._dpi)
        return self._files[key]


def encode(ycc: NDArray[np.uint8], standard: Standard) -> Encoded:
    """Return the JPEG of a YCbCr picture with its size in the standard's range where possible.

    The highest quality within the preferred size, 4:4:4 before 4:2:0; only a picture too busy for
    either goes below `min_quality`. The same picture always gives the same bytes.
    """
    search = _Search(Image.fromarray(ycc, mode="YCbCr"), standard.dpi)
    for subsampling in (0, 2):
        quality = _highest_within(search, subsampling, standard)
        if quality is None:
            continue
        if quality == TOP_QUALITY and search.size(quality, subsampling) < standard.min_bytes:
            quality = 100  # a very smooth picture: the size has a lower limit too
        return search.done(quality, subsampling)
    quality = standard.min_quality
    while quality > LOWEST_QUALITY and search.size(quality, 2) > standard.max_bytes:
        quality -= 5
    return search.done(quality, 2)


def _highest_within(search: _Search, subsampling: int, standard: Standard) -> int | None:
    """Return about the highest quality within the preferred size, None if it would be too low.

    Steps by how far the size is off, then halves: two or three encodes as a rule.
    """
    high = standard.preferred_bytes[1]
    below, above = standard.min_quality - 1, TOP_QUALITY + 1
    quality = START_QUALITY
    while above - below > 1:
        size = search.size(quality, subsampling)
        if size <= high:
            below = quality
            if size >= 0.93 * high:
                break
        else:
            above = quality
        step = max(1, round(abs(high / size - 1) * 45))
        quality += step if size <= high else -step
        if not below < quality < above:
            quality = (below + above) // 2
    return below if below >= standard.min_quality else None
