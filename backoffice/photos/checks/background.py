"""The wall behind the person, the matte, and the clothes against the new background."""

from __future__ import annotations

import cv2
import numpy as np

from backoffice.i18n import Text
from backoffice.photos.arrays import RGB, Floats
from backoffice.photos.checks.colour_difference import ciede2000
from backoffice.photos.checks.kinds import Kind
from backoffice.photos.checks.views import Portrait, to_lab

KINDS = (
    Kind(
        "background_plain",
        Text("原背景整洁", "Plain background"),
        "B01",
        Text(
            "背景较杂乱，建议站在纯色墙前约 1 米处拍摄，边缘会更干净。",
            "The background is busy: a plain wall 1 m behind gives cleaner edges.",
        ),
        ofiq="BackgroundUniformity",
    ),
    Kind(
        "background_shadow",
        Text("原背景无阴影", "No shadow on the wall"),
        "B01",
        Text(
            "身后墙面有明显阴影，请离墙约 1 米、正面受光。",
            "The wall behind shows a shadow: stand 1 m away from it, lit from the front.",
        ),
    ),
    Kind(
        "matte_confidence",
        Text("抠图可信度", "Cut-out confidence"),
        "B01",
        Text(
            "人像与背景难以分清，请在纯色墙前、穿与墙面不同颜色的衣服重新拍摄。",
            "Person and background are hard to tell apart: use a plain wall unlike your clothes.",
        ),
    ),
    Kind(
        "background_colour",
        Text("背景颜色", "Background colour"),
        "B01",
        Text(
            "背景颜色不符合要求，请在规定底色的幕布前拍摄。",
            "The background is not the required colour: use the prescribed backdrop.",
        ),
    ),
    Kind(
        "clothes_contrast",
        Text("衣着与背景反差", "Clothes contrast"),
        "C01",
        Text(
            "衣着颜色与底色相近，请换与底色反差明显的有领上衣。",
            "The clothes have the background's colour: wear something that contrasts.",
        ),
    ),
)


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


def wall_shadow(portrait: Portrait) -> float:
    """Return how much darker than the wall its darkest fiftieth is, in L*: a shadow is small."""
    sure = cv2.erode((portrait.alpha < 0.02).astype(np.uint8), np.ones((15, 15), np.uint8))
    few = to_lab(np.ascontiguousarray(portrait.rgb[::3, ::3]))
    lightness = few[..., 0][sure[::3, ::3] > 0]
    if len(lightness) < 200:
        return 0.0
    middle, dark = np.percentile(lightness, (50, 2))
    return float(middle - dark)


def away_from(rgb: RGB, alpha: Floats, background: tuple[int, int, int]) -> float:
    """Return the median CIEDE2000 between the picture's own wall and the standard's colour."""
    wall = to_lab(rgb)[alpha < 0.02]
    wanted = to_lab(np.array([[background]], np.uint8))[0, 0]
    return float(np.median(ciede2000(wall, wanted))) if len(wall) else 99.0
