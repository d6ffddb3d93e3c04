"""The checks: what is measured on the photo, the bound it is held against, and what to do.

Every check has a value, its limits, a severity, advice in both languages and the rejection code of
DOMAIN section 8. Bounds come from the standard; measures are plain functions on pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np

from backoffice.i18n import Text
from backoffice.photos.arrays import RGB, Floats
from backoffice.photos.face import Face
from backoffice.photos.geometry import Geometry
from backoffice.photos.standards import Limit, Severity, Standard

# Pairs of mirrored mesh points (subject's right, left): cheeks, eye corners, mouth corners, jaw.
_PAIRS = ((234, 454), (33, 263), (61, 291), (172, 397), (127, 356), (132, 361))
_FOREHEAD, _CHIN = 10, 152
_NEUTRAL_PITCH = 7.0  # what the mesh shows for a head held straight (median of our portraits)
_YAW_GAIN = 1.35  # the mesh shows three quarters of the true turn (FEASIBILITY section 4)
_LIPS = (13, 14, 78, 308)  # inner lips: upper, lower, corners
_RIGHT_CHEEK, _LEFT_CHEEK = 50, 280
_OVAL = (10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152,
         148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109)  # fmt: skip
# The oval without the forehead, where hair may lie.
_SKIN = (234, 454, 361, 397, 378, 152, 149, 172, 132, 9, 107, 336)


@dataclass(frozen=True)
class Check:
    """One line of the report. `severity` is what a failure means: refuse, warn or note."""

    code: str
    passed: bool
    value: float | str | None
    limits: dict[str, float | None]
    severity: Severity
    advice: Text
    rejection_code: str

    def to_dict(self, locale: str = "zh") -> dict[str, Any]:
        """Return the JSON of CONTRACT section 1; advice only where the check failed."""
        return {
            "code": self.code,
            "passed": self.passed,
            "value": self.value,
            "limits": self.limits,
            "severity": self.severity,
            "advice": None if self.passed else self.advice.get(locale),
            "rejection_code": None if self.passed else self.rejection_code,
        }


ADVICE: dict[str, tuple[str, Text]] = {
    "face_count": (
        "Z05",
        Text(
            "照片中必须且只能有本人一张完整的脸，请独自入镜、正对镜头重新拍摄。",
            "Exactly one whole face must be in the photo: be alone in the frame, facing the lens.",
        ),
    ),
    "face_complete": (
        "Q02",
        Text(
            "脸部被画面边缘截断，请后退一步，让头部和双肩完整入镜。",
            "The face is cut by the edge: step back so that head and shoulders are whole.",
        ),
    ),
    "face_size": (
        "Q01",
        Text(
            "脸部像素过低，请用后置摄像头靠近一些拍摄，不要使用缩略图或截图。",
            "The face has too few pixels: use the rear camera, come closer, no thumbnail.",
        ),
    ),
    "eye_angle": (
        "P01",
        Text(
            "头部倾斜，两眼不在同一水平线上，请摆正头部和手机后重新拍摄（系统不会旋转照片）。",
            "The head is tilted: keep both eyes level and the phone upright (photos are not rotated).",
        ),
    ),
    "head_yaw": (
        "P02",
        Text(
            "脸部偏向一侧，请正对镜头，让两耳对称。",
            "The face is turned aside: look straight at the lens, ears symmetric.",
        ),
    ),
    "head_pitch": (
        "P02",
        Text(
            "低头或仰头，请将手机举到与眼睛同高，平视镜头。",
            "The head is lowered or raised: hold the phone at eye height and look straight ahead.",
        ),
    ),
    "eyes_open": (
        "P03",
        Text("双眼未完全睁开，请自然睁眼、注视镜头。", "The eyes are not open: look at the lens."),
    ),
    "mouth_closed": (
        "P04",
        Text("张嘴或露齿，请自然闭合双唇。", "The mouth is open or shows teeth: close the lips."),
    ),
    "sharpness": (
        "Q01",
        Text(
            "照片模糊，请擦净镜头、拿稳手机、对焦在脸上后重新拍摄。",
            "The photo is blurred: clean the lens, hold still, focus on the face.",
        ),
    ),
    "exposure_dark": (
        "L01",
        Text(
            "脸部过暗，请在光线均匀明亮处面向光源拍摄。",
            "The face is too dark: face an even, bright light.",
        ),
    ),
    "exposure_bright": (
        "L01",
        Text(
            "脸部过曝或有反光，请避开强光和闪光灯直射。",
            "The face is overexposed or shiny: avoid hard light and flash.",
        ),
    ),
    "light_left_right": (
        "L02",
        Text(
            "左右脸明暗不均，请正面受光，避免侧光。",
            "One side of the face is darker: light it from the front.",
        ),
    ),
    "colour": (
        "Q01",
        Text(
            "必须是彩色照片，请上传彩色原图。", "The photo must be in colour: upload the original."
        ),
    ),
    "clothes_contrast": (
        "C01",
        Text(
            "衣着颜色与底色相近，请换与底色反差明显的有领上衣。",
            "The clothes have the background's colour: wear something that contrasts.",
        ),
    ),
    "glasses": (
        "H03",
        Text(
            "可能戴有眼镜，请确认镜片无反光、无色，边框不遮眼；禁戴的请摘下。",
            "Glasses seem to be worn: no glare, no tint, no rim over the eyes; take them off if banned.",
        ),
    ),
    "background_plain": (
        "B01",
        Text(
            "背景较杂乱，建议站在纯色墙前约 1 米处拍摄，边缘会更干净。",
            "The background is busy: a plain wall 1 m behind gives cleaner edges.",
        ),
    ),
    "matte_confidence": (
        "B01",
        Text(
            "人像与背景难以分清，请在纯色墙前、穿与墙面不同颜色的衣服重新拍摄。",
            "Person and background are hard to tell apart: use a plain wall unlike your clothes.",
        ),
    ),
    "head_whole": (
        "Q02",
        Text(
            "头顶或头发被画面上边截断，请后退一步，头顶上方留出空白。",
            "The hair is cut by the top edge: step back and leave room above the head.",
        ),
    ),
    "coverage_top": (
        "Q02",
        Text(
            "头顶上方留白不足，请后退一步，头顶上方多留空白。",
            "There is too little room above the head: step back.",
        ),
    ),
    "coverage_bottom": (
        "Q02",
        Text(
            "照片下方不够长，拍不到胸前，请后退一步，拍到胸口以下。",
            "The photo ends too high: step back so that the chest is in it.",
        ),
    ),
    "coverage_sides": (
        "Q02",
        Text(
            "肩部被画面侧边截断，请后退一步并居中，双肩完整入镜。",
            "A shoulder is cut by the side edge: step back and stand in the middle.",
        ),
    ),
    "hair_sides": (
        "Q02",
        Text(
            "头发超出画面两侧，请后退一步，或将头发束起。",
            "Hair leaves the picture at the side: step back or tie it.",
        ),
    ),
    "hair_top": (
        "Q02",
        Text(
            "头顶到眼睛的距离不合规格，请压低高耸的发髻或头饰，平视镜头重新拍摄。",
            "The head is too high above the eyes: flatten a high bun or remove headwear.",
        ),
    ),
    "eye_line": (
        "Q02",
        Text(
            "眼睛位置超出规格范围，请平视镜头、居中拍摄。",
            "The eyes are out of place: look straight.",
        ),
    ),
    "face_width": (
        "Q02",
        Text(
            "脸部宽度超出规格范围，请调整与镜头的距离。",
            "The face width is out of range: change the distance.",
        ),
    ),
    "centre_offset": (
        "Q02",
        Text("脸部不居中，请站在画面正中拍摄。", "The face is off centre: stand in the middle."),
    ),
    "background_colour": (
        "B01",
        Text(
            "背景颜色不符合要求，请在规定底色的幕布前拍摄。",
            "The background is not the required colour: use the prescribed backdrop.",
        ),
    ),
    "file_size": (
        "Q01",
        Text(
            "成品文件大小无法达到要求，请在纯色背景前重新拍摄。",
            "The finished file cannot reach the required size: use a plain background.",
        ),
    ),
}


def judge(code: str, value: float, limits: tuple[Limit, ...]) -> Check:
    """Hold `value` against the bounds, strictest first, and return the line of the report."""
    rejection, advice = ADVICE[code]
    shown = round(float(value), 3)
    for limit in limits:
        if not limit.accepts(float(value)):
            return Check(code, False, shown, _range(limit), limit.severity, advice, rejection)
    tightest = limits[-1] if limits else Limit("note")
    return Check(code, True, shown, _range(tightest), tightest.severity, advice, rejection)


def _range(limit: Limit) -> dict[str, float | None]:
    return {"min": limit.low, "max": limit.high}


def judge_all(values: dict[str, float], standard: Standard) -> list[Check]:
    """Judge every measured value the standard has bounds for."""
    return [
        judge(code, value, standard.limits[code])
        for code, value in values.items()
        if code in standard.limits
    ]


def face_count(count: int) -> Check:
    """Exactly one face: a refusal otherwise."""
    return judge("face_count", count, (Limit("refuse", 1, 1),))


def geometry_checks(geometry: Geometry, standard: Standard) -> list[Check]:
    """Judge the finished picture's geometry against the standard's ranges."""
    return [
        judge("hair_top", geometry.hair_top, (Limit("refuse", *standard.hair_top),)),
        judge("eye_line", geometry.eye_line, (Limit("refuse", *standard.eye_line),)),
        judge("face_width", geometry.face_width, (Limit("refuse", *standard.face_width),)),
        judge(
            "centre_offset",
            geometry.centre_offset,
            (Limit("refuse", -standard.max_centre_offset, standard.max_centre_offset),),
        ),
    ]


def eye_angle(face: Face, standard: Standard) -> Check:
    """A tilted eye line is a failed check, never corrected (DOMAIN section 0.4)."""
    most = standard.max_eye_angle
    gentle = round(0.6 * most, 2)
    return judge(
        "eye_angle",
        face.roll,
        (Limit("refuse", -most, most), Limit("warn", -gentle, gentle)),
    )


def face_values(rgb: RGB, face: Face, scale: float) -> dict[str, float]:
    """Measure the face on the source picture. `scale`: decoded per original pixel."""
    yaw, pitch = head_pose(face)
    original = face.width / scale
    rgb, face = _close_up(rgb, face)
    lab, skin = _skin_lab(rgb, face)
    lightness = lab[..., 0][skin > 0]
    return {
        "face_size": original,
        "head_yaw": abs(yaw),
        "head_pitch": abs(pitch),
        "eyes_open": float(np.mean(face.lid_gaps)),
        "mouth_closed": mouth_gap(face),
        "sharpness": sharpness(rgb, face),
        "exposure_dark": float(np.percentile(lightness, 90)),
        "exposure_bright": float(np.mean(lightness >= 98)),
        "light_left_right": _cheek_difference(lab, face),
        "colour": float(np.mean(np.hypot(lab[..., 1], lab[..., 2])[skin > 0])),
        "glasses": nose_bridge_edge(rgb, face),
    }


def _close_up(rgb: RGB, face: Face) -> tuple[RGB, Face]:
    """Return the neighbourhood of the face only, and the face in its coordinates."""
    low, high = face.points[:, :2].min(axis=0), face.points[:, :2].max(axis=0)
    margin = 0.25 * face.width
    x0, y0 = (max(int(v - margin), 0) for v in low)
    x1, y1 = (max(int(v + margin), 1) for v in high)
    points = face.points - np.array([x0, y0, 0], np.float32)
    irises = face.iris_centres - np.array([x0, y0], np.float32)
    return rgb[y0:y1, x0:x1], replace(face, points=points, iris_centres=irises)


def head_pose(face: Face) -> tuple[float, float]:
    """Return yaw and pitch in degrees from the mesh's own depth; 0, 0 faces the lens.

    Only the sizes are used. Pitch is counted from the neutral position.
    """
    across = np.mean([face.points[b] - face.points[a] for a, b in _PAIRS], axis=0)
    yaw = math.degrees(math.atan2(float(across[2]), float(np.hypot(across[0], across[1]))))
    down = face.points[_CHIN] - face.points[_FOREHEAD]
    pitch = math.degrees(math.atan2(float(down[2]), float(np.hypot(down[0], down[1]))))
    return yaw * _YAW_GAIN, pitch - _NEUTRAL_PITCH


def mouth_gap(face: Face) -> float:
    """Return the gap between the inner lips over the mouth's width."""
    upper, lower, right, left = (face.points[i, :2] for i in _LIPS)
    width = float(np.linalg.norm(left - right))
    return float(np.linalg.norm(lower - upper)) / max(width, 1e-3)


