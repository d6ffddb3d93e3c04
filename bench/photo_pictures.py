"""The pictures of the photo benchmark: 12 megapixels from a real portrait, before known walls."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from backoffice.photos.arrays import RGB
from backoffice.photos.pipeline import PhotoEngine
from evaluation import scenes
from evaluation.own_set import as_jpeg
from evaluation.people import Person, people

SIZE = (3000, 4000)
PLAIN, CLUTTERED = "plain", "cluttered"


def make(models: Path, folder: Path) -> dict[str, Path]:
    """Write one 12 MP JPEG per kind of wall and return their paths."""
    from skimage import data

    person = _tall(next(people(PhotoEngine(models), None)))
    walls = {
        PLAIN: scenes.plain_wall(person, (222, 218, 210), 3.0),
        CLUTTERED: scenes.wall(person, data.coffee()),  # type: ignore[no-untyped-call]
    }
    paths = {}
    for name, picture in walls.items():
        paths[name] = folder / f"{name}.jpg"
        paths[name].write_bytes(as_jpeg(_large(picture), quality=90))
    return paths


def _tall(person: Person) -> Person:
    """Return the person with so much wall above that the picture has the format of a phone's."""
    last = int(np.flatnonzero(person.alpha.max(axis=1) > 0.5)[-1]) + 1
    rows = max(round(person.rgb.shape[1] * SIZE[1] / SIZE[0]) - last, 0)
    above = (rows, 0, 0, 0, cv2.BORDER_REPLICATE)
    alpha = cv2.copyMakeBorder(person.alpha, rows, 0, 0, 0, cv2.BORDER_CONSTANT, value=0)
    return replace(person, rgb=cv2.copyMakeBorder(person.rgb, *above), alpha=alpha)


def _large(picture: RGB) -> RGB:
    large: RGB = cv2.resize(picture, SIZE, interpolation=cv2.INTER_CUBIC)
    return large
