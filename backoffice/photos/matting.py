"""The matte: how much of each pixel belongs to the person (0..1), in the working frame.

Plain wall: MediaPipe's selfie segmentation, its edge refined by colour. Clutter: fused with a rembg
model. FEASIBILITY sections 2 and 9.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from backoffice.photos.arrays import RGB, Floats
from backoffice.photos.matting_colour import (
    PLAIN_RMS_LAB,
    colour_matte,
    smooth_wall,
    without_scraps,
)
from backoffice.photos.matting_edges import disc, snap_to_edges
from backoffice.photos.matting_nets import MattingNets

__all__ = ["Matte", "MattingNets", "person_matte"]

Rect = tuple[int, int, int, int]

_TRUST = 0.65  # the selfie matte's weight where both are heard
_CONTRADICTED = 0.35  # share of the outline
_HOLE_BELIEF = 0.85  # mean of the networks' matte over a hole that is to be filled


@dataclass(frozen=True)
class Matte:
    """`alpha`: (H, W) in 0..1. `background_rms`: Lab units, how far the wall is from smooth.

    `confidence`: 0..1, how little of the person's area is undecided or disputed.
    """

    alpha: Floats
    plain: bool
    background_rms: float
    confidence: float
    method: str


def person_matte(nets: MattingNets, rgb: RGB, valid: Rect, face: tuple[float, float]) -> Matte:
    """Return the matte of the person whose face is at `face` (x, y) in the working frame.

    valid: left, top, right, bottom of the part that lies inside the source; the networks see only
    that (repeated edge pixels make them drop clothes). Outside it alpha is continued from the edge.
    """
    left, top, right, bottom = valid
    part = np.ascontiguousarray(rgb[top:bottom, left:right])
    coarse = nets.selfie(part)
    background = smooth_wall(part, coarse)
    plain = background.rms < PLAIN_RMS_LAB
    disputed = 0.0
    if plain:
        alpha = colour_matte(part, coarse, background)
        method = "selfie+colour"
    else:
        second = nets.rembg(part)
        disputed = _dispute(coarse, second)
        coarse = _fuse(coarse, second)
        alpha = snap_to_edges(part, without_scraps(part, coarse))
        method = f"selfie+{nets.model}"
    alpha = _one_person(alpha, coarse, (face[0] - left, face[1] - top))
    whole = cv2.copyMakeBorder(
        alpha,
        top,
        rgb.shape[0] - bottom,
        left,
        rgb.shape[1] - right,
        cv2.BORDER_REPLICATE,
    )
    whole[:top] = 0  # above the picture there is only wall; cut hair is found on the edge row
    return Matte(whole, plain, background.rms, _confidence(alpha, disputed), method)


def _fuse(selfie: Floats, second: Floats) -> Floats:
    """Combine the two mattes near the selfie matte's outline; deep inside and far off it rules.

    The selfie network knows people and rarely loses one; the general one draws finer outlines but
    drops dark hair and clothes, or takes in what stands behind. Where it contradicts most of the
    outline, it is not heard at all.
    """
    inside = cv2.erode((selfie > 0.9).astype(np.uint8), disc(16)) > 0
    outside = cv2.dilate((selfie > 0.1).astype(np.uint8), disc(16)) == 0
    band = ~inside & ~outside
    contradicted = float((np.abs(selfie - second)[band] > 0.5).mean()) if band.any() else 0.0
    if contradicted > _CONTRADICTED:
        return selfie
    mixed = np.clip((_TRUST * selfie + (1 - _TRUST) * second - 0.3) / 0.4, 0, 1)
    return np.where(inside, 1.0, np.where(outside, 0.0, mixed)).astype(np.float32)


def _dispute(selfie: Floats, second: Floats) -> float:
    """Return the share of the person's area over which the two networks disagree, edges aside."""
    area = max(float((np.maximum(selfie, second) > 0.5).sum()), 1.0)
    apart = (np.abs(selfie - second) > 0.5).astype(np.uint8)
    return float(cv2.erode(apart, disc(4)).sum()) / area


def _one_person(alpha: Floats, coarse: Floats, face: tuple[float, float]) -> Floats:
    """Keep the blob the face belongs to and fill what is enclosed by it."""
    solid = (alpha > 0.35).astype(np.uint8)
    x = int(np.clip(face[0], 0, alpha.shape[1] - 1))
    y = int(np.clip(face[1], 0, alpha.shape[0] - 1))
    _, labels = cv2.connectedComponents(solid, connectivity=4)
    if labels[y, x] == 0:
        return np.zeros_like(alpha)
    mine = (labels == labels[y, x]).astype(np.uint8)
    keep = cv2.dilate(mine, disc(6))
    # Small holes in which the networks are sure of a person are faults (a white collar on a white
    # wall); others are gaps between strands, larger ones the room beside an arm.
    count, holes, stats, _ = cv2.connectedComponentsWithStats(1 - mine, connectivity=4)
    area = stats[:, cv2.CC_STAT_AREA]
    belief = np.bincount(holes.ravel(), weights=coarse.ravel(), minlength=count) / area
    small = (area < 0.004 * alpha.size) & (belief > _HOLE_BELIEF)
    small[0] = False
    filled = np.where(small[holes], 1.0, alpha) if small.any() else alpha
    return np.where(keep > 0, filled, 0.0).astype(np.float32)


def _confidence(alpha: Floats, disputed: float) -> float:
    person = float((alpha > 0.5).sum())
    if person < 1:
        return 0.0
    unsure = ((alpha > 0.15) & (alpha < 0.85)).astype(np.uint8)
    islands = float(cv2.erode(unsure, disc(2)).sum())
    return float(np.clip(1 - 2.0 * islands / person - 0.4 * disputed, 0, 1))
