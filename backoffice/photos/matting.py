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
from backoffice.photos.matting_edges import disc, grown, shrunk, snap_to_edges
from backoffice.photos.matting_nets import MattingNets

__all__ = ["Matte", "MattingNets", "person_matte"]

Rect = tuple[int, int, int, int]

_TRUST = 0.65  # the selfie matte's weight where both are heard
_CONTRADICTED = 0.35  # share of the outline
_HOLE_SHARE = 0.004  # of the frame: larger holes are the room beside an arm
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
    inside = shrunk((selfie > 0.9).astype(np.uint8), 16)
    outside = grown((selfie > 0.1).astype(np.uint8), 16) == 0
    band = np.flatnonzero((inside == 0) & ~outside)
    ours, theirs = selfie.reshape(-1)[band], second.reshape(-1)[band]
    if band.size and float((np.abs(ours - theirs) > 0.5).mean()) > _CONTRADICTED:
        return selfie
    fused = inside.astype(np.float32)
    mixed = (_TRUST * ours + (1 - _TRUST) * theirs - 0.3) / 0.4
    fused.reshape(-1)[band] = np.clip(mixed, 0, 1)
    return fused


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
    if not solid[y, x]:
        return np.zeros_like(alpha)
    cv2.floodFill(solid, None, (x, y), 2)
    mine = (solid == 2).astype(np.uint8)
    keep = grown(mine, 6)
    filled = _without_holes(alpha, mine, coarse)
    filled[keep == 0] = 0.0
    return filled


def _without_holes(alpha: Floats, mine: RGB, coarse: Floats) -> Floats:
    """Return alpha with the faults in the blob `mine` filled.

    Small holes in which the networks are sure of a person are faults (a white collar on a white
    wall); others are gaps between strands, larger ones the room beside an arm.
    """
    filled = alpha.copy()
    rest = 1 - mine
    for corner in ((0, 0), (rest.shape[1] - 1, 0)):  # the wall on both sides: most of the work
        if rest[corner[::-1]]:
            cv2.floodFill(rest, None, corner, 0)
    left, top, width, height = cv2.boundingRect(rest)
    window = slice(top, top + height), slice(left, left + width)
    count, holes, stats, _ = cv2.connectedComponentsWithStats(rest[window], connectivity=4)
    small = stats[:, cv2.CC_STAT_AREA] < _HOLE_SHARE * alpha.size
    for hole in np.flatnonzero(small[1:count]) + 1:
        x, y, wide, high = stats[hole, :4]
        place = slice(top + y, top + y + high), slice(left + x, left + x + wide)
        here = holes[y : y + high, x : x + wide] == hole
        if float(coarse[place][here].mean()) > _HOLE_BELIEF:
            filled[place][here] = 1.0
    return filled


def _confidence(alpha: Floats, disputed: float) -> float:
    person = float((alpha > 0.5).sum())
    if person < 1:
        return 0.0
    unsure = ((alpha > 0.15) & (alpha < 0.85)).astype(np.uint8)
    islands = float(cv2.erode(unsure, disc(2)).sum())
    return float(np.clip(1 - 2.0 * islands / person - 0.4 * disputed, 0, 1))
