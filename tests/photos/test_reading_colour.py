"""Colour profiles, deep and large pictures, and what a file says about its making."""

from __future__ import annotations

import io
import struct
import tracemalloc

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from backoffice.photos import native, reading
from backoffice.photos.marks import Marks
from tests.photos.conftest import encoded

# Colorants of Display P3 and sRGB, adapted to D50 (columns: red, green, blue; rows: X, Y, Z).
P3 = np.array(
    [[0.51512, 0.29198, 0.15710], [0.24120, 0.69225, 0.06657], [-0.00105, 0.04189, 0.78407]]
)
SRGB = np.array(
    [[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]]
)
GAMMA = 2.2


def s15(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def p3_profile() -> bytes:
    """A small ICC v2 profile with the colorants of Display P3, as iPhones embed one."""

    def xyz(values) -> bytes:
        return b"XYZ \0\0\0\0" + b"".join(s15(v) for v in values)

    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(GAMMA * 256)) + b"\0\0"
    name = b"desc\0\0\0\0" + struct.pack(">I", 11) + b"Display P3\0" + b"\0" * 78
    tags = {
        b"desc": name + b"\0" * (-len(name) % 4),
        b"cprt": b"text\0\0\0\0none\0\0\0\0",
        b"wtpt": xyz((0.9642, 1.0, 0.8249)),
        b"rXYZ": xyz(P3[:, 0]), b"gXYZ": xyz(P3[:, 1]), b"bXYZ": xyz(P3[:, 2]),
        b"rTRC": curve, b"gTRC": curve, b"bTRC": curve,
    }  # fmt: skip
    table, body = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for tag, content in tags.items():
        table += tag + struct.pack(">II", start + len(body), len(content))
        body += content
    size = 128 + len(table) + len(body)
    head = struct.pack(">I4sI4s4s4s", size, b"lcms", 0x02100000, b"mntr", b"RGB ", b"XYZ ")
    head += b"\0" * 12 + b"acsp" + b"\0" * 28 + s15(0.9642) + s15(1.0) + s15(0.8249)
    return head.ljust(128, b"\0") + table + body


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("colour", [(200, 120, 40), (90, 160, 110), (210, 170, 150)])
def test_display_p3_comes_out_as_srgb(kind: str, colour):
    options = {"quality": 100, "subsampling": 0} if kind == "JPEG" else {}
    if kind == "WEBP":
        options = {"lossless": True}
    data = encoded(Image.new("RGB", (300, 300), colour), kind, icc_profile=p3_profile(), **options)
    decoded = reading.decode(data)
    assert "icc_to_srgb" in decoded.edits
    light = np.clip(np.linalg.inv(SRGB) @ P3 @ ((np.array(colour) / 255) ** GAMMA), 0, 1)
    curve = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    assert decoded.rgb[150, 150] == pytest.approx(255 * curve, abs=4)
    assert np.abs(decoded.rgb[150, 150].astype(int) - colour).max() > 5


def test_a_broken_profile_is_passed_over():
    data = encoded(Image.new("RGB", (300, 300), (9, 99, 199)), icc_profile=b"not a profile")
    assert tuple(reading.decode(data).rgb[9, 9]) == (9, 99, 199)


