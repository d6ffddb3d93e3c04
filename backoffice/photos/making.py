"""How a finished picture was made: kept with it, so that every edit can be named years later."""

from __future__ import annotations

from typing import Any

from backoffice.photos.models import load_manifest
from backoffice.photos.reading import Decoded
from backoffice.photos.standards import Standard
from backoffice.photos.windows import Crop

# Changed with every change that makes other pixels or other verdicts of the same file.
PIPELINE_VERSION = "8"
FACE_MODELS = ("face_detection_full_range", "face_landmark", "iris_landmark")
_BACKGROUND = {"replace": "replaced", "crop_only": "kept", "check_only": "kept"}


def describe(standard: Standard, matting_model: str) -> dict[str, Any]:
    """Return by what a picture is judged: standard, pipeline and models (name, start of SHA-256)."""
    manifest = load_manifest()
    names = (*FACE_MODELS, "selfie_segmentation", matting_model)
    return {
        "pipeline": PIPELINE_VERSION,
        "standard": {"name": standard.name, "version": standard.version},
        "models": {
            name: manifest[name].sha256[:12] if name in manifest else None for name in names
        },
    }


def describe_source(picture: Decoded, quarter_turns: int) -> dict[str, Any]:
    """Return how the file was opened. Sizes in pixels of the file, turned upright."""
    width, height = picture.original_size
    if quarter_turns % 2:
        width, height = height, width
    return {
        "source": {"width": width, "height": height, "format": picture.format},
        "turned_degrees": 90 * quarter_turns,
    }


def describe_cut(picture: Decoded, crop: Crop, standard: Standard) -> dict[str, Any]:
    """Return what was cut out, in pixels of the upright file, and what became of the wall.

    `scale`: finished pixels per pixel of the file, the same across and down.
    """
    scale = crop.scale * picture.scale
    return {
        "crop": {
            "left": round(crop.x0 / picture.scale, 2),
            "top": round(crop.y0 / picture.scale, 2),
            "width": round(standard.width / scale, 2),
            "height": round(standard.height / scale, 2),
        },
        "scale": round(scale, 5),
        "background": _BACKGROUND[standard.background_policy],
    }
