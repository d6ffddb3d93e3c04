"""The matte: how much of each pixel belongs to the person (0..1), in the working frame.

Plain wall: MediaPipe's selfie segmentation, its edge refined by colour. Clutter: fused with a rembg
model (`u2netp` by default, its ONNX session run directly; any other rembg model by name, imported
lazily: the import alone costs 161 MB a worker). FEASIBILITY sections 2 and 9.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from backoffice.photos.arrays import RGB, Floats
from backoffice.photos.models import model_path
from backoffice.photos.onnx_shape import with_input_shape

Rect = tuple[int, int, int, int]

PLAIN_RMS_LAB = 5.5  # a wall smoother than this is plain (measured gate)
_TRUST = 0.65  # the selfie matte's weight where both are heard
_CONTRADICTED = 0.35  # share of the outline
_U2NETP_SIZE = (192, 256)  # width, height: half the cost of 320x320 and better on portraits
_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_STD = np.array([0.229, 0.224, 0.225], np.float32)


@dataclass(frozen=True)
class Matte:
    """`alpha`: (H, W) in 0..1. `background_rms`: Lab units, how far the wall is from smooth.

    `confidence`: 0..1, how little of the person's area is undecided or disputed.
    """

    alpha: Floats
    plain: bool
    background_rms: float
    confidence: float
    method: str


class MattingNets:
    """The warm segmentation networks; the rembg model is loaded at its first use."""

    def __init__(self, models_dir: Path, model: str = "u2netp") -> None:
        self._models_dir = models_dir
        self.model = model
        self._selfie = cv2.dnn.readNetFromTFLite(
            str(model_path(models_dir, "selfie_segmentation")), cv2.dnn.ENGINE_CLASSIC
        )
        model_path(models_dir, model)  # absent: say so now, not at the first cluttered photo
        self._session: Any = None

    def selfie(self, rgb: RGB) -> Floats:
        """Return the selfie matte of a picture, same height and width."""
        small = cv2.resize(rgb, (256, 256), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        self._selfie.setInput(np.ascontiguousarray(small.transpose(2, 0, 1)[None]))
        alpha = self._selfie.forward("activation_10").reshape(256, 256)
        return _resize(alpha, rgb)

    def rembg(self, rgb: RGB) -> Floats:
        """Return the matte of the rembg model, same height and width."""
        if self._session is None:
            self._session = self._load()
        if self.model != "u2netp":
            mask = self._session.predict(Image.fromarray(rgb))[0]
            return _resize(np.asarray(mask, dtype=np.float32) / 255, rgb)
        small = cv2.resize(rgb, _U2NETP_SIZE, interpolation=cv2.INTER_AREA).astype(np.float32)
        scaled = (small / max(float(small.max()), 1e-6) - _MEAN) / _STD
        name = self._session.get_inputs()[0].name
        first = self._session.get_outputs()[0].name
        (raw,) = self._session.run([first], {name: scaled.transpose(2, 0, 1)[None]})
        alpha = raw[0, 0]
        return _resize((alpha - alpha.min()) / max(float(np.ptp(alpha)), 1e-6), rgb)

    def _load(self) -> Any:
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.enable_mem_pattern = False  # a quarter less memory at no cost
        path = model_path(self._models_dir, self.model)
        if self.model == "u2netp":
            model = with_input_shape(path.read_bytes(), (1, 3, *_U2NETP_SIZE[::-1]))
            return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        return _rembg_session(self.model, path, options)


def _rembg_session(name: str, path: Path, options: Any) -> Any:
    """Return rembg's session class `name` on a local file; it never downloads."""
    from rembg.sessions import sessions_class

    for base in sessions_class:
        if base.name() == name:
            local = type(
                f"Local{base.__name__}",
                (base,),
                {"download_models": classmethod(lambda cls, *args, **kwargs: str(path))},
            )
            return local(name, options, providers=["CPUExecutionProvider"])
    raise ValueError(f"rembg has no model named {name!r}")


