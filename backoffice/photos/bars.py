"""Plain bars along the picture's edges, as screens and editors add them: they are no picture."""

from __future__ import annotations

import numpy as np

from backoffice.photos.arrays import RGB

_FLAT = 6  # levels a bar's pixels may differ, for JPEG's sake
_APART = 12  # levels at which a pixel beyond the bar's edge counts as another colour
_LEAST = 0.004  # of the side: thinner ones are a camera's own
_RINGING = 18  # pixels inwards in which JPEG blurs the bar's edge


def cut_off(rgb: RGB) -> tuple[RGB, int, int]:
    """Return the picture without its plain bars of any colour, and what was cut left and above.

    A bar is a flat strip along a whole side that ends in a straight edge, across most of which the
    colour changes at once. A plain wall ends in a person's outline, and stays.
    """
    height, width = rgb.shape[:2]
    top, bottom = _bar(rgb), _bar(rgb[::-1])
    across = rgb[top : height - bottom].transpose(1, 0, 2)
    left, right = _bar(across), _bar(across[::-1])
    inner = rgb[top : height - bottom, left : width - right]
    return np.ascontiguousarray(inner), left, top


def _bar(lines: RGB) -> int:
    """Return how many lines from the first on are a bar."""
    colour = np.median(lines[0], axis=0)
    flat = 0
    for line in lines[: len(lines) // 2]:
        if np.abs(line - colour).max() > _FLAT:
            break
        flat += 1
    if flat < max(2, _LEAST * len(lines)):
        return 0
    steps = np.abs(np.diff(lines[flat - 1 : flat + _RINGING].astype(np.int16), axis=0))
    edge = flat + int(steps.max(axis=2).mean(axis=1).argmax())
    beyond = np.abs(lines[edge + 1] - colour).max(axis=1)
    return edge if float(np.mean(beyond > _APART)) >= 0.5 else 0
