"""The batch's QR code: as a picture, as a drawing, and on the pages of a PDF."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import numpy as np
import qrcode
import zxingcpp
from qrcode.image.svg import SvgPathImage

QUIET_ZONE = 4  # modules, ISO/IEC 18004
MODULE_PIXELS = 20  # a poster printer enlarges the PNG without visible steps
Matrix = Sequence[Sequence[bool]]


def batch_url(base_url: str, feature_code: str) -> str:
    """Return the address behind the batch QR code (CONTRACT section 5)."""
    return f"{base_url.rstrip('/')}/s/{quote(feature_code, safe='')}"


def personal_url(base_url: str, feature_code: str, token: str) -> str:
    """Return the address of one student's code; `token` is from `personal_tokens`."""
    return f"{batch_url(base_url, feature_code)}?p={quote(token, safe='')}"


def batch_qr_png(url: str) -> bytes:
    """Return the QR code as PNG: error correction H, so a torn or soiled poster still reads."""
    out = io.BytesIO()
    _code(url).make_image().get_image().save(out, "PNG")
    return out.getvalue()


def batch_qr_svg(url: str) -> bytes:
    """Return the QR code as an SVG drawing on white, one path, the same modules as the PNG."""
    image = _code(url).make_image(image_factory=SvgPathImage)
    svg: bytes = image.to_string(encoding="utf-8")
    head, _, rest = svg.partition(b"<path")
    return head + b'<rect width="100%" height="100%" fill="#fff"/><path' + rest


def batch_matrix(url: str) -> Matrix:
    """Return the modules of the batch QR code (error correction H), without the quiet zone."""
    code = _code(url)
    code.border = 0
    return [[bool(m) for m in row] for row in code.get_matrix()]


def quick_matrix(text: str) -> Matrix:
    """Return the modules of a QR code (error correction M) in a twentieth of the time.

    For class sheets: 10,000 codes took 100 s with qrcode, which weighs eight masks in Python, and
    5 s with zxing-cpp (measured).
    """
    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    image = np.array(code.to_image(scale=1, add_quiet_zones=False))
    matrix: list[list[bool]] = (image == 0).tolist()
    return matrix


def draw_matrix(canvas: Any, matrix: Matrix, x: float, y: float, side: float) -> None:
    """Draw the modules as one black path into the square of `side` points, lower left at x, y.

    Runs of dark modules are single rectangles: no hairlines between modules in any viewer.
    """
    module = side / len(matrix)
    path = canvas.beginPath()
    for row_number, row in enumerate(matrix):
        top = y + side - (row_number + 1) * module
        for start, length in _runs(row):
            path.rect(x + start * module, top, length * module, module)
    canvas.saveState()
    canvas.setFillColorRGB(0, 0, 0)
    canvas.drawPath(path, stroke=0, fill=1)
    canvas.restoreState()


def draw_matrix_as_mask(canvas: Any, matrix: Matrix, x: float, y: float, side: float) -> None:
    """Draw the modules as a one-bit inline image: a twentieth of the path's size and time."""
    size = len(matrix)
    dark = np.packbits(np.array(matrix, dtype=bool), axis=1).tobytes().hex()
    canvas.addLiteral(
        f"q 0 g {side:.3f} 0 0 {side:.3f} {x:.3f} {y:.3f} cm "
        f"BI /W {size} /H {size} /BPC 1 /IM true /D [1 0] /F /AHx ID {dark}> EI Q"
    )


def _runs(row: Sequence[bool]) -> list[tuple[int, int]]:
    """Return (start, length) of each run of dark modules."""
    runs: list[tuple[int, int]] = []
    for place, dark in enumerate(row):
        if not dark:
            continue
        if runs and sum(runs[-1]) == place:
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        else:
            runs.append((place, 1))
    return runs


def _code(url: str) -> Any:
    code = qrcode.QRCode(
        error_correction=qrcode.ERROR_CORRECT_H, box_size=MODULE_PIXELS, border=QUIET_ZONE
    )
    code.add_data(url)
    code.make(fit=True)
    return code
