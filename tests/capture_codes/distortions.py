"""What phones, screens and paper do to a QR code; every one must keep the same meaning.

Codes are drawn with 8 px a module, so a blur of sigma 3.5 smears nearly half a module.
"""

from __future__ import annotations

import io
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

Grey = NDArray[np.uint8]


def _page(code: Grey, width: int, height: int, ground: int = 225) -> Grey:
    page = np.full((height, width), ground, np.uint8)
    y, x = (height - code.shape[0]) // 2, (width - code.shape[1]) // 2
    page[y : y + code.shape[0], x : x + code.shape[1]] = code
    return page


def _around(code: Grey) -> Grey:
    return _page(code, round(code.shape[1] * 1.5), round(code.shape[0] * 1.5))


def _sized(code: Grey, side: int) -> Grey:
    return np.asarray(cv2.resize(code, (side, side), interpolation=cv2.INTER_AREA))


def _turned(code: Grey, degrees: float) -> Grey:
    return np.asarray(
        Image.fromarray(code).rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=225)
    )


def _perspective(code: Grey, share: float) -> Grey:
    page = _around(code)
    n = page.shape[0]
    inset = share * n
    source = np.array([[0, 0], [n, 0], [n, n], [0, n]], np.float32)
    target = np.array([[inset, inset / 2], [n - inset / 2, 0], [n, n], [0, n - inset]], np.float32)
    matrix = cv2.getPerspectiveTransform(source, target)
    return np.asarray(cv2.warpPerspective(page, matrix, (n, n), borderValue=225))


def _blurred(code: Grey, sigma: float) -> Grey:
    return np.asarray(cv2.GaussianBlur(_around(code), (0, 0), sigma))


def moved(code: Grey, length: int, degrees: float) -> Grey:
    kernel = np.zeros((length, length), np.float32)
    kernel[length // 2] = 1 / length
    turn = cv2.getRotationMatrix2D((length / 2 - 0.5, length / 2 - 0.5), degrees, 1)
    kernel = cv2.warpAffine(kernel, turn, (length, length))
    return np.asarray(cv2.filter2D(_around(code), -1, kernel / kernel.sum()))


def _noisy(code: Grey, gain: float, sigma: float) -> Grey:
    noise = np.random.default_rng(3).normal(0, sigma, _around(code).shape)
    return np.clip(_around(code) * gain + noise, 0, 255).astype(np.uint8)


def _jpeg(code: Grey, quality: int) -> Grey:
    out = io.BytesIO()
    Image.fromarray(code).save(out, "JPEG", quality=quality)
    return np.asarray(Image.open(io.BytesIO(out.getvalue())).convert("L"))


def _screen(code: Grey) -> Grey:
    """A photo of a screen: its pixel grid, a slant, a little blur, a reflection."""
    page = _around(code).astype(np.float32)
    y, x = np.mgrid[0 : page.shape[0], 0 : page.shape[1]]
    grid = 1 - 0.18 * ((x % 3 == 0) | (y % 3 == 0))
    shine = 70 * np.exp(-(((x - y * 0.6) / (page.shape[1] * 0.12)) ** 2))
    picture = np.clip(page * grid + shine, 0, 255).astype(np.uint8)
    return np.asarray(cv2.GaussianBlur(_turned(_perspective(picture, 0.05), 4), (0, 0), 1.0))


def _shaded(code: Grey) -> Grey:
    page = _around(code).astype(np.float32)
    shade = np.linspace(0.15, 1.0, page.shape[1], dtype=np.float32)[None, :]
    return (page * shade).astype(np.uint8)


def _stained(code: Grey) -> Grey:
    page = _around(code).copy()
    n = page.shape[0]
    cv2.circle(page, (round(n * 0.6), round(n * 0.58)), round(code.shape[0] * 0.06), 90, -1)
    return page


def _bent(code: Grey) -> Grey:
    """A poster around a column."""
    page = _around(code)
    n = page.shape[0]
    y, x = np.mgrid[0:n, 0:n].astype(np.float32)
    bow = np.sin(x / n * np.pi) * n * 0.03
    return np.asarray(cv2.remap(page, x, y - bow, cv2.INTER_LINEAR, borderValue=225))


DISTORTIONS: dict[str, Callable[[Grey], Grey]] = {
    "as drawn": lambda c: c,
    "turned 17": lambda c: _turned(c, 17),
    "turned 90": lambda c: np.rot90(_around(c)).copy(),
    "turned 180": lambda c: _around(c)[::-1, ::-1].copy(),
    "white on black": lambda c: 255 - _around(c),
    "mirrored": lambda c: np.asarray(ImageOps.mirror(Image.fromarray(_around(c)))),
    "perspective 10 %": lambda c: _perspective(c, 0.10),
    "perspective 20 %": lambda c: _perspective(c, 0.20),
    "blur 2": lambda c: _blurred(c, 2.0),
    "blur 3.5": lambda c: _blurred(c, 3.5),
    "moved 12 px": lambda c: moved(c, 13, 30),
    "moved 16 px": lambda c: moved(c, 17, 0),
    "jpeg 12": lambda c: _jpeg(_around(c), 12),
    "dark and noisy": lambda c: _noisy(c, 0.12, 3.0),
    "shaded": _shaded,
    "photo of a screen": _screen,
    "stained": _stained,
    "bent": _bent,
    "small in 12 MP": lambda c: _jpeg(_page(_sized(c, 760), 4000, 3000, 150), 80),
}


def grey(png: bytes) -> Grey:
    """Return a drawn code as a grey array."""
    return np.asarray(Image.open(io.BytesIO(png)).convert("L"))


def saved(picture: Grey) -> bytes:
    """Return the picture as PNG."""
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "PNG", compress_level=1)
    return out.getvalue()