def _resize(alpha: Floats, like: RGB) -> Floats:
    size = (like.shape[1], like.shape[0])
    return np.clip(cv2.resize(alpha, size, interpolation=cv2.INTER_CUBIC), 0, 1).astype(np.float32)


def person_matte(nets: MattingNets, rgb: RGB, valid: Rect, face: tuple[float, float]) -> Matte:
    """Return the matte of the person whose face is at `face` (x, y) in the working frame.

    valid: left, top, right, bottom of the part that lies inside the source; the networks see only
    that (repeated edge pixels make them drop clothes). Outside it alpha is continued from the edge.
    """
    left, top, right, bottom = valid
    part = np.ascontiguousarray(rgb[top:bottom, left:right])
    coarse = nets.selfie(part)
    background = _smooth_wall(part, coarse)
    plain = background.rms < PLAIN_RMS_LAB
    disputed = 0.0
    if plain:
        alpha = _colour_matte(part, coarse, background)
        method = "selfie+colour"
    else:
        second = nets.rembg(part)
        disputed = _dispute(coarse, second)
        coarse = _fuse(coarse, second)
        alpha = _snap_to_edges(part, coarse)
        method = f"selfie+{nets.model}"
    alpha = _one_person(alpha, (face[0] - left, face[1] - top))
    whole = cv2.copyMakeBorder(
        alpha,
        top,
        rgb.shape[0] - bottom,
        left,
        rgb.shape[1] - right,
        cv2.BORDER_REPLICATE,
    )
    whole[:top] = 0  # above the picture there is only wall; cut hair is found on the edge row
    return Matte(whole, plain, background.rms, _confidence(alpha, disputed), method)


@dataclass(frozen=True)
class _Wall:
    colour: Floats  # (H, W, 3) RGB 0..255, the wall continued behind the person
    rms: float
    variance: float


def _disc(radius: int) -> RGB:
    shape: RGB = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return shape


def _smooth_wall(rgb: RGB, alpha: Floats) -> _Wall:
    """Fit a cubic surface to the sure background; its Lab residual tells plain from clutter."""
    sure = cv2.erode((alpha < 0.05).astype(np.uint8), _disc(9))
    height, width = alpha.shape
    step = 4
    lab = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB).astype(np.float32)
    lab[..., 0] *= 100 / 255
    picked = np.zeros_like(sure)
    picked[::step, ::step] = sure[::step, ::step]
    ys, xs = np.nonzero(picked)
    if len(ys) < 60:
        return _Wall(np.full((height, width, 3), 255, np.float32), 99.0, 1e6)
    basis = _cubic(xs / width, ys / height)
    lab_fit, *_ = np.linalg.lstsq(basis, lab[ys, xs], rcond=None)
    rms = float(np.sqrt(np.mean(np.sum((lab[ys, xs] - basis @ lab_fit) ** 2, axis=1))))
    if rms >= PLAIN_RMS_LAB:
        return _Wall(np.zeros((1, 1, 3), np.float32), rms, 1e6)
    colours = rgb[ys, xs].astype(np.float32)
    fit, *_ = np.linalg.lstsq(basis, colours, rcond=None)
    grid_y, grid_x = np.mgrid[0:height:8, 0:width:8]
    coarse = _cubic(grid_x.ravel() / width, grid_y.ravel() / height) @ fit
    surface = cv2.resize(
        coarse.reshape(*grid_x.shape, 3).astype(np.float32),
        (grid_x.shape[1] * 8, grid_x.shape[0] * 8),
        interpolation=cv2.INTER_LINEAR,
    )[:height, :width]
    # Follow the real wall where it is near: shadows beside the head are no person.
    weight = sure.astype(np.float32)
    rest = (rgb.astype(np.float32) - surface) * weight[..., None]
    near = cv2.blur(weight, (61, 61)) + 0.02
    surface = np.clip(surface + cv2.blur(rest, (61, 61)) / near[..., None], 0, 255)
    variance = float(np.mean((rgb.astype(np.float32) - surface)[sure > 0] ** 2))
    return _Wall(surface.astype(np.float32), rms, variance)


