"""Colour error along the outline against the naive way, on composites whose truth is known."""

from __future__ import annotations

import io
import os
import statistics
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from backoffice.photos.arrays import RGB, Floats
from backoffice.photos.pipeline import PhotoEngine, process
from backoffice.photos.standards import CHSI_BLUE
from evaluation.own_set import as_jpeg
from evaluation.people import Person, people

WALLS = ((222, 218, 210), (150, 152, 158), (236, 236, 240), (188, 176, 150))
ENLARGED = 4
BLUE = np.array(CHSI_BLUE.background, np.float32)


def compare(models: Path) -> float:
    """Return our mean edge error over the naive one's, the median over plain walls."""
    os.environ["U2NET_HOME"] = str(models)
    from rembg import new_session

    engine, session = PhotoEngine(models), new_session("u2netp")
    person = next(people(engine, None))
    small = _truth(person, session)
    alpha, colours = _larger(small), _larger(_spread(person.rgb, small))
    ratios = [_one(colours, alpha, wall, engine, session) for wall in WALLS]
    return statistics.median(ratios)


def _truth(person: Person, session: Any) -> Floats:
    """The matte that counts as true: the mean of both ways' own, so that it favours neither."""
    from rembg import remove

    theirs = np.asarray(remove(Image.fromarray(person.rgb), session=session, only_mask=True))
    last = int(np.flatnonzero(person.alpha.max(axis=1) > 0.5)[-1]) + 1
    alpha = (person.alpha + theirs.astype(np.float32) / 255) / 2
    alpha[last:] = 0
    return np.asarray(alpha, np.float32)


def _spread(rgb: RGB, alpha: Floats) -> Floats:
    """Return the person's colours, continued outwards from where only the person is seen."""
    sure = (alpha > 0.97).astype(np.float32)
    colours = rgb.astype(np.float32) * sure[..., None]
    for sigma in (1.5, 3, 6, 12, 24):
        weight = cv2.GaussianBlur(sure, (0, 0), sigma)
        fill = cv2.GaussianBlur(colours, (0, 0), sigma) / np.maximum(weight, 1e-4)[..., None]
        new = (sure < 0.5) & (weight > 0.02)
        colours[new], sure[new] = fill[new], 1.0
    return np.asarray(colours, np.float32)


def _larger(plane: Floats) -> Floats:
    """Enlarge, so that the finished picture is a reduction, as from a phone, and not a guess."""
    large = cv2.resize(plane, None, fx=ENLARGED, fy=ENLARGED, interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(large, 0, 1 if plane.ndim == 2 else 255), np.float32)


def _one(
    colours: Floats, alpha: Floats, wall: tuple[int, int, int], engine: PhotoEngine, session: Any
) -> float:
    """Both ways on one composite: mean colour difference in the outline's band."""
    from rembg import remove

    part = alpha[..., None]
    last = int(np.flatnonzero(alpha.max(axis=1) > 0.5)[-1]) + 1
    grain = np.random.default_rng(3).normal(0, 2, (*alpha.shape, 1))
    scene = colours * part + (np.array(wall) + grain) * (1 - part)
    source = np.clip(scene[:last], 0, 255).astype(np.uint8)
    result = process(as_jpeg(source, quality=95), CHSI_BLUE, engine)
    assert result.jpeg is not None, [c.code for c in result.failed]
    ours = np.asarray(Image.open(io.BytesIO(result.jpeg)).convert("RGB"), np.float32)

    cut = np.asarray(remove(Image.fromarray(source), session=session), np.float32)
    share = cut[..., 3:] / 255
    flat = cut[..., :3] * share + BLUE * (1 - share)
    true = (colours * part + BLUE * (1 - part))[:last]
    box, scale = result.making["crop"], result.making["scale"]
    move = np.array([[scale, 0, -box["left"] * scale], [0, scale, -box["top"] * scale]])
    theirs = _saved(_moved(flat, move))
    wanted, outline = _moved(true, move), _moved(alpha[:last], move)
    edge = cv2.dilate(((outline > 0.04) & (outline < 0.96)).astype(np.uint8), np.ones((5, 5)))
    edge[-8:] = 0
    errors = [np.abs(made - wanted).mean(axis=-1)[edge > 0].mean() for made in (ours, theirs)]
    return float(errors[0] / errors[1])


def _moved(plane: Floats, move: Floats) -> Floats:
    """Cut and scale down to the finished size; blurred before, as a reduction has to be."""
    soft = cv2.GaussianBlur(plane.astype(np.float32), (0, 0), max(0.4 / move[0, 0], 0.01))
    size = CHSI_BLUE.size
    return np.asarray(cv2.warpAffine(soft, move, size, borderMode=cv2.BORDER_REPLICATE))


def _saved(picture: Floats) -> Floats:
    """The naive way saves as PIL does when nothing is said."""
    out = io.BytesIO()
    Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).save(out, "JPEG", quality=85)
    return np.asarray(Image.open(out).convert("RGB"), np.float32)
