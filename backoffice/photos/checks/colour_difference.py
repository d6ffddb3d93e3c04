"""CIEDE2000, the difference of colours as people see it."""

from __future__ import annotations

import math

import numpy as np

from backoffice.photos.arrays import Floats


def ciede2000(lab: Floats, other: Floats) -> Floats:
    """Return the CIEDE2000 difference of (N, 3) Lab colours to one Lab colour (CIE 142:2001)."""
    light, a, b = (lab[..., i].astype(np.float64) for i in range(3))
    light2, a2, b2 = (float(v) for v in other)
    mean_c = (np.hypot(a, b) + math.hypot(a2, b2)) / 2
    gain = 1.5 - 0.5 * np.sqrt(mean_c**7 / (mean_c**7 + 25.0**7))
    c1, c2 = np.hypot(a * gain, b), np.hypot(a2 * gain, b2)
    h1, h2 = np.arctan2(b, a * gain) % (2 * np.pi), np.arctan2(b2, a2 * gain) % (2 * np.pi)
    turn = h2 - h1
    turn = np.where(turn > np.pi, turn - 2 * np.pi, np.where(turn < -np.pi, turn + 2 * np.pi, turn))
    gray = c1 * c2 == 0
    turn = np.where(gray, 0.0, turn)
    delta_h = 2 * np.sqrt(c1 * c2) * np.sin(turn / 2)
    mean_h = np.where(gray, h1 + h2, (h1 + h2) / 2)
    wraps = (np.abs(h1 - h2) > np.pi) & ~gray
    mean_h = np.where(wraps, np.where(h1 + h2 < 2 * np.pi, mean_h + np.pi, mean_h - np.pi), mean_h)
    mean_l, chroma = (light + light2) / 2, (c1 + c2) / 2
    t = (
        1
        - 0.17 * np.cos(mean_h - np.pi / 6)
        + 0.24 * np.cos(2 * mean_h)
        + 0.32 * np.cos(3 * mean_h + np.deg2rad(6))
        - 0.20 * np.cos(4 * mean_h - np.deg2rad(63))
    )
    s_l = 1 + 0.015 * (mean_l - 50) ** 2 / np.sqrt(20 + (mean_l - 50) ** 2)
    s_c, s_h = 1 + 0.045 * chroma, 1 + 0.015 * chroma * t
    theta = np.deg2rad(30) * np.exp(-(((np.rad2deg(mean_h) - 275) / 25) ** 2))
    rotate = -2 * np.sqrt(chroma**7 / (chroma**7 + 25.0**7)) * np.sin(2 * theta)
    dl, dc, dh = (light2 - light) / s_l, (c2 - c1) / s_c, delta_h / s_h
    result: Floats = np.sqrt(np.maximum(dl**2 + dc**2 + dh**2 + rotate * dc * dh, 0)).astype(
        np.float32
    )
    return result
