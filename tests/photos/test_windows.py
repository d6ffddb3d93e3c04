"""A picture through a window: in place, to scale, whatever way it is looked at."""

from __future__ import annotations

import math

import numpy as np
import pytest

from backoffice.photos.face_patches import cut_patch
from backoffice.photos.windows import Crop, glance, move_plane, reduced, resample


def test_resample_neither_stretches_nor_shifts():
    yy, xx = np.mgrid[0:400, 0:500]
    rgb = np.stack([xx % 256, yy % 256, np.zeros_like(xx)], axis=2).astype(np.uint8)
    out = resample(rgb, Crop(0.5, 100.25, 40.0), (100, 150))
    assert out.shape == (150, 100, 3)
    expected = 100.25 + (np.arange(10, 70) + 0.5) / 0.5 - 0.5
    assert np.abs(out[50, 10:70, 0] - expected).max() < 1.2


def test_a_plane_follows_its_window():
    plane = np.zeros((80, 60), np.float32)
    plane[20:40, 10:30] = 1
    moved = move_plane(plane, Crop(1.0, 5.0, 7.0), Crop(2.0, 5.0, 7.0), (120, 160))
    assert moved[42:78, 22:58].min() > 0.95
    assert moved[:38].max() < 0.05
    assert moved[:, 62:].max() < 0.05


@pytest.mark.parametrize("scale", [0.3, 0.5, 0.9, 1.7])
def test_the_quick_look_shows_the_same_window(scale: float):
    yy, xx = np.mgrid[0:800, 0:900].astype(np.float32)
    waves = np.stack([np.sin(xx / 25), np.cos(yy / 30), np.sin((xx + yy) / 40)], axis=2)
    rgb = (127 + 100 * waves).astype(np.uint8)
    crop = Crop(scale, 120.3, 60.7)
    size = (int(500 * scale), int(600 * scale))
    exact, quick = resample(rgb, crop, size).astype(int), glance(rgb, crop, size).astype(int)
    assert np.abs(exact - quick)[4:-4, 4:-4].mean() < 1.5


@pytest.mark.parametrize("scale", [0.34, 0.5, 0.55, 0.59])
def test_the_quick_look_averages_noise_away(scale: float):
    """As far as its pixels are larger, whatever their size: the wall's texture is judged in it."""
    rng = np.random.default_rng(1)
    rgb = np.clip(rng.normal(128, 20, (900, 900, 3)), 0, 255).astype(np.uint8)
    seen = glance(rgb, Crop(scale, 0.0, 0.0), (int(850 * scale), int(850 * scale)))
    assert seen[8:-8, 8:-8].astype(float).std() < 20 * scale * 1.1


@pytest.mark.parametrize("roll", [0.0, 12.0])
@pytest.mark.parametrize("scale", [0.8, 1.6, 2.4, 3.0, 5.7])
def test_a_patch_lies_where_its_map_says(scale: float, roll: float):
    """The place of a small dot in the patch, mapped back, is the dot's place in the picture."""
    yy, xx = np.mgrid[0:900, 0:900].astype(np.float32)
    dot = np.array([470.3, 430.8])
    spot = 255 * np.exp(-((xx - dot[0]) ** 2 + (yy - dot[1]) ** 2) / (2 * (2 * scale) ** 2))
    rgb = np.repeat(spot.astype(np.uint8)[..., None], 3, axis=2)
    patch, back = cut_patch(rgb, np.array([450.0, 440.0]), 64 * scale, roll, 64)
    weight = patch[..., 0].astype(float)
    rows, columns = np.mgrid[0:64, 0:64]
    seen = np.array([(weight * columns).sum(), (weight * rows).sum()]) / weight.sum()
    assert math.dist(back[:, :2] @ seen + back[:, 2], dot) < 0.12 * scale


@pytest.mark.parametrize("by", [1, 2, 3, 4, 6, 7])
def test_reduced_is_the_mean_of_whole_blocks(by: int):
    rgb = np.random.default_rng(4).integers(0, 256, (30, 23, 3), np.uint8)
    rows, columns = 30 // by, 23 // by
    blocks = rgb[: rows * by, : columns * by].reshape(rows, by, columns, by, 3)
    assert np.abs(reduced(rgb, by) - blocks.mean(axis=(1, 3))).max() <= 1.5
    assert reduced(rgb, 40) is rgb
