"""Mouth and expression."""

from __future__ import annotations

import numpy as np

from backoffice.i18n import Text
from backoffice.photos.checks.kinds import Kind
from backoffice.photos.face import Face

_LIPS = (13, 14, 78, 308)  # inner lips: upper, lower, corners
_MOUTH = (61, 291)  # outer corners


KINDS = (
    Kind(
        "mouth_closed",
        Text("闭唇", "Mouth closed"),
        "P04",
        Text("张嘴或露齿，请自然闭合双唇。", "The mouth is open or shows teeth: close the lips."),
        ofiq="MouthClosed",
    ),
    Kind(
        "expression",
        Text("表情自然", "Neutral expression"),
        "P04",
        Text(
            "表情不够自然平静，请放松面部、不要大笑。",
            "The expression is not neutral: relax the face, no broad smile.",
        ),
        ofiq="ExpressionNeutrality",
    ),
)


def measure(face: Face) -> dict[str, float]:
    """Return the measures of this family."""
    return {"mouth_closed": mouth_gap(face), "expression": smile(face)}


def mouth_gap(face: Face) -> float:
    """Return the gap between the inner lips over the mouth's width."""
    upper, lower, right, left = (face.points[i, :2] for i in _LIPS)
    width = float(np.linalg.norm(left - right))
    return float(np.linalg.norm(lower - upper)) / max(width, 1e-3)


def smile(face: Face) -> float:
    """Return how wide the mouth is drawn, as a share of the distance between the eyes.

    Measured: quiet mouths 0.75-0.89, broad smiles 1.10-1.22.
    """
    width = float(np.linalg.norm(face.points[_MOUTH[0], :2] - face.points[_MOUTH[1], :2]))
    return width / max(float(np.linalg.norm(face.eyes[1] - face.eyes[0])), 1e-3)
