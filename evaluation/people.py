"""The people of the repository's own set, and where their face, eyes and outline are.

Three real portraits that packages ship: `skimage.data.astronaut` (NASA, public domain) and two
official portraits in the source archive of face_recognition (public domain), fetched and verified.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from backoffice.photos import geometry, matting, windows
from backoffice.photos.arrays import RGB, Floats
from backoffice.photos.face import Face
from backoffice.photos.pipeline import PhotoEngine
from backoffice.photos.windows import Crop

FETCHED = ("obama", "biden")
LEVEL_WITHIN = 2.0  # degrees
LARGEST_SIDE = 1600  # pixels: what is rendered on them shows as well, in a tenth of the time


@dataclass(frozen=True)
class Person:
    """A usable picture. `alpha`: the person's matte in the picture's own pixels."""

    name: str
    rgb: RGB
    face: Face
    alpha: Floats


def people(engine: PhotoEngine, portraits: Path | None) -> Iterator[Person]:
    """Yield the people there are; without the folder of fetched portraits only the astronaut."""
    from skimage.data import astronaut

    yield locate("astronaut", astronaut(), engine)  # type: ignore[no-untyped-call]
    for name in FETCHED if portraits else ():
        assert portraits is not None
        path = portraits / f"{name}.jpg"
        if path.is_file():
            yield locate(name, np.asarray(Image.open(path).convert("RGB")), engine)


def locate(name: str, picture: RGB, engine: PhotoEngine) -> Person:
    """Return the person in a picture that shows exactly one. Raises ValueError for any other."""
    rgb = _room_above(_at_most(picture))
    found = engine.faces.detect(rgb)
    if len(found) != 1:
        raise ValueError(f"{name}: {len(found)} faces")
    face = engine.faces.landmarks(rgb, found[0])
    if abs(face.roll) > LEVEL_WITHIN:
        rgb = _level(rgb, face)
        face = engine.faces.landmarks(rgb, engine.faces.detect(rgb)[0])
    return Person(name, rgb, face, alpha_of(rgb, face, engine))


def alpha_of(rgb: RGB, face: Face, engine: PhotoEngine) -> Floats:
    """Return the pipeline's matte in the picture's own pixels."""
    frame = geometry.working_frame(face)
    width, height = geometry.FRAME_SIZE
    left, top = frame.to_output(0, 0)
    right, bottom = frame.to_output(rgb.shape[1], rgb.shape[0])
    valid = (max(0, round(left)), max(0, round(top)),
             min(width, round(right)), min(height, round(bottom)))  # fmt: skip
    seen = windows.resample(rgb, frame, geometry.FRAME_SIZE)
    middle = frame.to_output(face.centre_x, float(face.points[1, 1]))
    matte = matting.person_matte(engine.mattes, seen, valid, middle)
    whole = Crop(1.0, 0.0, 0.0)
    return windows.move_plane(matte.alpha, frame, whole, (rgb.shape[1], rgb.shape[0]))


def _at_most(picture: RGB) -> RGB:
    scale = LARGEST_SIDE / max(picture.shape[:2])
    if scale >= 1:
        return np.ascontiguousarray(picture)
    small: RGB = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return small


def _level(rgb: RGB, face: Face) -> RGB:
    """Turn the picture until the eyes are level, so that only what is rendered is wrong with it."""
    turn = cv2.getRotationMatrix2D((face.centre_x, face.pupil_line), face.roll, 1.0)
    size = (rgb.shape[1], rgb.shape[0])
    level: RGB = cv2.warpAffine(
        rgb, turn, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return level


def _room_above(rgb: RGB) -> RGB:
    """Continue the wall a little upwards: these portraits are cut close above the hair."""
    rows = round(rgb.shape[0] * 0.06)
    taller: RGB = cv2.copyMakeBorder(rgb, rows, 0, 0, 0, cv2.BORDER_REPLICATE)
    return taller
