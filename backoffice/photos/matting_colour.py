"""What colour says about the outline: the wall's surface, the plain path's matte, stray scraps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from backoffice.photos.arrays import RGB, Floats
from backoffice.photos.matting_edges import disc

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
    sure = cv2.erode((alpha < 0.05).astype(np.uint8), disc(9))
    height, width = alpha.shape
    step = 4
    lab = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB).astype(np.float32)
    lab[..., 0] *= 100 / 255
    picked = np.zeros_like(sure)
    picked[::step, ::step] = sure[::step, ::step]
    ys, xs = np.nonzero(picked)
    if len(ys) < 60:
        return Wall(np.full((height, width, 3), 255, np.float32), 99.0, 1e6)
    basis = _cubic(xs / width, ys / height)
    lab_fit, *_ = np.linalg.lstsq(basis, lab[ys, xs], rcond=None)
    rms = float(np.sqrt(np.mean(np.sum((lab[ys, xs] - basis @ lab_fit) ** 2, axis=1))))
    if rms >= PLAIN_RMS_LAB:
        return Wall(np.zeros((1, 1, 3), np.float32), rms, 1e6)
    colours = rgb[ys, xs].astype(np.float32)
    fit, *_ = np.linalg.lstsq(basis, colours, rcond=None)
    grid_y, grid_x = np.mgrid[0:height:8, 0:width:8]
    coarse = _cubic(grid_x.ravel() / width, grid_y.ravel() / height) @ fit
    surface = cv2.resize(
        coarse.reshape(*grid_x.shape, 3).astype(np.float32),
        (grid_x.shape[1] * 8, grid_x.shape[0] * 8),
        interpolation=cv2.INTER_LINEAR,
    )[:height, :width]
    # Follow the real wall where it is near: shadows beside the head are no person.
    weight = sure.astype(np.float32)
    rest = (rgb.astype(np.float32) - surface) * weight[..., None]
    near = cv2.blur(weight, (61, 61)) + 0.02
    surface = np.clip(surface + cv2.blur(rest, (61, 61)) / near[..., None], 0, 255)
    variance = float(np.mean((rgb.astype(np.float32) - surface)[sure > 0] ** 2))
    return Wall(surface.astype(np.float32), rms, variance)


def _cubic(x: Any, y: Any) -> Floats:
    x, y = np.asarray(x, np.float32), np.asarray(y, np.float32)
    one = np.ones_like(x)
    columns = [one, x, y, x * x, x * y, y * y, x**3, y**3]
    return np.stack(columns, axis=1).astype(np.float32)


def _fill(colour: Floats, mask: Floats, sizes: tuple[int, ...]) -> Floats:
    """Continue `colour` from where mask is 1: blurred with growing windows until covered."""
    result = np.zeros_like(colour)
    todo = np.ones(mask.shape, np.float32)
    for size in sizes:
        weight = cv2.blur(mask, (size, size))
        value = cv2.blur(colour * mask[..., None], (size, size)) / (weight[..., None] + 1e-4)
        share = todo * np.clip(weight * 8, 0, 1)
        result += value * share[..., None]
        todo -= share
    return result + colour * todo[..., None]


def colour_matte(rgb: RGB, coarse: Floats, wall: Wall) -> Floats:
    """Refine the edge band by where each pixel's colour lies between wall and person."""
    picture = rgb.astype(np.float32)
    core = cv2.erode((coarse > 0.9).astype(np.uint8), disc(7)).astype(np.float32)
    near = cv2.dilate((coarse > 0.5).astype(np.uint8), disc(13)) > 0
    band = near & (core == 0)
    person = _fill(picture, core, (9, 21, 61))
    spread = _fill((picture - person) ** 2, core, (21, 61)).mean(axis=2)
    towards = person - wall.colour
    distance = np.sum(towards**2, axis=2)
    along = np.sum((picture - wall.colour) * towards, axis=2)
    alpha = along / (distance + 1e-3)
    noise = 3 * np.sqrt(wall.variance / (distance + 1.0))
    alpha = np.clip((alpha - noise) / np.maximum(0.92 - noise, 0.1), 0, 1)
    trust = distance / (distance + 60 * wall.variance + 3 * spread + 100)
    # Also keep what is surely no wall although its colour is not the person's inner colour: off the
    # line between both anywhere, on that line (shine on dark hair) only where the network is sure.
    apart = np.sum((picture - wall.colour) ** 2, axis=2)
    aside = np.maximum(apart - along**2 / (distance + 1e-3), 0)
    level = 40 * wall.variance + 900
    solid = np.maximum(
        np.clip(aside / level - 0.5, 0, 1) * np.clip(coarse * 2, 0, 1) * (coarse > 0.4),
        np.clip(apart / level - 0.5, 0, 1) * np.clip((coarse - 0.8) / 0.15, 0, 1),
    )
    mixed = trust * np.maximum(alpha, solid) + (1 - trust) * coarse
    mixed = np.where(band, mixed, np.where(core > 0, 1.0, 0.0)).astype(np.float32)
    # Pinholes where hair or cloth has the wall's colour: closed where the network is sure.
    closed = cv2.morphologyEx(mixed, cv2.MORPH_CLOSE, disc(4))
    sure = np.clip((coarse - 0.88) / 0.1, 0, 1)
    filled: Floats = np.maximum(mixed, closed * sure).astype(np.float32)
    return filled


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
