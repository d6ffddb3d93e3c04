"""Detecting faces, by MediaPipe's full-range model in OpenCV's DNN.

Coordinates are pixels of the picture handed in, origin top left, y down.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from backoffice.photos.arrays import RGB, Floats
from backoffice.photos.models import model_path
from backoffice.photos.windows import reduced, twos

SCORE_MIN = 0.5
MIN_FACE_SHARE = 0.04  # of the picture's width: smaller faces are people in the far background
RIVAL_SHARE = 0.45  # of the main face's width: smaller ones do not count as a second person
_SIDE = 192
_STRIDE = 4


def load_net(models_dir: Path, name: str) -> cv2.dnn.Net:
    """Return a warm TFLite network. Raises ModelMissing or ModelHashMismatch."""
    # ENGINE_CLASSIC: OpenCV 5's new engine loses the landmark model's second output.
    return cv2.dnn.readNetFromTFLite(str(model_path(models_dir, name)), cv2.dnn.ENGINE_CLASSIC)


@dataclass(frozen=True)
class Detection:
    """One detected face. `box`: x, y, width, height; `keypoints`: (6, 2), eyes first.

    `points`: the mesh's first pass (468, 3), where the detection was confirmed by it.
    """

    box: tuple[float, float, float, float]
    score: float
    keypoints: Floats
    points: Floats | None = None

    @property
    def width(self) -> float:
        """Width of the box in pixels."""
        return self.box[2]

    @property
    def roll(self) -> float:
        """Tilt of the line between the eyes in degrees, clockwise positive."""
        dx, dy = self.keypoints[1] - self.keypoints[0]
        return math.degrees(math.atan2(float(dy), float(dx)))


class FaceDetector:
    """The warm detector. One instance per process; not for several threads at once."""

    def __init__(self, models_dir: Path) -> None:
        self._net = load_net(models_dir, "face_detection_full_range")
        cells = (np.arange(_SIDE // _STRIDE) + 0.5) * _STRIDE
        grid_y, grid_x = np.meshgrid(cells, cells, indexing="ij")
        self._anchors = np.stack([grid_x.ravel(), grid_y.ravel()], axis=1).astype(np.float32)

    def detect(self, rgb: RGB) -> list[Detection]:
        """Return the faces of the picture, largest first; background faces are left out."""
        width = rgb.shape[1]
        # A quarter of empty margin lets a face that fills the picture still be seen whole.
        found = self._detect_in(rgb, margin=0.0)
        if not found or found[0].width > 0.55 * width:
            found = self._merge(found + self._detect_in(rgb, margin=0.25))
        found = [face for face in found if face.width >= MIN_FACE_SHARE * width]
        found.sort(key=lambda face: -face.width)
        return [face for face in found if face.width >= RIVAL_SHARE * found[0].width]

    def _detect_in(self, rgb: RGB, margin: float) -> list[Detection]:
        height, width = rgb.shape[:2]
        side = max(height, width) * (1 + 2 * margin)
        scale = _SIDE / side
        small = cv2.resize(
            reduced(rgb, twos(0.5 / scale)),
            (max(1, round(width * scale)), max(1, round(height * scale))),
            interpolation=cv2.INTER_AREA,
        )
        x0, y0 = (_SIDE - small.shape[1]) // 2, (_SIDE - small.shape[0]) // 2
        canvas = np.zeros((_SIDE, _SIDE, 3), np.float32)
        canvas[y0 : y0 + small.shape[0], x0 : x0 + small.shape[1]] = small / 127.5 - 1.0
        self._net.setInput(np.ascontiguousarray(canvas.transpose(2, 0, 1)[None]))
        scores, boxes = self._net.forward(
            ["reshaped_classifier_face_4", "reshaped_regressor_face_4"]
        )
        score = 1 / (1 + np.exp(-np.clip(scores.reshape(-1), -50, 50)))
        keep = np.flatnonzero(score >= SCORE_MIN)
        raw = boxes.reshape(-1, 16)[keep]
        points = raw[:, 4:].reshape(-1, 6, 2) + self._anchors[keep, None]
        centres = raw[:, :2] + self._anchors[keep]
        offset = np.array([x0, y0], np.float32)
        found = []
        for i, chosen in enumerate(score[keep]):
            w, h = raw[i, 2] / scale, raw[i, 3] / scale
            cx, cy = (centres[i] - offset) / scale
            box = (float(cx - w / 2), float(cy - h / 2), float(w), float(h))
            keypoints = ((points[i] - offset) / scale).astype(np.float32)
            found.append(Detection(box, float(chosen), keypoints))
        return self._merge(found)

    @staticmethod
    def _merge(found: list[Detection]) -> list[Detection]:
        """Keep the best of overlapping boxes."""
        kept: list[Detection] = []
        for candidate in sorted(found, key=lambda face: -face.score):
            if all(_overlap(candidate.box, other.box) < 0.3 for other in kept):
                kept.append(candidate)
        return kept


def _overlap(
    first: tuple[float, float, float, float], second: tuple[float, float, float, float]
) -> float:
    """Return the intersection of two boxes as a share of the smaller one."""
    left, top = max(first[0], second[0]), max(first[1], second[1])
    right = min(first[0] + first[2], second[0] + second[2])
    bottom = min(first[1] + first[3], second[1] + second[3])
    shared = max(right - left, 0.0) * max(bottom - top, 0.0)
    return shared / max(min(first[2] * first[3], second[2] * second[3]), 1e-6)
