"""Light and colour on the face."""

from __future__ import annotations

import math

import numpy as np

from backoffice.i18n import Text
from backoffice.photos.arrays import Floats
from backoffice.photos.checks.kinds import Kind
from backoffice.photos.checks.views import CloseUp

_RIGHT_CHEEK, _LEFT_CHEEK = 50, 280


KINDS = (
    Kind(
        "exposure_dark",
        Text("偏暗", "Too dark"),
        "L01",
        Text(
            "脸部过暗，请在光线均匀明亮处面向光源拍摄。",
            "The face is too dark: face an even, bright light.",
        ),
        ofiq="UnderExposurePrevention",
    ),
    Kind(
        "exposure_bright",
        Text("过曝", "Over-exposed"),
        "L01",
        Text(
            "脸部过曝或有反光，请避开强光和闪光灯直射。",
            "The face is overexposed or shiny: avoid hard light and flash.",
        ),
        ofiq="OverExposurePrevention",
    ),
    Kind(
        "light_left_right",
        Text("左右光线", "Side light"),
        "L02",
        Text(
            "左右脸明暗不均，请正面受光，避免侧光。",
            "One side of the face is darker: light it from the front.",
        ),
        ofiq="IlluminationUniformity",
    ),
    Kind(
        "hot_spots",
        Text("高光反光", "Hot spots"),
        "L02",
        Text(
            "额头、鼻梁或脸颊有反光，请擦去油光，避免强光直射。",
            "Forehead, nose or cheeks shine: wipe them and avoid hard light.",
        ),
    ),
    Kind(
        "colour",
        Text("彩色", "Colour"),
        "Q01",
        Text(
            "必须是彩色照片，请上传彩色原图。", "The photo must be in colour: upload the original."
        ),
    ),
    Kind(
        "colour_cast",
        Text("肤色偏色", "Colour cast"),
        "L01",
        Text(
            "肤色明显偏色，请在自然光或白光下拍摄，关闭滤镜。",
            "The skin has a colour cast: use daylight or white light, no filter.",
        ),
        ofiq="NaturalColour",
    ),
)


def measure(view: CloseUp) -> dict[str, float]:
    """Return the measures of this family."""
    lightness = view.skin[:, 0]
    chroma = np.hypot(view.skin[:, 1], view.skin[:, 2])
    return {
        "exposure_dark": float(np.percentile(lightness, 90)),
        "exposure_bright": float(np.mean(lightness >= 98)),
        "light_left_right": cheek_difference(view),
        "hot_spots": shine(view.skin),
        "colour": float(np.mean(chroma)),
        "colour_cast": colour_cast(view.skin),
    }


def cheek_difference(view: CloseUp) -> float:
    """Return how far the cheeks differ in L*."""
    values = [view.patch(point, 0.08)[:, 0] for point in (_RIGHT_CHEEK, _LEFT_CHEEK)]
    if not all(part.size for part in values):
        return 0.0
    return abs(float(np.median(values[0])) - float(np.median(values[1])))


def shine(skin: Floats) -> float:
    """Return the share of the skin that is much lighter and paler than the rest: hot spots."""
    middle = np.median(skin, axis=0)
    chroma = np.hypot(skin[:, 1], skin[:, 2])
    pale = chroma < 0.6 * math.hypot(float(middle[1]), float(middle[2]))
    return float(np.mean((skin[:, 0] > 90) & (skin[:, 0] > middle[0] + 15) & pale))


def colour_cast(skin: Floats) -> float:
    """Return how far the skin's mean a*, b* lie outside the range of skin (OFIQ NaturalColour).

    ISO/IEC 29794-5: a* 5..25, b* 5..35.
    """
    a, b = (float(v) for v in skin[:, 1:].mean(axis=0))
    return math.hypot(max(5 - a, a - 25, 0.0), max(5 - b, b - 35, 0.0))