def _cubic(x: Any, y: Any) -> Floats:
    x, y = np.asarray(x, np.float32), np.asarray(y, np.float32)
    one = np.ones_like(x)
    columns = [one, x, y, x * x, x * y, y * y, x**3, y**3]
    return np.stack(columns, axis=1).astype(np.float32)


def _fill(colour: Floats, mask: Floats, sizes: tuple[int, ...]) -> Floats:
    """Continue `colour` from where mask is 1: blurred with growing windows until covered."""
    result = np.zeros_like(colour)
    todo = np.ones(mask.shape, np.float32)
    for size in sizes:
        weight = cv2.blur(mask, (size, size))
        value = cv2.blur(colour * mask[..., None], (size, size)) / (weight[..., None] + 1e-4)
        share = todo * np.clip(weight * 8, 0, 1)
        result += value * share[..., None]
        todo -= share
    return result + colour * todo[..., None]


def _colour_matte(rgb: RGB, coarse: Floats, wall: _Wall) -> Floats:
    """Refine the edge band by where each pixel's colour lies between wall and person."""
    picture = rgb.astype(np.float32)
    core = cv2.erode((coarse > 0.9).astype(np.uint8), _disc(7)).astype(np.float32)
    near = cv2.dilate((coarse > 0.5).astype(np.uint8), _disc(13)) > 0
    band = near & (core == 0)
    person = _fill(picture, core, (9, 21, 61))
    spread = _fill((picture - person) ** 2, core, (21, 61)).mean(axis=2)
    towards = person - wall.colour
    distance = np.sum(towards**2, axis=2)
    alpha = np.sum((picture - wall.colour) * towards, axis=2) / (distance + 1e-3)
    noise = 3 * np.sqrt(wall.variance / (distance + 1.0))
    alpha = np.clip((alpha - noise) / np.maximum(0.92 - noise, 0.1), 0, 1)
    trust = distance / (distance + 60 * wall.variance + 3 * spread + 100)
    # Also keep what is surely no wall although its colour is not the person's inner colour.
    apart = np.sum((picture - wall.colour) ** 2, axis=2)
    solid = np.clip(apart / (40 * wall.variance + 900) - 0.5, 0, 1) * np.clip(coarse * 2, 0, 1)
    mixed = trust * np.maximum(alpha, solid * (coarse > 0.4)) + (1 - trust) * coarse
    return np.where(band, mixed, np.where(core > 0, 1.0, 0.0)).astype(np.float32)


def _fuse(selfie: Floats, second: Floats) -> Floats:
    """Combine the two mattes near the selfie matte's outline; deep inside and far off it rules.

    The selfie network knows people and rarely loses one; the general one draws finer outlines but
    drops dark hair and clothes, or takes in what stands behind. Where it contradicts most of the
    outline, it is not heard at all.
    """
    inside = cv2.erode((selfie > 0.9).astype(np.uint8), _disc(16)) > 0
    outside = cv2.dilate((selfie > 0.1).astype(np.uint8), _disc(16)) == 0
    band = ~inside & ~outside
    contradicted = float((np.abs(selfie - second)[band] > 0.5).mean()) if band.any() else 0.0
    if contradicted > _CONTRADICTED:
        return selfie
    mixed = np.clip((_TRUST * selfie + (1 - _TRUST) * second - 0.3) / 0.4, 0, 1)
    return np.where(inside, 1.0, np.where(outside, 0.0, mixed)).astype(np.float32)


def _dispute(selfie: Floats, second: Floats) -> float:
    """Return the share of the person's area over which the two networks disagree, edges aside."""
    area = max(float((np.maximum(selfie, second) > 0.5).sum()), 1.0)
    apart = (np.abs(selfie - second) > 0.5).astype(np.uint8)
    return float(cv2.erode(apart, _disc(4)).sum()) / area