def sharpness(rgb: RGB, face: Face) -> float:
    """Return how much of the eyes' detail a slight blur takes away: the sharper eye, 0..1.

    A blurred photo has little left to lose. The face is looked at 192 px wide at most, so that
    large photos count as they will be seen. Measured: sharp portraits 0.31-0.47, blurred by 1 % of
    the face width 0.08-0.13.
    """
    return max(_reblur_ratio(rgb, eye, face.width) for eye in face.eyes)


def _reblur_ratio(rgb: RGB, eye: Floats, face_width: float) -> float:
    reach_x, reach_y = 0.176 * face_width, 0.128 * face_width
    x0, y0 = (max(int(v), 0) for v in (eye[0] - reach_x, eye[1] - reach_y))
    x1, y1 = (max(int(v), 1) for v in (eye[0] + reach_x, eye[1] + reach_y))
    patch = rgb[y0:y1, x0:x1]
    if min(patch.shape[:2]) < 4:
        return 0.0
    grey: Floats = cv2.cvtColor(np.ascontiguousarray(patch), cv2.COLOR_RGB2GRAY).astype(np.float32)
    shrink = 192 / face_width
    if shrink < 1:
        grey = cv2.resize(grey, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    energy = _gradient_energy(grey)
    return float(1 - _gradient_energy(cv2.GaussianBlur(grey, (0, 0), 1.0)) / max(energy, 1e-3))


def _gradient_energy(grey: Floats) -> float:
    return float(np.abs(np.diff(grey, axis=0)).mean() + np.abs(np.diff(grey, axis=1)).mean())


def _skin_lab(rgb: RGB, face: Face) -> tuple[Floats, RGB]:
    mask = np.zeros(rgb.shape[:2], np.uint8)
    hull = cv2.convexHull(face.points[list(_SKIN), :2].astype(np.int32))
    cv2.fillConvexPoly(mask, hull, 1)
    if not mask.any():
        mask[:] = 1
    lab = cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    return lab, mask


def _cheek_difference(lab: Floats, face: Face) -> float:
    radius = max(2, round(face.width * 0.08))

    def lightness(point: int) -> float:
        x, y = (round(float(v)) for v in face.points[point, :2])
        patch = lab[max(y - radius, 0) : y + radius + 1, max(x - radius, 0) : x + radius + 1, 0]
        return float(np.median(patch)) if patch.size else math.nan

    difference = abs(lightness(_RIGHT_CHEEK) - lightness(_LEFT_CHEEK))
    return difference if math.isfinite(difference) else 0.0


def nose_bridge_edge(rgb: RGB, face: Face) -> float:
    """Return how strong a horizontal edge lies on the nose bridge (a hint of glasses).

    Largest step of the row means, over 60 grey levels, on a strip from brow to mid nose.
    """
    top, bottom = face.points[9, :2], face.points[195, :2]
    half = 0.045 * face.width
    centre = (top + bottom) / 2
    x0, x1 = round(float(centre[0] - half)), round(float(centre[0] + half)) + 1
    y0, y1 = round(float(top[1])), round(float(bottom[1])) + 1
    strip = rgb[max(y0, 0) : max(y1, 1), max(x0, 0) : max(x1, 1)]
    if strip.shape[0] < 4 or strip.shape[1] < 2:
        return 0.0
    grey = cv2.cvtColor(np.ascontiguousarray(strip), cv2.COLOR_RGB2GRAY)
    rows = cv2.resize(grey, (8, 32), interpolation=cv2.INTER_AREA).astype(np.float32).mean(axis=1)
    return float(np.abs(rows[2:] - rows[:-2]).max() / 60)


def face_complete(face: Face, shape: tuple[int, ...]) -> Check:
    """Refuse a face whose outline leaves the picture. Value: share of the outline outside."""
    points = face.points[list(_OVAL), :2]
    slack = 0.01 * face.width
    outside = (points < -slack) | (points > np.array([shape[1], shape[0]]) - 1 + slack)
    share = float(outside.any(axis=1).mean())
    return judge("face_complete", share, (Limit("refuse", high=0.03),))


def clothes_contrast(
    rgb: RGB, alpha: Floats, chin: float, background: tuple[int, int, int]
) -> float:
    """Return the share of the clothes (below the chin, on the finished frame) like the background.

    Like: CIEDE2000 below 15. Every fourth pixel is looked at.
    """
    top = int(min(max(chin + 25, 0), rgb.shape[0] - 20))
    body = rgb[top::4, ::4][alpha[top::4, ::4] > 0.95]
    if len(body) < 50:
        return 0.0
    wall = np.full((1, 1, 3), background, np.float32) / 255
    lab = cv2.cvtColor(body[None].astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[0]
    return float(np.mean(ciede2000(lab, cv2.cvtColor(wall, cv2.COLOR_RGB2LAB)[0, 0]) < 15))


def ciede2000(lab: Floats, other: Floats) -> Floats:
    """Return the CIEDE2000 difference of (N, 3) Lab colours to one Lab colour (CIE 142:2001)."""
    light, a, b = (lab[..., i].astype(np.float64) for i in range(3))
    light2, a2, b2 = (float(v) for v in other)
    mean_c = (np.hypot(a, b) + math.hypot(a2, b2)) / 2
    gain = 1.5 - 0.5 * np.sqrt(mean_c**7 / (mean_c**7 + 25.0**7))
    c1, c2 = np.hypot(a * gain, b), np.hypot(a2 * gain, b2)
    h1, h2 = np.arctan2(b, a * gain) % (2 * np.pi), np.arctan2(b2, a2 * gain) % (2 * np.pi)
    turn = h2 - h1
    turn = np.where(turn > np.pi, turn - 2 * np.pi, np.where(turn < -np.pi, turn + 2 * np.pi, turn))
    gray = c1 * c2 == 0
    turn = np.where(gray, 0.0, turn)
    delta_h = 2 * np.sqrt(c1 * c2) * np.sin(turn / 2)
    mean_h = np.where(gray, h1 + h2, (h1 + h2) / 2)
    wraps = (np.abs(h1 - h2) > np.pi) & ~gray
    mean_h = np.where(wraps, np.where(h1 + h2 < 2 * np.pi, mean_h + np.pi, mean_h - np.pi), mean_h)
    mean_l, chroma = (light + light2) / 2, (c1 + c2) / 2
    t = (
        1
        - 0.17 * np.cos(mean_h - np.pi / 6)
        + 0.24 * np.cos(2 * mean_h)
        + 0.32 * np.cos(3 * mean_h + np.deg2rad(6))
        - 0.20 * np.cos(4 * mean_h - np.deg2rad(63))
    )
    s_l = 1 + 0.015 * (mean_l - 50) ** 2 / np.sqrt(20 + (mean_l - 50) ** 2)
    s_c, s_h = 1 + 0.045 * chroma, 1 + 0.015 * chroma * t
    theta = np.deg2rad(30) * np.exp(-(((np.rad2deg(mean_h) - 275) / 25) ** 2))
    rotate = -2 * np.sqrt(chroma**7 / (chroma**7 + 25.0**7)) * np.sin(2 * theta)
    dl, dc, dh = (light2 - light) / s_l, (c2 - c1) / s_c, delta_h / s_h
    result: Floats = np.sqrt(np.maximum(dl**2 + dc**2 + dh**2 + rotate * dc * dh, 0)).astype(
        np.float32
    )
    return result
