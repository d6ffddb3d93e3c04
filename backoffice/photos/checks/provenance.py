"""Where the picture comes from: a person before a lens, or a screen, an editor, a statue."""

from __future__ import annotations

import cv2
import numpy as np

from backoffice.i18n import Text
from backoffice.photos.arrays import RGB, Floats
from backoffice.photos.checks.kinds import Kind
from backoffice.photos.checks.views import CloseUp, to_lab
from backoffice.photos.marks import Marks

PATCH_PX = 256  # camera pixels a side of the patch the screen pattern is looked for in
_LEAST_PX = 96
_AROUND = 15  # spectral lines a side whose median a line is held against
_FINE_GRAIN = 0.2  # L*: skin smoothed by a beauty filter has a third of it, drawings hardly any
_DARKEST, _BRIGHTEST = 15.0, 92.0  # L*: beyond them a camera clips and there is no grain to see
_COLOURFUL = 8.0  # chroma: below it the whole picture is black and white, another check's matter

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
        "seen_elsewhere",
        Text("与他人照片不同", "Unlike other photos"),
        "Z03",
        Text(
            "系统中已有相同或几乎相同的照片，审核人员将进一步核对。",
            "The same or nearly the same photo is already known; a reviewer will compare.",
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


def screen_pattern(grey: RGB) -> float:
    """Return how far the strongest regular grid stands out of the spectrum (natural logarithm).

    grey: a square in the pixels of the camera; a scaled decode has lost the grid. Measured: faces
    1.2-2.3 (also after heavy compression), simulated screens 2.3-5.
    """
    side = min(*grey.shape[:2], PATCH_PX)
    if side < _LEAST_PX:
        return 0.0
    y0, x0 = (grey.shape[0] - side) // 2, (grey.shape[1] - side) // 2
    plane = grey[y0 : y0 + side, x0 : x0 + side].astype(np.float32)
    return _peak(plane, cv2.createHanningWindow((side, side), cv2.CV_32F))


def _peak(plane: Floats, window: Floats) -> float:
    """Return the log of the largest spectral line over the log of its surroundings' median."""
    side = plane.shape[0]
    middle = side // 2
    waves = cv2.dft((plane - plane.mean()) * window, flags=cv2.DFT_COMPLEX_OUTPUT)
    spectrum = np.fft.fftshift(cv2.magnitude(waves[..., 0], waves[..., 1]))
    # A real picture's spectrum is the same on both sides: one is looked at.
    level = np.log1p(spectrum[:, : middle + 1 + _AROUND // 2])
    coarse = (level * 20).clip(0, 255).astype(np.uint8)
    around = cv2.medianBlur(coarse, _AROUND).astype(np.float32) / 20
    lift = (level - around)[:, : middle - 1]  # without JPEG's own lines along the axes
    lift[middle - 1 : middle + 2] = 0
    rows, columns = np.ogrid[:side, : middle - 1]
    lift[np.hypot(rows - middle, columns - middle) < 0.06 * side] = 0
    return float(lift.max())


def scene_chroma(rgb: RGB) -> float:
    """Return the chroma (L*a*b*) the most colourful twentieth of the picture has."""
    step = max(1, min(rgb.shape[:2]) // 64)
    lab = to_lab(np.ascontiguousarray(rgb[::step, ::step]))
    return float(np.percentile(np.hypot(lab[..., 1], lab[..., 2]), 95))


def live_face(view: CloseUp, chroma_around: float, *, sharp: bool, lit: bool) -> float:
    """Return how much of a living face's colour and texture there is: 0 none, 1 enough.

    Stone and plaster have next to no red that varies; drawings have sharp lines on skin without
    grain. Measured on ten people, also dimmed, recompressed and smoothed by a beauty filter: 0.2
    and more; heads turned to marble at most 0.04, flat drawings 0.08. Painted statues, photo-like
    paintings and cartoon filters are not told apart from people. `sharp`, `lit`: a blurred or wrongly exposed face says nothing about either.
    """
    values = [1.0]
    if sharp:
        values.append(skin_grain(view) / _FINE_GRAIN)
    if lit and chroma_around >= _COLOURFUL:
        chroma = float(np.hypot(view.skin[:, 1], view.skin[:, 2]).mean())
        values.append((chroma / 20) * (float(view.skin[:, 1].std()) / 3))
    return min(values)


def skin_grain(view: CloseUp) -> float:
    """Return how rough the skin's smoothest quarter is, in L*; `_FINE_GRAIN` where nothing is seen.

    The quarter, so that the lines of a drawing do not count as grain. What is clipped or black has
    none in any photo and is left out.
    """
    lightness = view.lab[..., 0]
    seen = (view.skin_mask > 0) & (lightness > _DARKEST) & (lightness < _BRIGHTEST)
    if seen.sum() < 0.3 * view.skin_mask.sum():
        return _FINE_GRAIN
    rough = np.abs(lightness - cv2.GaussianBlur(lightness, (0, 0), 1.2))
    return float(np.percentile(rough[seen], 25))
