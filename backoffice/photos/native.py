"""A small patch in the camera's own pixels, without decoding the whole picture.

A screen's or print's grid is gone in a scaled decode. The rows below the patch are not decoded: the
header copy handed to libjpeg says the picture ends there. Brightness only.
"""

from __future__ import annotations

import io

import cv2
import numpy as np
from PIL import Image

from backoffice.photos.arrays import RGB
from backoffice.photos.reading import Decoded

_BASELINE = (b"\xff\xc0", b"\xff\xc1")


def native_patch(
    data: bytes, picture: Decoded, turns: int, centre: tuple[float, float], side: int
) -> RGB | None:
    """Return a grey square (side, side) around `centre`, smaller at the picture's edge.

    centre: in pixels of `picture.rgb`, which lies `turns` quarter turns clockwise from the decoded
    picture. None where it could only be had by decoding everything again (a progressive JPEG).
    """
    if picture.scale >= 1:
        return _cut(cv2.cvtColor(picture.rgb, cv2.COLOR_RGB2GRAY), centre, side)
    height, width = picture.rgb.shape[:2]
    u, v = centre[0] / width, centre[1] / height
    for _ in range(turns % 4):
        u, v = v, 1 - u
    u, v = stored_place(u, v, picture.orientation)
    full_width, full_height = picture.original_size
    bottom = min(full_height, int(v * full_height) + side // 2 + 1)
    shortened = _shorten(data, bottom)
    if shortened is None:
        return None
    try:
        with Image.open(io.BytesIO(shortened), formats=("JPEG",)) as image:
            image.draft("L", image.size)
            left, top = _corner(image.size, (u * full_width, v * full_height), side)
            cut = image.crop((left, top, min(left + side, image.width), min(top + side, bottom)))
            grey: RGB = np.asarray(cut.convert("L"))
            return grey
    except (OSError, SyntaxError, ValueError):
        return None


def stored_place(u: float, v: float, orientation: int) -> tuple[float, float]:
    """Return where a point (0..1) of the upright picture lies in the stored one (EXIF 1..8)."""
    places = {
        2: (1 - u, v),
        3: (1 - u, 1 - v),
        4: (u, 1 - v),
        5: (v, u),
        6: (v, 1 - u),
        7: (1 - v, 1 - u),
        8: (1 - v, u),
    }
    return places.get(orientation, (u, v))


def _cut(grey: RGB, centre: tuple[float, float], side: int) -> RGB:
    x0, y0 = _corner((grey.shape[1], grey.shape[0]), centre, side)
    return grey[y0 : y0 + side, x0 : x0 + side]


def _corner(size: tuple[int, int], centre: tuple[float, float], side: int) -> tuple[int, int]:
    """Return the upper left corner of the square around `centre`, moved into a picture of `size`."""
    left, top = (
        int(min(max(middle - side / 2, 0), max(length - side, 0)))
        for middle, length in zip(centre, size, strict=True)
    )
    return left, top


def _shorten(data: bytes, rows: int) -> bytes | None:
    """Return the JPEG with its height declared as `rows`, None if it is not a baseline one.

    Walks the marker segments (ITU-T T.81 annex B) as far as the frame header.
    """
    at = 2
    while at + 9 < len(data):
        if data[at] != 0xFF:
            return None
        if data[at : at + 2] in _BASELINE:
            return data[: at + 5] + rows.to_bytes(2, "big") + data[at + 7 :]
        if 0xC0 <= data[at + 1] <= 0xCF and data[at + 1] not in (0xC4, 0xC8, 0xCC):
            return None
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None