def test_a_large_png_is_halved_and_never_held_many_times_over():
    data = encoded(Image.new("RGBA", (5000, 4000), (200, 120, 40, 255)), compress_level=1)
    tracemalloc.start()
    decoded = reading.decode(data, want_side=1000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert decoded.rgb.shape == (2000, 2500, 3)
    assert (decoded.scale, decoded.original_size) == (0.5, (5000, 4000))
    assert peak < 3 * decoded.rgb.nbytes


def test_just_forty_megapixels_are_read():
    data = encoded(Image.new("L", (8000, 5000), 128), "JPEG", quality=30)
    assert max(reading.decode(data, want_side=1000).rgb.shape) == 1000


def exif_of(**tags) -> Image.Exif:
    exif = Image.Exif()
    for name, value in tags.items():
        tag = {"software": 0x0131, "lens": 0xA434, "comment": 0x9286}[name]
        (exif if name == "software" else exif.get_ifd(0x8769))[tag] = value
    return exif


def png_text(**texts: str) -> PngInfo:
    info = PngInfo()
    for key, value in texts.items():
        info.add_text(key.replace("_", " "), value)
    return info


WALL = Image.new("RGB", (300, 300), (120, 130, 140))
XMP = b"<x:xmpmeta><xmp:CreatorTool>Adobe Photoshop 25.0</xmp:CreatorTool></x:xmpmeta>"
CAMERA_XMP = (
    b'<x:xmpmeta x:xmptk="Adobe XMP Core 5.1.0"><d xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"'
    b' photoshop:DateCreated="2026-05-01"/></x:xmpmeta>'
)
AI_XMP = (
    b'<d Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/'
    b'trainedAlgorithmicMedia"/>'
)
MADE = [
    (encoded(WALL, "JPEG", exif=exif_of(software="Adobe Photoshop 24.1")), {"editors": 1}),
    (encoded(WALL, "JPEG", exif=exif_of(software="MeituApp 美图秀秀")), {"editors": 1}),
    (encoded(WALL, "JPEG", xmp=XMP), {"editors": 1}),
    (encoded(WALL, "JPEG", xmp=CAMERA_XMP), {}),
    (encoded(WALL, "JPEG", xmp=AI_XMP), {"editors": 1}),
    (encoded(WALL, "JPEG", exif=exif_of(software="16.5.1")), {}),
    (encoded(WALL, "JPEG", exif=exif_of(software="HDR+ 1.0.5")), {}),
    (encoded(WALL, pnginfo=png_text(Software="GIMP 2.10")), {"editors": 1}),
    (encoded(WALL, pnginfo=png_text(parameters="Stable Diffusion, steps: 20")), {"editors": 1}),
    (encoded(WALL, "JPEG", exif=exif_of(comment=b"ASCII\0\0\0Screenshot")), {"screenshot": True}),
    (
        encoded(WALL, "JPEG", exif=exif_of(lens="iPhone 15 front TrueDepth camera 2.69mm f/1.9")),
        {"front_camera": True},
    ),
    (encoded(WALL, "JPEG", exif=exif_of(lens="iPhone 15 back camera 5.96mm f/1.6")), {}),
    (encoded(WALL, "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff rubbish"), {}),
]


@pytest.mark.parametrize(("data", "expected"), MADE)
def test_marks_of_the_making(data: bytes, expected: dict):
    marks = reading.decode(data).marks
    found = Marks(
        editors=("x",) * expected.get("editors", 0),
        screenshot=expected.get("screenshot", False),
        front_camera=expected.get("front_camera", False),
    )
    assert len(marks.editors) == len(found.editors)
    assert (marks.screenshot, marks.front_camera) == (found.screenshot, found.front_camera)


@pytest.mark.parametrize("quality", [25, 30, 50, 75, 92])
def test_jpeg_quality_by_the_tables(quality: int):
    marks = reading.decode(encoded(WALL, "JPEG", quality=quality)).marks
    assert marks.jpeg_quality == pytest.approx(quality, abs=1)
    assert reading.decode(encoded(WALL)).marks.jpeg_quality is None


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("turns", [0, 1])
def test_a_native_patch_is_the_right_place(orientation: int, turns: int):
    """Chequered, one pixel a square, only around one spot: a scaled decode shows plain grey there."""
    width, height = 2400, 1800
    u, v = native.stored_place(*_back(0.3, 0.6, turns), orientation)
    grey = np.full((height, width), 128, np.uint8)
    y, x = int(v * height), int(u * width)
    rows, columns = np.indices((100, 100))
    grey[y - 50 : y + 50, x - 50 : x + 50] = 60 + 130 * ((rows + columns) % 2)
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(Image.fromarray(grey).convert("RGB"), "JPEG", quality=98, exif=exif)
    picture = reading.decode(data, want_side=500)
    shown = np.ascontiguousarray(np.rot90(picture.rgb, -turns))
    assert picture.scale < 0.5
    from dataclasses import replace

    centre = (0.3 * shown.shape[1], 0.6 * shown.shape[0])
    patch = native.native_patch(data, replace(picture, rgb=shown), turns, centre, 64)
    assert patch is not None
    assert patch.shape == (64, 64)
    assert patch.std() > 40


def _back(u: float, v: float, turns: int) -> tuple[float, float]:
    """Undo quarter turns clockwise."""
    for _ in range(turns):
        u, v = v, 1 - u
    return u, v


def test_a_progressive_jpeg_has_no_cheap_patch():
    data = encoded(Image.new("RGB", (2400, 1800)), "JPEG", progressive=True)
    picture = reading.decode(data, want_side=500)
    assert native.native_patch(data, picture, 0, (100, 100), 64) is None
    small = reading.decode(encoded(Image.new("RGB", (300, 300))))
    assert native.native_patch(b"", small, 0, (5, 5), 64).shape == (64, 64)
    assert Image.open(io.BytesIO(data)).size == (2400, 1800)
