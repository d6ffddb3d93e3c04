"""The one face of a picture: how large to decode, which way up, how many faces."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from backoffice.photos import reading
from backoffice.photos.arrays import RGB
from backoffice.photos.detecting import Detection
from backoffice.photos.face import FaceNets

# Longer side of the first JPEG decode, at least: half the size for 12 megapixels. At a quarter most
# faces come out too small, and every decode reads the whole file again.
FIRST_SIDE_PX = 1100
FACE_WANTED_PX = 215  # as wide as a finished face: a JPEG in which it is smaller is decoded larger


def find_faces(data: bytes, faces: FaceNets) -> tuple[reading.Decoded, int, list[Detection]]:
    """Decode and detect; a JPEG whose face came out small is decoded again, larger.

    A picture lying on its side is turned by quarter turns until a face stands upright.
    """
    picture = reading.decode(data, want_side=FIRST_SIDE_PX)
    turns, found = _upright(picture.rgb, faces)
    if len(found) == 1 and picture.scale < 1 and found[0].width < FACE_WANTED_PX:
        seen = _turn(picture.rgb, turns).shape[1]
        more = max(picture.rgb.shape[:2]) * FACE_WANTED_PX / found[0].width
        picture = reading.decode(data, want_side=int(more))
        found = [_larger(found[0], _turn(picture.rgb, turns).shape[1] / seen)]
    if turns:
        turned = _turn(picture.rgb, turns)
        picture = replace(picture, rgb=turned)
    return picture, turns, found


def _larger(face: Detection, ratio: float) -> Detection:
    """Return the detection as it lies in the same picture `ratio` times as large."""
    x, y, width, height = (side * ratio for side in face.box)
    points = None if face.points is None else face.points * np.float32(ratio)
    return replace(
        face,
        box=(x, y, width, height),
        keypoints=face.keypoints * np.float32(ratio),
        points=points,
    )


def _turn(rgb: RGB, turns: int) -> RGB:
    return np.ascontiguousarray(np.rot90(rgb, -turns)) if turns else rgb


def _upright(rgb: RGB, faces: FaceNets) -> tuple[int, list[Detection]]:
    """Return how many quarter turns clockwise bring the face upright, and the faces then found."""
    best: tuple[float, int, list[Detection]] = (0.0, 0, [])
    for turns in (0, 1, 3, 2):
        turned = _turn(rgb, turns)
        found = faces.confirmed(turned, faces.detect(turned))
        if found and abs(found[0].roll) < 50:
            if turns == 0:
                return 0, found
            if found[0].score > best[0]:
                best = (found[0].score, turns, found)
    return best[1], best[2]
