"""Eyes: lids, gaze, red pupils, glasses."""

from __future__ import annotations

import cv2
import numpy as np

from backoffice.i18n import Text
from backoffice.photos.arrays import RGB
from backoffice.photos.checks.kinds import Kind
from backoffice.photos.checks.views import CloseUp
from backoffice.photos.face import Face

# Corners of each eye from the viewer's left to right.
_CORNERS = ((33, 133), (362, 263))


KINDS = (
    Kind(
        "eyes_open",
        Text("睁眼", "Eyes open"),
        "P03",
        Text("双眼未完全睁开，请自然睁眼、注视镜头。", "The eyes are not open: look at the lens."),
        ofiq="EyesOpen",
    ),
    Kind(
        "gaze",
        Text("注视镜头", "Looking at the lens"),
        "P03",
        Text("视线偏离镜头，请注视镜头中心。", "The eyes look aside: look into the lens."),
    ),
    Kind(
        "red_eye",
        Text("红眼", "Red eyes"),
        "L02",
        Text(
            "瞳孔发红（红眼），请关闭闪光灯重新拍摄。", "The pupils are red: switch the flash off."
        ),
    ),
    Kind(
        "glasses",
        Text("眼镜", "Glasses"),
        "H03",
        Text(
            "可能戴有眼镜，请确认镜片无反光、无色，边框不遮眼；禁戴的请摘下。",
            "Glasses seem to be worn: no glare, no tint, no rim over the eyes; take them off if banned.",
        ),
    ),
)


def measure(view: CloseUp) -> dict[str, float]:
    """Return the measures of this family."""
    return {
        "eyes_open": float(np.mean(view.face.lid_gaps)),
        "gaze": gaze_offset(view.face),
        "red_eye": red_share(view),
        "glasses": nose_bridge_edge(view.rgb, view.face),
    }


def gaze_offset(face: Face) -> float:
    """Return how far the irises stand off the middle of the eyes, as a share of the eye's width.

    Both eyes together, so that looking at something near (eyes turned inwards) counts nothing.
    """
    shares = []
    for (left, right), iris in zip(_CORNERS, face.iris_centres, strict=True):
        start, end = face.points[left, :2], face.points[right, :2]
        along = end - start
        shares.append(float(np.dot(iris - start, along) / max(float(np.dot(along, along)), 1e-6)))
    return abs(sum(shares) / 2 - 0.5)


def red_share(view: CloseUp) -> float:
    """Return the share of the inner iris that is strongly red: the worse eye."""
    radius = 0.55 * view.face.iris_radius
    shares = []
    for x, y in view.face.iris_centres:
        x0, y0 = (max(int(v - radius), 0) for v in (x, y))
        disc = view.rgb[y0 : int(y + radius) + 1, x0 : int(x + radius) + 1].reshape(-1, 3)
        if len(disc) < 9:
            continue
        red, rest = disc[:, 0].astype(int), disc[:, 1:].max(axis=1).astype(int)
        shares.append(float(np.mean((red > 80) & (red > 2.4 * rest))))
    return max(shares, default=0.0)


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
