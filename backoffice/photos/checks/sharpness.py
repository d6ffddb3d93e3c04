"""Resolution, sharpness, compression."""

from __future__ import annotations

import cv2
import numpy as np

from backoffice.i18n import Text
from backoffice.photos.arrays import RGB, Floats
from backoffice.photos.checks.kinds import Kind
from backoffice.photos.face import Face

KINDS = (
    Kind(
        "face_size",
        Text("人脸清晰尺寸", "Face size"),
        "Q01",
        Text(
            "脸部像素过低，请用后置摄像头靠近一些拍摄，不要使用缩略图或截图。",
            "The face has too few pixels: use the rear camera, come closer, no thumbnail.",
        ),
        ofiq="InterEyeDistance",
    ),
    Kind(
        "sharpness",
        Text("清晰度", "Sharpness"),
        "Q01",
        Text(
            "照片模糊，请擦净镜头、拿稳手机、对焦在脸上后重新拍摄。",
            "The photo is blurred: clean the lens, hold still, focus on the face.",
        ),
        ofiq="Sharpness",
    ),
    Kind(
        "compression",
        Text("压缩质量", "Compression"),
        "Q01",
        Text(
            "照片压缩过度，请上传手机拍摄的原图，不要用聊天软件转发。",
            "The photo is heavily compressed: upload the original, not one sent through a chat.",
        ),
        ofiq="CompressionArtifacts",
    ),
)


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
