"""The outline drawn along the picture's own edges: a guided filter (He et al. 2010)."""

from __future__ import annotations

import cv2
import numpy as np

from backoffice.photos.arrays import RGB, Floats

_RADIUS, _EPSILON = 7, 2e-4  # window of the local fit, at half the size; what counts as flat


def disc(radius: int) -> RGB:
    """Return a round structuring element."""
    shape: RGB = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return shape


def grown(mask: RGB, radius: int) -> RGB:
    """Return a mask (0, 1) about `radius` pixels wider; reckoned at half the size: a fifth of the time."""
    return _at_half(mask, cv2.MORPH_DILATE, radius)


def shrunk(mask: RGB, radius: int) -> RGB:
    """Return a mask (0, 1) about `radius` pixels narrower, as `grown` does."""
    return _at_half(mask, cv2.MORPH_ERODE, radius)


def _at_half(mask: RGB, operation: int, radius: int) -> RGB:
    # Of each two by two the wider (or narrower): else a strand in an odd column would be lost.
    blocks = cv2.dilate if operation == cv2.MORPH_DILATE else cv2.erode
    near = blocks(mask, np.ones((2, 2), np.uint8), anchor=(0, 0))
    small = cv2.morphologyEx(
        np.ascontiguousarray(near[::2, ::2]), operation, disc((radius + 1) // 2)
    )
    wide: RGB = cv2.resize(small, mask.shape[::-1], interpolation=cv2.INTER_NEAREST)
    return wide


def snap_to_edges(rgb: RGB, alpha: Floats) -> Floats:
    """Guided filter (He et al. 2010) with the colour picture as guide, in a band at the edge."""
    inner = shrunk((alpha > 0.95).astype(np.uint8), 8)
    outer = grown((alpha > 0.05).astype(np.uint8), 4) == 0
    settled = np.where(outer, np.uint8(0), np.uint8(255) * inner)
    band = np.flatnonzero((inner == 0) & ~outer)
    refined = (_guided(rgb, alpha, band) - 0.22) / 0.58
    settled.reshape(-1)[band] = 255 * np.clip(refined, 0, 1)
    # Texture of the old background leaves specks on the outline: a small median takes them away.
    return cv2.medianBlur(settled, 3).astype(np.float32) * np.float32(1 / 255)


def _guided(rgb: RGB, plane: Floats, band: Floats) -> Floats:
    """Return the filtered plane at the flat indices `band`.

    The fast variant (He and Sun 2015): the local fit at half the size, applied at full size.
    """
    size = (plane.shape[1], plane.shape[0])
    half = (size[0] // 2, size[1] // 2)
    small = cv2.resize(rgb, half, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    target = cv2.resize(plane, half, interpolation=cv2.INTER_AREA)
    near = np.zeros(plane.shape, np.uint8)
    near.reshape(-1)[band] = 1
    few = cv2.resize(near, half, interpolation=cv2.INTER_NEAREST)
    where = np.flatnonzero(cv2.dilate(few, np.ones((_RADIUS + 2, _RADIUS + 2), np.uint8)))
    fit = np.zeros((half[1], half[0], 4), np.float32)
    fit.reshape(-1, 4)[where] = _local_fit(small, target, where)
    wide = cv2.resize(_mean(fit), size, interpolation=cv2.INTER_LINEAR).reshape(-1, 4)[band]
    guide = rgb.reshape(-1, 3)[band].astype(np.float32) / 255
    filtered: Floats = np.einsum("ij,ij->i", wide[:, :3], guide) + wide[:, 3]
    return filtered


def _mean(values: Floats) -> Floats:
    out: Floats = cv2.blur(values, (_RADIUS, _RADIUS))
    return out


def _local_fit(guide: Floats, plane: Floats, where: Floats) -> Floats:
    """Return slope (3) and offset of the plane over the guide around the flat indices `where`."""
    red, green, blue = cv2.split(guide)
    squares = cv2.merge([red * red, red * green, red * blue, green * green])
    others = cv2.merge([green * blue, blue * blue])
    shared = _mean(cv2.multiply(guide, cv2.merge([plane] * 3))).reshape(-1, 3)[where]
    m_guide = _mean(guide).reshape(-1, 3)[where]
    m_plane = _mean(plane).reshape(-1)[where]
    moments = np.hstack([_mean(squares).reshape(-1, 4)[where], _mean(others).reshape(-1, 2)[where]])
    r, g, b = m_guide.T
    spread = moments.T - np.stack([r * r, r * g, r * b, g * g, g * b, b * b])
    slope = _solve_symmetric(spread, (shared - m_guide * m_plane[:, None]).T, _EPSILON)
    offset = m_plane - np.einsum("ij,ji->j", slope, m_guide)
    return np.vstack([slope, offset[None]]).T


def _solve_symmetric(m: Floats, right: Floats, epsilon: float) -> Floats:
    """Solve symmetric 3x3 systems by their adjugates: a tenth of LAPACK's time here.

    m: the upper triangles by rows, (6, N), `epsilon` still to be added; right: (3, N).
    """
    a, b, c, d, e, f = m
    a, d, f = a + epsilon, d + epsilon, f + epsilon
    x, y, z = right
    aa, bb, cc = d * f - e * e, c * e - b * f, b * e - c * d
    dd, ee, ff = a * f - c * c, b * c - a * e, a * d - b * b
    determinant = a * aa + b * bb + c * cc
    rows = (aa * x + bb * y + cc * z, bb * x + dd * y + ee * z, cc * x + ee * y + ff * z)
    solved: Floats = np.stack(rows) / determinant
    return solved
