"""Pose: turn, nod and tilt of the head, and the shoulders."""

from __future__ import annotations

import math

import numpy as np

from backoffice.i18n import Text
from backoffice.photos.arrays import Floats
from backoffice.photos.checks.kinds import Kind
from backoffice.photos.checks.views import Portrait
from backoffice.photos.face import Face

# Pairs of mirrored mesh points (subject's right, left): cheeks, eye corners, mouth corners, jaw.
_PAIRS = ((234, 454), (33, 263), (61, 291), (172, 397), (127, 356), (132, 361))
_FOREHEAD, _CHIN = 10, 152
_NEUTRAL_PITCH = 7.0  # what the mesh shows for a head held straight (median of our portraits)
_YAW_GAIN = 1.35  # the mesh shows three quarters of the true turn (FEASIBILITY section 4)
_SHOULDER_GAIN = 1.5  # the silhouette shows two thirds of the true slope (FEASIBILITY section 4)


KINDS = (
    Kind(
        "eye_angle",
        Text("双眼水平", "Eye line tilt"),
        "P01",
        Text(
            "头部倾斜，两眼不在同一水平线上，请摆正头部和手机后重新拍摄（系统不会旋转照片）。",
            "The head is tilted: keep both eyes level and the phone upright (photos are not rotated).",
        ),
        ofiq="HeadPoseRoll",
    ),
    Kind(
        "head_yaw",
        Text("左右转头", "Head turn"),
        "P02",
        Text(
            "脸部偏向一侧，请正对镜头，让两耳对称。",
            "The face is turned aside: look straight at the lens, ears symmetric.",
        ),
        ofiq="HeadPoseYaw",
    ),
    Kind(
        "head_pitch",
        Text("抬头低头", "Head nod"),
        "P02",
        Text(
            "低头或仰头，请将手机举到与眼睛同高，平视镜头。",
            "The head is lowered or raised: hold the phone at eye height and look straight ahead.",
        ),
        ofiq="HeadPosePitch",
    ),
    Kind(
        "shoulders_level",
        Text("双肩水平", "Shoulders level"),
        "P05",
        Text("两肩可能不平，请坐直、放松双肩。", "The shoulders may not be level: sit straight."),
    ),
)


def head_pose(face: Face) -> tuple[float, float]:
    """Return yaw and pitch in degrees from the mesh's own depth; 0, 0 faces the lens.

    Only the sizes are used. Pitch is counted from the neutral position.
    """
    across = np.mean([face.points[b] - face.points[a] for a, b in _PAIRS], axis=0)
    yaw = math.degrees(math.atan2(float(across[2]), float(np.hypot(across[0], across[1]))))
    down = face.points[_CHIN] - face.points[_FOREHEAD]
    pitch = math.degrees(math.atan2(float(down[2]), float(np.hypot(down[0], down[1]))))
    return yaw * _YAW_GAIN, pitch - _NEUTRAL_PITCH


def measure(face: Face) -> dict[str, float]:
    """Return turn and nod in degrees, either side."""
    yaw, pitch = head_pose(face)
    return {"head_yaw": abs(yaw), "head_pitch": abs(pitch)}


def shoulder_slope(portrait: Portrait) -> float | None:
    """Return how far the line of the shoulders is off level, in degrees.

    From the silhouette's height at equal distances left and right of the neck. None where hair or
    the picture's edge hides a shoulder: then it cannot be told.
    """
    alpha, face = portrait.alpha, portrait.face
    chin = float(face.points[_CHIN, 1])
    centre, width = face.centre_x, face.width
    reach = width * np.array([0.70, 0.78, 0.86, 0.94])
    left = _tops(alpha, centre - reach, chin - 0.35 * width)
    right = _tops(alpha, centre + reach, chin - 0.35 * width)
    if left is None or right is None:
        return None
    slope = np.arctan2(right - left, 2 * reach)
    return abs(math.degrees(float(np.median(slope)))) * _SHOULDER_GAIN


def _tops(alpha: Floats, columns: Floats, hair_line: float) -> Floats | None:
    """Return the person's first row in each column, None if hair or nothing stands there."""
    rows = []
    for column in np.rint(columns).astype(int):
        if not 0 <= column < alpha.shape[1]:
            return None
        below = alpha[max(int(hair_line), 0) :, column] > 0.5
        if not below.any() or below[0]:
            return None
        rows.append(float(below.argmax()))
    return np.array(rows)