def _snap_to_edges(rgb: RGB, alpha: Floats) -> Floats:
    """Guided filter (He et al. 2010) with the colour picture as guide, in a band at the edge."""
    guide = rgb.astype(np.float32) / 255
    refined = _guided(guide, alpha, 7, 2e-4)
    refined = np.clip((refined - 0.22) / 0.58, 0, 1)
    # Texture of the old background leaves specks on the outline: a small median takes them away.
    refined = cv2.medianBlur((refined * 255).astype(np.uint8), 3).astype(np.float32) / 255
    inner = cv2.erode((alpha > 0.95).astype(np.uint8), _disc(8)) > 0
    outer = cv2.dilate((alpha > 0.05).astype(np.uint8), _disc(4)) == 0
    return np.where(inner, 1.0, np.where(outer, 0.0, refined)).astype(np.float32)


def _guided(guide: Floats, plane: Floats, radius: int, epsilon: float) -> Floats:
    def mean(values: Floats) -> Floats:
        out: Floats = cv2.blur(values, (2 * radius + 1, 2 * radius + 1))
        return out

    m_guide, m_plane = mean(guide), mean(plane)
    covariance = mean(guide * plane[..., None]) - m_guide * m_plane[..., None]
    spread = {
        (i, j): mean(guide[..., i] * guide[..., j]) - m_guide[..., i] * m_guide[..., j]
        for i in range(3)
        for j in range(i, 3)
    }
    slope = _solve_symmetric(spread, covariance, epsilon)
    offset = m_plane - np.sum(slope * m_guide, axis=2)
    refined = np.sum(mean(slope) * guide, axis=2) + mean(offset)
    clipped: Floats = np.clip(refined, 0, 1).astype(np.float32)
    return clipped


def _solve_symmetric(m: dict[tuple[int, int], Floats], right: Floats, epsilon: float) -> Floats:
    """Solve a symmetric 3x3 system per pixel by its adjugate: a tenth of LAPACK's time here."""
    a, d, f = (m[i, i] + epsilon for i in range(3))
    b, c, e = m[0, 1], m[0, 2], m[1, 2]
    x, y, z = right[..., 0], right[..., 1], right[..., 2]
    aa, bb, cc = d * f - e * e, c * e - b * f, b * e - c * d
    dd, ee, ff = a * f - c * c, b * c - a * e, a * d - b * b
    determinant = a * aa + b * bb + c * cc
    rows = (aa * x + bb * y + cc * z, bb * x + dd * y + ee * z, cc * x + ee * y + ff * z)
    solved: Floats = np.stack(rows, axis=-1) / determinant[..., None]
    return solved


def _one_person(alpha: Floats, face: tuple[float, float]) -> Floats:
    """Keep the blob the face belongs to and fill what is enclosed by it."""
    solid = (alpha > 0.35).astype(np.uint8)
    x = int(np.clip(face[0], 0, alpha.shape[1] - 1))
    y = int(np.clip(face[1], 0, alpha.shape[0] - 1))
    _, labels = cv2.connectedComponents(solid, connectivity=4)
    if labels[y, x] == 0:
        return np.zeros_like(alpha)
    mine = (labels == labels[y, x]).astype(np.uint8)
    keep = cv2.dilate(mine, _disc(6))
    # Small holes are faults (a white collar on a white wall); larger ones may be arms or curls.
    _, holes, stats, _ = cv2.connectedComponentsWithStats(1 - mine, connectivity=4)
    small = stats[:, cv2.CC_STAT_AREA] < 0.004 * alpha.size
    small[0] = False
    filled = np.where(small[holes], 1.0, alpha)
    return np.where(keep > 0, filled, 0.0).astype(np.float32)


def _confidence(alpha: Floats, disputed: float) -> float:
    person = float((alpha > 0.5).sum())
    if person < 1:
        return 0.0
    unsure = ((alpha > 0.15) & (alpha < 0.85)).astype(np.uint8)
    islands = float(cv2.erode(unsure, _disc(2)).sum())
    return float(np.clip(1 - 2.0 * islands / person - 0.4 * disputed, 0, 1))
