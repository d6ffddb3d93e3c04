"""Faces: 468 landmarks and irises, by MediaPipe's TFLite models in OpenCV's DNN.

Coordinates are pixels of the picture handed in, origin top left, y down. Left and right are the
viewer's unless "subject" is said.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from backoffice.photos.arrays import RGB, Floats
from backoffice.photos.detecting import Detection, FaceDetector, load_net
from backoffice.photos.face_patches import blob, cut_patch

MESH_SURE = 0.5  # the mesh's own belief that it sees a face
# Where a false detection is to be dropped: cups, coins and galaxies show .06 and less (.1 once, 20 px
# wide), faces more than .9, only a small one under a screen's grid or in deep green light as little.
MESH_POSSIBLE = 0.1
_SIDE = 192
# Mesh points (MediaPipe's canonical face): outer and inner corner of the subject's right eye (on
# the viewer's left) and left eye, the cheek edges, and the inner lips.
RIGHT_EYE, LEFT_EYE = (33, 133), (263, 362)
CHEEKS = (234, 454)
# Contour rows of the iris model: 16 lid points, lower 0-8 and upper 9-15.
_LOWER, _UPPER = slice(0, 9), slice(9, 16)


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
        self._detector = FaceDetector(models_dir)
        self._mesh = load_net(models_dir, "face_landmark")
        self._iris = load_net(models_dir, "iris_landmark")

    def detect(self, rgb: RGB) -> list[Detection]:
        """Return the faces of the picture, largest first; background faces are left out."""
        return self._detector.detect(rgb)

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

    def again(self, rgb: RGB, expected: Face) -> Face:
        """Return a face known to lie about where `expected` does: one pass of the mesh.

        The irises keep their place between the lids, which scaling and cutting do not move.
        """
        points, score = self._mesh_again(rgb, expected.points)
        found = replace(expected, points=points, score=score)
        moved = found.eyes - expected.eyes
        return replace(found, iris_centres=expected.iris_centres + moved)

    def _mesh_again(self, rgb: RGB, points: Floats) -> tuple[Floats, float]:
        """Run the mesh where the given points say."""
        low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
        eyes = [points[list(pair), :2].mean(axis=0) for pair in (RIGHT_EYE, LEFT_EYE)]
        dx, dy = eyes[1] - eyes[0]
        roll = math.degrees(math.atan2(float(dy), float(dx)))
        side = 1.5 * float((high - low).max())
        return self._mesh_pass(rgb, (low + high) / 2, side, roll)

    def _settle(self, rgb: RGB, points: Floats) -> Face:
        """Run the mesh once more where the first points say, then the irises."""
        points, score = self._mesh_again(rgb, points)
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
