"""What colour says about the outline: the wall's surface, the plain path's matte, stray scraps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from backoffice.photos.arrays import RGB, Floats
from backoffice.photos.matting_edges import disc, grown, shrunk

PLAIN_RMS_LAB = 5.5  # a wall smoother than this is plain (measured gate)
_SCRAP_REACH = 13  # half-size frame pixels: how deep inside the outline a scrap may reach
_VIVID = 6  # sixteenths of the range between the strongest and the weakest channel


@dataclass(frozen=True)
class Wall:
    """The wall's fitted surface; `rms`: Lab units off it; `variance`: of the colours around it."""

    colour: Floats  # (H, W, 3) RGB 0..255, the wall continued behind the person
    rms: float
    variance: float


def smooth_wall(rgb: RGB, alpha: Floats) -> Wall:
    """Fit a cubic surface to the sure background; its Lab residual tells plain from clutter."""
    sure = shrunk((alpha < 0.05).astype(np.uint8), 9)
    height, width = alpha.shape
    step = 6
    few = rgb[::step, ::step]
    ys, xs = np.nonzero(sure[::step, ::step])
    if len(ys) < 60:
        return Wall(np.full((height, width, 3), 255, np.float32), 99.0, 1e6)
    lab = cv2.cvtColor(np.ascontiguousarray(few), cv2.COLOR_RGB2LAB)[ys, xs].astype(np.float64)
    lab[:, 0] *= 100 / 255
    basis = _cubic(xs * step / width, ys * step / height)
    normal = basis.T @ basis + 1e-6 * np.eye(basis.shape[1])
    residual = lab - basis @ np.linalg.solve(normal, basis.T @ lab)
    rms = float(np.sqrt(np.mean(np.sum(residual**2, axis=1))))
    if rms >= PLAIN_RMS_LAB:
        return Wall(np.zeros((1, 1, 3), np.float32), rms, 1e6)
    fit = np.linalg.solve(normal, basis.T @ few[ys, xs].astype(np.float64))
    surface, variance = _follow(rgb, sure, fit)
    return Wall(surface, rms, variance)


