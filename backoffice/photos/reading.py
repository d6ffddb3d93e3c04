"""The hardened decode: bytes of unknown origin in, an upright sRGB picture or a coded refusal out.

Content decides the format, never the file name. The pixel count is checked in the header before any
pixel is decoded. ASVS 5.0 V5 (file handling).
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pi_heif
from PIL import Image

from backoffice.photos.arrays import RGB
from backoffice.photos.errors import (
    ImageAnimated,
    ImageBomb,
    ImagePanorama,
    ImageTooLarge,
    ImageTooSmall,
    ImageTruncated,
    NotAnImage,
)
from backoffice.photos.marks import Marks, read_marks
from backoffice.photos.reading_colour import halved, to_srgb
from backoffice.photos.reading_foreign import check_foreign

Format = Literal["jpeg", "png", "webp", "heic"]

pi_heif.register_heif_opener()

MAX_PIXELS = 40_000_000
MIN_SIDE_PX = 200
_BLOCK = 16  # pixels a side of JPEG's largest usual unit
MAX_ASPECT = 3.0  # cameras and screens make 2.4 at most, panoramas begin about here
MAX_SCANS = 40  # of a progressive JPEG; each is a pass over the whole picture, cameras write ten
ROOMY_PIXELS = (
    16_000_000  # a PNG, WebP or HEIC above it is halved before anything else is made of it
)
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1", b"hevc", b"hevx"}
_SEQUENCE_BRANDS = {b"hevc", b"hevx", b"msf1"}
_PIL_FORMATS: dict[Format, tuple[str, ...]] = {
    "jpeg": ("JPEG",),
    "png": ("PNG",),
    "webp": ("WEBP",),
    "heic": ("HEIF",),
}
_ORIENTATION_TAG = 0x0112
_TURNS = {  # what brings each of EXIF's orientations upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class Decoded:
    """An upright sRGB picture. `scale`: decoded pixels per original pixel (JPEG DCT scaling).

    `marks`: what the file says about its making. `orientation`: EXIF's 1..8, already applied.
    """

    rgb: RGB
    scale: float
    format: Format
    original_size: tuple[int, int]
    edits: tuple[str, ...]
    marks: Marks = field(default_factory=Marks)
    orientation: int = 1


def sniff(data: bytes) -> Format | None:
    """Return the picture format by content, or None if it is none we read."""
    if data[:3] == b"\xff\xd8\xff":
        return "jpeg"
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return "png"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    if data[4:8] == b"ftyp" and _brands(data) & _HEIC_BRANDS:
        return "heic"
    return None


def _brands(data: bytes) -> set[bytes]:
    length = min(int.from_bytes(data[:4], "big"), 256)
    body = data[8:length]
    return {body[i : i + 4] for i in range(0, len(body), 4) if i != 4}


def inspect(data: bytes) -> tuple[Format, int, int]:
    """Check everything the header tells, cheaply; return format, width and height (as stored).

    Raises NotAnImage, ImageTruncated, ImageTooLarge, ImageTooSmall, ImagePanorama, ImageAnimated,
    ImageBomb or ImagePolyglot.
    """
    kind, image = _open(data)
    _check_header(data, kind, image)
    width, height = image.size
    return kind, width, height


def decode(data: bytes, *, want_side: int | None = None) -> Decoded:
    """Decode to upright sRGB. `want_side`: a JPEG may be decoded smaller, its longer side not below.

    Transparent pixels come out over white. Raises what `inspect` raises.
    """
    kind, image = _open(data)
    _check_header(data, kind, image)
    original = image.size
    edits: list[str] = []
    marks = read_marks(image)
    if kind == "jpeg" and want_side:
        _draft(image, want_side)
    try:
        image.load()
    except (Image.DecompressionBombError, MemoryError) as error:
        raise ImageBomb from error
    except ValueError as error:
        raise (ImageBomb if "large" in str(error).lower() else ImageTruncated) from error
    except (OSError, SyntaxError, RuntimeError, EOFError, IndexError) as error:
        raise ImageTruncated from error
    if want_side and kind != "jpeg" and image.width * image.height > ROOMY_PIXELS:
        image = halved(image)
    scale = image.width / original[0]
    if kind == "jpeg" and _ends_grey(image, scale):
        raise ImageTruncated
    orientation = 1 if kind == "heic" else _orientation(image)  # libheif has turned it already
    if orientation > 1:
        image = image.transpose(_TURNS[orientation])
        edits.append("exif_orientation")
    flat = to_srgb(image, edits)
    rgb = np.ascontiguousarray(np.asarray(flat, dtype=np.uint8))
    return Decoded(rgb, scale, kind, original, tuple(edits), marks, orientation)


def _open(data: bytes) -> tuple[Format, Image.Image]:
    kind = sniff(data)
    if kind is None:
        raise NotAnImage
    if kind == "heic" and data[8:12] in _SEQUENCE_BRANDS:
        raise ImageAnimated
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            return kind, Image.open(io.BytesIO(data), formats=_PIL_FORMATS[kind])
    except Image.DecompressionBombError as error:
        raise ImageTooLarge(megapixels="180+", limit=MAX_PIXELS // 1_000_000) from error
    except ValueError as error:  # a text or profile chunk that unpacks without end
        raise (ImageBomb if "large" in str(error).lower() else ImageTruncated) from error
    except (OSError, SyntaxError, EOFError, IndexError, RuntimeError) as error:
        raise ImageTruncated from error


def _check_header(data: bytes, kind: Format, image: Image.Image) -> None:
    width, height = image.size
    if min(width, height) < MIN_SIDE_PX:
        raise ImageTooSmall(width=width, height=height)
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise ImagePanorama
    if width * height > MAX_PIXELS:
        raise ImageTooLarge(megapixels=round(width * height / 1e6), limit=MAX_PIXELS // 1_000_000)
    # An iPhone's JPEG may carry a second frame (MPO: depth or HDR gain map); it is no animation.
    if kind in ("png", "webp") and getattr(image, "n_frames", 1) > 1:
        raise ImageAnimated
    # Inside a scan FF is never followed by DA, so each pair is a scan (or lies in a thumbnail).
    if kind == "jpeg" and data.count(b"\xff\xda") > MAX_SCANS:
        raise ImageBomb
    check_foreign(data, kind)


def _draft(image: Image.Image, want_side: int) -> None:
    """Let libjpeg decode at 1/2, 1/4 or 1/8 while the longer side stays at least `want_side`."""
    for denominator in (8, 4, 2):
        if max(image.size) / denominator >= want_side:
            image.draft(None, (image.width // denominator, image.height // denominator))
            return


def _ends_grey(image: Image.Image, scale: float) -> bool:
    """Return whether the last row of blocks is the grey that libjpeg puts where data is missing.

    So it is where a cut file was closed again properly. A picture whose beginning holds that very
    grey too was made with it.
    """
    if image.mode not in ("RGB", "L"):
        return False
    rows = max(2, int(_BLOCK * scale))
    last = np.asarray(image.crop((0, image.height - rows, image.width, image.height)))
    if not (last == 128).all():
        return False
    first = np.asarray(image.crop((0, 0, image.width, max(image.height // 16, 1)))) == 128
    grey = first if first.ndim == 2 else first.all(axis=-1)
    return float(grey.mean()) < 0.01


def _orientation(image: Image.Image) -> int:
    """Return EXIF's orientation 1..8; broken EXIF: the pixels are taken as they lie."""
    try:
        orientation = image.getexif().get(_ORIENTATION_TAG, 1)
        return int(orientation) if orientation in range(2, 9) else 1
    except (ValueError, TypeError, SyntaxError, OSError, KeyError, ZeroDivisionError):
        return 1
