"""Bringing back a QR code that was out of focus or moved: Wiener filters, cheapest guess first.

A QR code carries its own proof (error correction), so a wrong guess reads nothing rather than
something else.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
Reals = NDArray[np.float32]

SIDE_MAX = 1000  # pixels; larger pictures are reduced first, and their blur with them
BORDER = 24  # pixels repeated around the picture: the transform takes it for a tile
FOCUS_SIGMAS = (3.0, 2.0)  # pixels
MOTION_LENGTHS = (16, 12, 8, 22)  # pixels
FOCUS_NOISE, MOTION_NOISE = 2e-3, 1e-2  # share of the signal; more is smoother
MOTION_RATIO = 1.25  # gradients across to along a motion; below, nothing has moved


def deblurred(picture: Grey) -> Iterator[Grey]:
    """Yield sharpened variants of a grey picture: against motion if there was any, against focus.

    The direction of a motion is where the gradients are weakest: a code has as many edges along
    one of its sides as along the other.
    """
    small = _reduced(picture)
    spectrum = _Spectrum(small)
    ratio, angle = motion(small)
    moved = ratio > MOTION_RATIO
    if not moved:
        yield from (spectrum.without_focus_blur(sigma) for sigma in FOCUS_SIGMAS)
    yield from (spectrum.without_motion(length, angle) for length in MOTION_LENGTHS if moved)
    if moved:
        yield spectrum.without_focus_blur(FOCUS_SIGMAS[0])


def motion(picture: Grey) -> tuple[float, float]:
    """Return how much weaker gradients are along the weakest direction (1 = not), and its angle.

    Radians from the x axis, y down.
    """
    dx = cv2.Sobel(picture, cv2.CV_32F, 1, 0).ravel()
    dy = cv2.Sobel(picture, cv2.CV_32F, 0, 1).ravel()
    xx, yy, xy = float(dx @ dx), float(dy @ dy), float(dx @ dy)
    values, vectors = np.linalg.eigh(np.array([[xx, xy], [xy, yy]]))
    weakest = vectors[:, 0]
    return float(np.sqrt(values[1] / max(values[0], 1e-6))), float(np.arctan2(*weakest[::-1]))


class _Spectrum:
    """A picture's transform, made once; every filter is real because every blur is symmetric."""

    def __init__(self, picture: Grey) -> None:
        height, width = picture.shape
        self._size = (height, width)
        down = cv2.getOptimalDFTSize(height + 2 * BORDER) - height - BORDER
        right = cv2.getOptimalDFTSize(width + 2 * BORDER) - width - BORDER
        tile = cv2.copyMakeBorder(picture, BORDER, down, BORDER, right, cv2.BORDER_REPLICATE)
        self._shape = tile.shape
        self._values = np.fft.rfft2(tile.astype(np.float32))
        self._fy = np.fft.fftfreq(tile.shape[0]).astype(np.float32)[:, None]
        self._fx = np.fft.rfftfreq(tile.shape[1]).astype(np.float32)[None, :]

    def without_focus_blur(self, sigma: float) -> Grey:
        square = np.float32(-2 * np.pi**2 * sigma**2)
        blur = np.exp(square * self._fy**2) * np.exp(square * self._fx**2)
        return self._filtered(blur, FOCUS_NOISE)

    def without_motion(self, length: int, angle: float) -> Grey:
        along = np.float32(np.cos(angle)) * self._fx + np.float32(np.sin(angle)) * self._fy
        return self._filtered(np.sinc(length * along), MOTION_NOISE)

    def _filtered(self, blur: Reals, noise: float) -> Grey:
        wiener = blur / (blur * blur + np.float32(noise))
        tile = np.fft.irfft2(self._values * wiener, self._shape)
        height, width = self._size
        inner = tile[BORDER : BORDER + height, BORDER : BORDER + width]
        return np.clip(inner, 0, 255).astype(np.uint8)


def _reduced(picture: Grey) -> Grey:
    scale = SIDE_MAX / max(picture.shape)
    if scale >= 1:
        return picture
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
