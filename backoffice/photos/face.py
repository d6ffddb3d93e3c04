"""Faces: detection, 468 landmarks and irises, by MediaPipe's TFLite models in OpenCV's DNN.

Coordinates are pixels of the picture handed in, origin top left, y down. Left and right are the
viewer's unless "subject" is said.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from backoffice.photos.arrays import RGB, Floats
from backoffice.photos.face_patches import blob, cut_patch
from backoffice.photos.models import model_path
from backoffice.photos.windows import reduced

SCORE_MIN = 0.5
MESH_SURE = 0.5  # the mesh's own belief that it sees a face
# Where a false detection is to be dropped: cups, coins and galaxies show .06 and less (.1 once, 20 px
# wide), faces more than .9, only a small one under a screen's grid or in deep green light as little.
MESH_POSSIBLE = 0.1
MIN_FACE_SHARE = 0.04  # of the picture's width: smaller faces are people in the far background
RIVAL_SHARE = 0.45  # of the main face's width: smaller ones do not count as a second person
_SIDE = 192
_STRIDE = 4
# Mesh points (MediaPipe's canonical face): outer and inner corner of the subject's right eye (on
# the viewer's left) and left eye, the cheek edges, and the inner lips.
RIGHT_EYE, LEFT_EYE = (33, 133), (263, 362)
CHEEKS = (234, 454)
# Contour rows of the iris model: 16 lid points, lower 0-8 and upper 9-15.
_LOWER, _UPPER = slice(0, 9), slice(9, 16)


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


@dataclass(frozen=True)
class Face:
    """The landmarks of one face. `points`: (468, 3); `irises`, `lids`: per eye, viewer's left first.

    `iris_radius` in pixels; `lid_gaps` is lid gap / iris diameter per eye.
    """

    points: Floats
    iris_centres: Floats
    iris_radius: float
    lid_gaps: tuple[float, float]
    score: float

    @property
    def width(self) -> float:
        """Cheek to cheek in pixels."""
        return float(np.linalg.norm(self.points[CHEEKS[1], :2] - self.points[CHEEKS[0], :2]))

    @property
    def eyes(self) -> Floats:
        """The two eye centres (2, 2): the middle of the corners, viewer's left first."""
        pairs = [self.points[list(pair), :2].mean(axis=0) for pair in (RIGHT_EYE, LEFT_EYE)]
        return np.stack(pairs).astype(np.float32)

    @property
    def pupil_line(self) -> float:
        """Height of the line between the pupils (y, pixels)."""
        return float(self.iris_centres[:, 1].mean())

    @property
    def centre_x(self) -> float:
        """Horizontal middle of the face: between cheeks and eyes."""
        cheeks = float(self.points[list(CHEEKS), 0].mean())
        return (cheeks + float(self.eyes[:, 0].mean())) / 2

    @property
    def roll(self) -> float:
        """Tilt of the eye line in degrees, clockwise positive: mean of corners and pupils."""
        corners = self.points[RIGHT_EYE[0], :2], self.points[LEFT_EYE[0], :2]
        lines = [corners[1] - corners[0], self.iris_centres[1] - self.iris_centres[0]]
        angles = [math.degrees(math.atan2(float(dy), float(dx))) for dx, dy in lines]
        return sum(angles) / 2


