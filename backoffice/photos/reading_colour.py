"""An opened picture brought to 8-bit sRGB over white, and halved where it is very large."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image, ImageCms


def to_srgb(image: Image.Image, edits: list[str]) -> Image.Image:
    """Return RGB over white, colours converted from the embedded profile to sRGB."""
    profile = image.info.get("icc_profile")
    flat = _over_white(image, edits)
    if not profile or flat.mode not in ("RGB", "CMYK", "L"):
        return _rgb(flat)
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if _is_srgb(source) and flat.mode == "RGB":
            return flat
        converted = ImageCms.profileToProfile(
            flat, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return flat.convert("RGB")
    edits.append("icc_to_srgb")
    return converted if converted is not None else flat.convert("RGB")


def _rgb(image: Image.Image) -> Image.Image:
    """Return the picture as RGB; Pillow's own `convert` would copy what is RGB already."""
    return image if image.mode == "RGB" else image.convert("RGB")


def _is_srgb(profile: Any) -> bool:
    return "srgb" in (ImageCms.getProfileDescription(profile) or "").lower()


def halved(image: Image.Image) -> Image.Image:
    """Return the picture at half its size; what no averaging is defined for keeps its size."""
    if image.mode not in ("RGB", "RGBA", "L"):
        return image
    info = image.info
    smaller = image.reduce(2)
    smaller.info = info  # the colour profile
    return smaller


def _eight_bits(grey: Any, *, deep: bool) -> Image.Image:
    if deep or grey.max(initial=0) > 255:
        grey = grey.clip(0, 65535).astype(np.uint16) >> 8
    return Image.fromarray(grey.clip(0, 255).astype(np.uint8))


def _over_white(image: Image.Image, edits: list[str]) -> Image.Image:
    if image.mode.startswith("I") or image.mode == "F":
        edits.append("depth_to_8_bit")
        return _eight_bits(np.asarray(image), deep="16" in image.mode)
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        layer = image.convert("RGBA")
        if layer.getchannel("A").getextrema() == (255, 255):
            return layer.convert("RGB")
        paper = Image.new("RGBA", layer.size, (255, 255, 255, 255))
        edits.append("alpha_over_white")
        return Image.alpha_composite(paper, layer).convert("RGB")
    if image.mode in ("RGB", "L", "CMYK"):
        return image
    return image.convert("RGB")