def _follow(rgb: RGB, sure: RGB, fit: Floats) -> tuple[Floats, float]:
    """Return the fitted surface bent to the real wall where that is near, at full size.

    So that a shadow beside the head is no person. Computed at a quarter of the size: it is smooth.
    Also returns the variance of the wall's colours around it.
    """
    height, width = sure.shape
    small = cv2.resize(rgb, (width // 4, height // 4), interpolation=cv2.INTER_AREA)
    small = small.astype(np.float32)
    weight = cv2.resize(sure, small.shape[1::-1], interpolation=cv2.INTER_NEAREST)
    weight = weight.astype(np.float32)
    surface = _surface(small.shape[:2], fit)
    near = cv2.blur(weight, (15, 15)) + 0.02
    bent = cv2.blur((small - surface) * weight[..., None], (15, 15)) / near[..., None]
    near_wall = np.clip(surface + bent, 0, 255)
    wide = cv2.resize(near_wall, (width, height), interpolation=cv2.INTER_LINEAR)
    there = np.nonzero(sure[::3, ::3])
    off = rgb[::3, ::3][there].astype(np.float32) - wide[::3, ::3][there]
    return wide, float(np.mean(off**2))


def _cubic(x: Any, y: Any) -> Floats:
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    one = np.ones_like(x)
    columns = [one, x, y, x * x, x * y, y * y, x**3, y**3]
    return np.stack(columns, axis=1).astype(np.float64)


def _surface(size: tuple[int, int], fit: Floats) -> Floats:
    """Return the cubic of `_cubic` over a whole plane (H, W, 3): its mixed term is one of eight."""
    y, x = (((np.arange(n) + 0.5) / n)[:, None] for n in size)
    rows = _cubic(np.zeros(len(y)), y.ravel()) @ fit
    columns = _cubic(x.ravel(), np.zeros(len(x))) @ fit - fit[0]
    mixed = (y * x.T)[..., None] * fit[4]
    surface: Floats = (rows[:, None] + columns[None] + mixed).astype(np.float32)
    return surface


def _fill(colour: Floats, mask: Floats, sizes: tuple[int, ...]) -> Floats:
    """Continue a plane, or the planes of a colour, from where mask is 1 outwards.

    Blurred with growing windows until everything is covered.
    """
    wide = _planes(colour)
    result = np.zeros_like(colour)
    todo = np.ones(mask.shape, np.float32)
    known = cv2.multiply(colour, wide(mask))
    for size in sizes:
        weight = cv2.blur(mask, (size, size))
        share = cv2.multiply(todo, np.minimum(weight * 8, 1))
        near = cv2.blur(known, (size, size))
        cv2.accumulateProduct(near, wide(share / (weight + 1e-4)), result)
        todo -= share
    filled: Floats = cv2.accumulateProduct(colour, wide(todo), result)
    return filled


def _planes(colour: Floats) -> Callable[[Floats], Floats]:
    """Return what makes one plane as many as `colour` has."""
    return (lambda plane: cv2.merge([plane] * 3)) if colour.ndim == 3 else (lambda plane: plane)


def _inner_colours(rgb: RGB, core: RGB) -> tuple[Floats, Floats]:
    """Return the person's colours continued outwards, and how much they vary; made at half size."""
    size = (core.shape[1], core.shape[0])
    half = (size[0] // 2, size[1] // 2)
    small = cv2.resize(rgb, half, interpolation=cv2.INTER_AREA).astype(np.float32)
    inner = cv2.resize(core, half, interpolation=cv2.INTER_NEAREST).astype(np.float32)
    person = _fill(small, inner, (5, 11, 31))
    off = small - person
    spread = _fill(np.einsum("ijk,ijk->ij", off, off) / 3, inner, (11, 31))
    return (
        cv2.resize(person, size, interpolation=cv2.INTER_LINEAR),
        cv2.resize(spread, size, interpolation=cv2.INTER_LINEAR),
    )


def colour_matte(rgb: RGB, coarse: Floats, wall: Wall) -> Floats:
    """Refine the edge band by where each pixel's colour lies between wall and person."""
    core = shrunk((coarse > 0.9).astype(np.uint8), 7)
    near = grown((coarse > 0.5).astype(np.uint8), 13)
    band = np.flatnonzero((near > 0) & (core == 0))
    person, spread = _inner_colours(rgb, core)
    mixed = core.astype(np.float32)
    behind = wall.colour.reshape(-1, 3)[band]
    mixed.reshape(-1)[band] = _share_of_person(
        rgb.reshape(-1, 3)[band].astype(np.float32) - behind,
        person.reshape(-1, 3)[band] - behind,
        spread.reshape(-1)[band],
        coarse.reshape(-1)[band],
        wall.variance,
    )
    # Pinholes where hair or cloth has the wall's colour: closed where the network is sure.
    closed = cv2.morphologyEx((255 * mixed).astype(np.uint8), cv2.MORPH_CLOSE, disc(4))
    flat = mixed.reshape(-1)
    sure = np.clip((coarse.reshape(-1)[band] - 0.88) / 0.1, 0, 1)
    flat[band] = np.maximum(flat[band], closed.reshape(-1)[band] * sure / 255)
    return mixed


def _share_of_person(
    off_wall: Floats, towards: Floats, spread: Floats, coarse: Floats, variance: float
) -> Floats:
    """Return alpha of single pixels, (N,).

    off_wall: the pixel's colour minus the wall's there; towards: the person's minus the wall's.
    """
    distance = np.einsum("ij,ij->i", towards, towards)
    along = np.einsum("ij,ij->i", off_wall, towards)
    alpha = along / (distance + 1e-3)
    noise = 3 * np.sqrt(variance / (distance + 1.0))
    alpha = np.clip((alpha - noise) / np.maximum(0.92 - noise, 0.1), 0, 1)
    trust = distance / (distance + 60 * variance + 3 * spread + 100)
    # Also keep what is surely no wall although its colour is not the person's inner colour: off the
    # line between both anywhere, on that line (shine on dark hair) only where the network is sure.
    apart = np.einsum("ij,ij->i", off_wall, off_wall)
    aside = np.maximum(apart - along**2 / (distance + 1e-3), 0)
    level = 40 * variance + 900
    solid = np.maximum(
        np.clip(aside / level - 0.5, 0, 1) * np.clip(coarse * 2, 0, 1) * (coarse > 0.4),
        np.clip(apart / level - 0.5, 0, 1) * np.clip((coarse - 0.8) / 0.15, 0, 1),
    )
    share: Floats = trust * np.maximum(alpha, solid) + (1 - trust) * coarse
    return share


def without_scraps(rgb: RGB, alpha: Floats) -> Floats:
    """Take from the outline what has a colour the background is full of and the person has not.

    Scraps of lettering or lamps beside the hair, which both networks took for hair. A colour the
    person wears anywhere, or one as rare behind as in front, is left alone.
    """
    half = cv2.resize(rgb, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    matte = cv2.resize(alpha, half.shape[1::-1], interpolation=cv2.INTER_AREA)
    bins = half.astype(np.int32) >> 4
    codes = (bins[..., 0] << 8) | (bins[..., 1] << 4) | bins[..., 2]
    inner = cv2.erode((matte > 0.5).astype(np.uint8), disc(_SCRAP_REACH)) > 0
    outer = cv2.dilate((matte > 0.2).astype(np.uint8), disc(3)) == 0
    if inner.sum() < 500 or outer.sum() < 500:
        return alpha
    ours, theirs = _frequency(codes[inner]), _frequency(codes[outer])
    suspect = (theirs > 4e-4) & (theirs > 40 * ours)
    vivid = np.ptp(bins, axis=2) >= _VIVID  # pale hair and shine may look like any wall
    strange = (suspect[codes] & vivid & (matte > 0.05) & ~inner).astype(np.uint8)
    strange = cv2.morphologyEx(strange, cv2.MORPH_OPEN, disc(1))
    if not strange.any():
        return alpha
    scraps = cv2.GaussianBlur(cv2.dilate(strange, disc(1)).astype(np.float32), (0, 0), 1.0)
    wide = cv2.resize(scraps, alpha.shape[::-1], interpolation=cv2.INTER_LINEAR)
    rest: Floats = (alpha * (1 - np.clip(1.5 * wide, 0, 1))).astype(np.float32)
    return rest


def _frequency(codes: Any) -> Floats:
    """Return how frequent each colour (16 steps a channel) is, neighbours counted in."""
    counts = np.bincount(codes, minlength=4096).reshape(16, 16, 16).astype(np.float32)
    for axis in range(3):
        padded = np.pad(counts, [(1, 1) if i == axis else (0, 0) for i in range(3)])
        low, mid, high = (padded.take(np.arange(k, k + 16), axis=axis) for k in range(3))
        counts = 0.25 * low + 0.5 * mid + 0.25 * high
    frequency: Floats = counts.reshape(-1) / max(len(codes), 1)
    return frequency