class FaceNets:
    """The three warm networks. One instance per process; not for several threads at once."""

    def __init__(self, models_dir: Path) -> None:
        def load(name: str) -> cv2.dnn.Net:
            # ENGINE_CLASSIC: OpenCV 5's new engine loses the landmark model's second output.
            return cv2.dnn.readNetFromTFLite(
                str(model_path(models_dir, name)), cv2.dnn.ENGINE_CLASSIC
            )

        self._detector = load("face_detection_full_range")
        self._mesh = load("face_landmark")
        self._iris = load("iris_landmark")
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
            reduced(rgb, int(0.5 / scale)),
            (max(1, round(width * scale)), max(1, round(height * scale))),
            interpolation=cv2.INTER_AREA,
        )
        x0, y0 = (_SIDE - small.shape[1]) // 2, (_SIDE - small.shape[0]) // 2
        canvas = np.zeros((_SIDE, _SIDE, 3), np.float32)
        canvas[y0 : y0 + small.shape[0], x0 : x0 + small.shape[1]] = small / 127.5 - 1.0
        self._detector.setInput(np.ascontiguousarray(canvas.transpose(2, 0, 1)[None]))
        scores, boxes = self._detector.forward(
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

    def confirmed(self, rgb: RGB, found: list[Detection]) -> list[Detection]:
        """Return those of the detections in which the mesh sees a face too, with its points."""
        sure = []
        for detection in found:
            points, score = self._first_pass(rgb, detection)
            if score >= MESH_POSSIBLE:
                sure.append(replace(detection, points=points))
        return sure

    def landmarks(self, rgb: RGB, detection: Detection) -> Face:
        """Return the landmarks of a detected face: two passes of the mesh, then the irises."""
        points = detection.points
        if points is None:
            points, _ = self._first_pass(rgb, detection)
        return self._settle(rgb, points)

    def _first_pass(self, rgb: RGB, detection: Detection) -> tuple[Floats, float]:
        x, y, w, h = detection.box
        centre = np.array([x + w / 2, y + h / 2], np.float32)
        return self._mesh_pass(rgb, centre, 1.5 * max(w, h), detection.roll)

    def again(self, rgb: RGB, points: Floats) -> Face:
        """Return the landmarks of a face known to lie about at `points`: one pass, no detector."""
        return self._settle(rgb, points)

    def _settle(self, rgb: RGB, points: Floats) -> Face:
        """Run the mesh once more where the first points say, then the irises."""
        low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
        eyes = [points[list(pair), :2].mean(axis=0) for pair in (RIGHT_EYE, LEFT_EYE)]
        dx, dy = eyes[1] - eyes[0]
        roll = math.degrees(math.atan2(float(dy), float(dx)))
        side = 1.5 * float((high - low).max())
        points, score = self._mesh_pass(rgb, (low + high) / 2, side, roll)
        right = self._iris_pass(rgb, points, RIGHT_EYE, mirrored=True)
        left = self._iris_pass(rgb, points, LEFT_EYE, mirrored=False)
        return Face(
            points=points,
            iris_centres=np.stack([right[0], left[0]]),
            iris_radius=(right[1] + left[1]) / 2,
            lid_gaps=(right[2], left[2]),
            score=score,
        )

    def _mesh_pass(
        self, rgb: RGB, centre: Floats, side: float, roll: float
    ) -> tuple[Floats, float]:
        patch, back = cut_patch(rgb, centre, side, roll, _SIDE)
        self._mesh.setInput(blob(patch))
        mesh, flag = self._mesh.forward(["conv2d_20", "conv2d_30"])
        points = mesh.reshape(468, 3).astype(np.float32)
        points[:, :2] = points[:, :2] @ back[:, :2].T + back[:, 2]
        points[:, 2] *= side / _SIDE
        score = 1 / (1 + math.exp(-float(np.clip(flag.reshape(-1)[0], -50, 50))))
        return points, score

    def _iris_pass(
        self, rgb: RGB, points: Floats, corners: tuple[int, int], *, mirrored: bool
    ) -> tuple[Floats, float, float]:
        """Return iris centre, radius, and lid gap / iris diameter of one eye."""
        outer, inner = points[corners[0], :2], points[corners[1], :2]
        left_to_right = inner - outer if mirrored else outer - inner
        roll = math.degrees(math.atan2(float(left_to_right[1]), float(left_to_right[0])))
        side = 2.3 * float(np.linalg.norm(left_to_right))
        patch, back = cut_patch(rgb, (outer + inner) / 2, side, roll, 64)
        if mirrored:  # the network knows the subject's left eye only
            patch = np.ascontiguousarray(patch[:, ::-1])
        self._iris.setInput(blob(patch))
        lids, iris = self._iris.forward(["output_eyes_contours_and_brows", "output_iris"])
        lid, ring = lids.reshape(-1, 3)[:16, :2].copy(), iris.reshape(5, 3)[:, :2].copy()
        diameter = float(np.linalg.norm(ring[1] - ring[3]) + np.linalg.norm(ring[2] - ring[4])) / 2
        gap = _lid_gap(lid, float(ring[0, 0]))
        if mirrored:
            ring[:, 0] = 64 - ring[:, 0]
        centre = ring[0] @ back[:, :2].T + back[:, 2]
        radius = diameter / 2 * side / 64
        return centre.astype(np.float32), radius, gap / max(diameter, 1e-3)


def _lid_gap(lid: Floats, iris_x: float) -> float:
    """Return the opening between the lids above the iris centre, in patch pixels."""
    lower, upper = lid[_LOWER], lid[_UPPER]
    lower_y = np.interp(iris_x, *_by_x(lower))
    upper_y = np.interp(iris_x, *_by_x(upper))
    return float(max(lower_y - upper_y, 0.0))


def _by_x(points: Floats) -> tuple[Floats, Floats]:
    order = np.argsort(points[:, 0])
    return points[order, 0], points[order, 1]


def _overlap(
    first: tuple[float, float, float, float], second: tuple[float, float, float, float]
) -> float:
    """Return the intersection of two boxes as a share of the smaller one."""
    left, top = max(first[0], second[0]), max(first[1], second[1])
    right = min(first[0] + first[2], second[0] + second[2])
    bottom = min(first[1] + first[3], second[1] + second[3])
    shared = max(right - left, 0.0) * max(bottom - top, 0.0)
    return shared / max(min(first[2] * first[3], second[2] * second[3]), 1e-6)
