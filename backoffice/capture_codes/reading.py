"""Capture codes as pictures: read from whatever a phone sends, drawn for the demo issuer."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
import pi_heif
import qrcode
import zxingcpp
from PIL import Image, ImageFilter, ImageOps, UnidentifiedImageError

from backoffice.capture_codes.deblurring import Grey, deblurred
from backoffice.capture_codes.demo import PREFIX
from backoffice.capture_codes.errors import BatchCodeUnreadable, CaptureCodeUnreadable

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "HEIF")
MAX_PIXELS = 40_000_000  # FEASIBILITY section 6: bound before decoding
SMALL_SIDE = 900  # pictures below this are read a second time enlarged
LARGE_SIDE = 1600  # pictures above this are also read reduced: blur and moire shrink
MODULE_PIXELS = 8
QR_ONLY = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
QUIET_ZONE = 4  # modules; ISO/IEC 18004

pi_heif.register_heif_opener()


def read_qr(image_bytes: bytes) -> str:
    """Return the text of the capture code in a picture file; see `code_text`.

    image_bytes: JPEG, PNG, WebP, GIF, BMP or HEIC, any orientation, also white on black,
    a screenshot or a photograph of a screen. Raises CaptureCodeUnreadable.
    """
    return code_text(open_picture(image_bytes))


def read_address(image_bytes: bytes) -> str:
    """Return the address in a batch or personal QR code; of several, the largest.

    Pictures as `read_qr`. Raises BatchCodeUnreadable.
    """
    try:
        return address_text(open_picture(image_bytes))
    except CaptureCodeUnreadable:
        raise BatchCodeUnreadable from None


def code_text(picture: Image.Image) -> str:
    """Return the text of the capture code in a grey picture; another code's if there is none.

    Of several codes the demo issuer's goes before others, a web address after all others: the
    poster on the wall behind must not hide the code. Raises CaptureCodeUnreadable.
    """
    other = ""
    for attempt in _attempts(picture):
        texts = _texts(attempt)
        found = next((t for t in texts if not is_address(t)), None)
        if found is not None:
            return next((t for t in texts if t.startswith(PREFIX)), found)
        other = other or next(iter(texts), "")
    if not other:
        raise CaptureCodeUnreadable
    return other


def address_text(picture: Image.Image) -> str:
    """Return the web address in a grey picture. Raises BatchCodeUnreadable."""
    for attempt in _attempts(picture):
        found = next((t for t in _texts(attempt) if is_address(t)), None)
        if found is not None:
            return found
    raise BatchCodeUnreadable


def is_address(text: str) -> bool:
    """Return True for a web address: a batch's code, never a capture code."""
    return text.lower().startswith(("http://", "https://"))


def draw_qr(text: str, *, module_pixels: int = MODULE_PIXELS) -> bytes:
    """Return `text` as a PNG QR code: error correction M, four modules of quiet zone.

    M and not H: a code of this length grows by 20 modules a side at H, and on a phone screen
    large modules help more than redundancy. Raises ValueError if the text is too long.
    """
    code = qrcode.QRCode(
        error_correction=qrcode.ERROR_CORRECT_M, box_size=module_pixels, border=QUIET_ZONE
    )
    code.add_data(text)
    code.make(fit=True)
    out = io.BytesIO()
    code.make_image().get_image().save(out, "PNG")
    return out.getvalue()


def open_picture(image_bytes: bytes) -> Image.Image:
    """Return a picture file as upright 8-bit grey, transparency on white, within MAX_PIXELS.

    Raises CaptureCodeUnreadable.
    """
    try:
        with Image.open(io.BytesIO(image_bytes), formats=FORMATS) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise CaptureCodeUnreadable
            upright = ImageOps.exif_transpose(picture)
            if upright.has_transparency_data:
                coloured = upright.convert("RGBA")
                white = Image.new("RGBA", coloured.size, "white")
                upright = Image.alpha_composite(white, coloured)
            return upright.convert("L")
    except (
        UnidentifiedImageError,
        Image.DecompressionBombError,
        OSError,
        ValueError,
        SyntaxError,
        EOFError,
        RuntimeError,
        MemoryError,
    ):
        # Pillow's decoders raise all of these for damaged files.
        raise CaptureCodeUnreadable from None


def _attempts(picture: Image.Image) -> Iterator[Image.Image | Grey]:
    """Yield the picture, then variants that bring out weak codes, cheapest first."""
    side = max(picture.size)
    reduced = picture.reduce(side // LARGE_SIDE) if side > 2 * LARGE_SIDE else picture
    if reduced is not picture:
        yield reduced  # a quarter of the work finds what most people send
    yield picture
    yield ImageOps.autocontrast(reduced, cutoff=2)
    if side > LARGE_SIDE:
        yield ImageOps.contain(picture, (LARGE_SIDE, LARGE_SIDE))
    yield from deblurred(np.asarray(reduced))
    if side < SMALL_SIDE:
        for factor in (2, 3):
            size = (picture.width * factor, picture.height * factor)
            yield picture.resize(size, Image.Resampling.BICUBIC)
    yield picture.filter(ImageFilter.UnsharpMask(radius=3, percent=250, threshold=0))


def _texts(picture: Image.Image | Grey) -> list[str]:
    """Return the texts of the QR codes in a grey picture, the largest code first."""
    codes = zxingcpp.read_barcodes(picture, formats=QR_ONLY)
    valid = [c for c in codes if c.valid and c.text]
    return [c.text for c in sorted(valid, key=_width, reverse=True)]


def _width(code: zxingcpp.Barcode) -> int:
    corners = code.position
    dx = corners.top_right.x - corners.top_left.x
    dy = corners.top_right.y - corners.top_left.y
    return int(dx * dx + dy * dy)
