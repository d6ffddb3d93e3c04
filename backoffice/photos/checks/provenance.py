"""Where the picture comes from: a person before a lens, or a screen, an editor, a statue."""

from __future__ import annotations

import cv2
import numpy as np

from backoffice.i18n import Text
from backoffice.photos.arrays import RGB, Floats
from backoffice.photos.checks.kinds import Kind
from backoffice.photos.checks.views import CloseUp
from backoffice.photos.marks import Marks

_TILE = 256  # native pixels a side of the patch the screen pattern is looked for in

KINDS = (
    Kind(
        "live_face",
        Text("真人实拍", "A living face"),
        "Z01",
        Text(
            "没有识别到真人面部（可能是雕像、绘画或图片），请直接拍摄本人。",
            "This does not look like a living face (a statue, a drawing?): photograph the person.",
        ),
    ),
    Kind(
        "screen_pattern",
        Text("非翻拍屏幕", "No screen pattern"),
        "Z01",
        Text(
            "照片像是翻拍的屏幕或印刷品，请直接拍摄本人。",
            "This looks like a photo of a screen or a print: photograph the person directly.",
        ),
    ),
    Kind(
        "screenshot",
        Text("非截图", "No screenshot"),
        "Z01",
        Text(
            "文件是截图，请上传手机拍摄的原图。",
            "The file is a screenshot: upload the original photo.",
        ),
    ),
    Kind(
        "editing_traces",
        Text("无修图痕迹", "No editing traces"),
        "Z02",
        Text(
            "文件带有修图软件的痕迹，请上传未经修改、美颜的原图。",
            "The file carries marks of editing software: upload the unedited original.",
        ),
    ),
    Kind(
        "front_camera",
        Text("后置摄像头", "Rear camera"),
        "Q01",
        Text(
            "照片由前置摄像头拍摄，可能左右镜像，建议由他人用后置摄像头拍摄。",
            "Taken with the front camera and possibly mirrored: let a helper use the rear camera.",
        ),
    ),
    Kind(
        "seen_before",
        Text("未重复使用", "Not used before"),
        "Z03",
        Text(
            "这张照片与之前未通过的照片相同或几乎相同，请重新拍摄。",
            "This is the same picture as one rejected before: take a new photo.",
        ),
    ),
)


def from_marks(marks: Marks) -> dict[str, float]:
    """Return what the file itself says: counts of editors, 0 or 1 for the rest."""
    values = {
        "editing_traces": float(len(marks.editors)),
        "screenshot": float(marks.screenshot),
        "front_camera": float(marks.front_camera),
    }
    if marks.jpeg_quality is not None:
        values["compression"] = float(marks.jpeg_quality)
    return values


def screen_pattern(native: RGB) -> float:
    """Return the strongest regular grid of a patch: its peak in the spectrum over the local median.

    native: a patch in the pixels of the camera; a scaled decode has lost the grid.
    """
    side = min(native.shape[0], native.shape[1], _TILE)
    if side < 96:
        return 0.0
    y0, x0 = (native.shape[0] - side) // 2, (native.shape[1] - side) // 2
    patch = np.ascontiguousarray(native[y0 : y0 + side, x0 : x0 + side])
    planes = cv2.cvtColor(patch, cv2.COLOR_RGB2YCrCb).astype(np.float32)
    window = cv2.createHanningWindow((side, side), cv2.CV_32F)
    return max(_peak(planes[..., i], window) for i in range(3))


def _peak(plane: Floats, window: Floats) -> float:
    """Return the log of the largest spectral line over the log of its surroundings' median."""
    spectrum = np.abs(np.fft.fftshift(np.fft.fft2((plane - plane.mean()) * window)))
    level = np.log1p(spectrum).astype(np.float32)
    around = cv2.medianBlur((level * 20).clip(0, 255).astype(np.uint8), 15).astype(np.float32) / 20
    middle = level.shape[0] // 2
    rows, columns = np.ogrid[: level.shape[0], : level.shape[1]]
    low = np.hypot(rows - middle, columns - middle) < 0.06 * level.shape[0]
    lift = level - around
    lift[low] = 0
    lift[middle - 1 : middle + 2] = 0  # JPEG's own lines along the axes
    lift[:, middle - 1 : middle + 2] = 0
    return float(lift.max())


def live_face(view: CloseUp, scene_chroma: float) -> float:
    """TODO"""
    return 1.0
