"""The hardened decode: every kind of wrong file by its own code, every good one as sRGB."""

from __future__ import annotations

import base64
import io
import struct
import zlib
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from backoffice.photos import reading
from backoffice.photos.errors import (
    ImageAnimated,
    ImageBomb,
    ImagePanorama,
    ImagePolyglot,
    ImageTooLarge,
    ImageTooSmall,
    ImageTruncated,
    NotAnImage,
    PhotoRefused,
)
from tests.photos.conftest import encoded

PAPER = Image.new("RGB", (400, 300), (200, 120, 40))


def noise(width: int = 400, height: int = 300) -> Image.Image:
    values = np.random.default_rng(1).integers(0, 255, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(values)


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds next to nothing."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        crc = zlib.crc32(kind + body)
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", crc)

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(b"\0" * 1000))
    return b"\x89PNG\r\n\x1a\n" + head + data + chunk(b"IEND", b"")


def text_bomb() -> bytes:
    plain = encoded(PAPER)
    body = b"Comment\0\0" + zlib.compress(b"A" * 80_000_000)
    chunk = struct.pack(">I", len(body)) + b"zTXt" + body
    chunk += struct.pack(">I", zlib.crc32(b"zTXt" + body))
    return plain[:33] + chunk + plain[33:]


def animated(kind: str) -> bytes:
    frames = [PAPER, noise()]
    return encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)


def many_scans() -> bytes:
    """A small progressive JPEG whose last scan is repeated a thousand times."""
    data = encoded(noise(), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:last] + 1000 * data[last:-2] + data[-2:]


# 240x320, red in the upper left on white, made for this test.
HEIC = """
AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAaFtZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAA
AAAAAAAAAAAAADRpbG9jAAAAAERAAAIAAQAAAAABxQABAAAAAAAAAh8AAgAAAAAD5AABAAAAAAAAACQAAAA4aWlu
ZgAAAAAAAgAAABVpbmZlAgAAAAABAABodmMxAAAAABVpbmZlAgAAAQACAABFeGlmAAAAAA5waXRtAAAAAAABAAAA
4GlwcnAAAADAaXBjbwAAAHhodmNDAQNwAAAAkAAAAAAAPPAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMA
AAMAPLoCQGEAAQArQgEBA3AAAAMAkAAAAwAAAwA8oAoIDxZbqSSmubgIaDAgAAADAyAAAAMAIWIAAQAHRAHBcrBi
QAAAABNjb2xybmNseAABAA0ABoAAAAAUaXNwZQAAAAAAAAFAAAAA8AAAABBwaXhpAAAAAAMICAgAAAAJaXJvdAMA
AAAYaXBtYQAAAAAAAAABAAEFgQIDBIUAAAAaaXJlZgAAAAAAAAAOY2RzYwACAAEAAQAAAkttZGF0AAACGygBrwnI
JDYlgEAhhTSl3j/EvPLOuha52SlcaLl/LquAAA1gAEPAowV9EdSBouqL//gnv/2qdl0tEKtDKISIIQApfx2igADt
AAuAA6rOh6CnhjPT3xzmCHmLxhbm6zc1n2B0Vpv0ZbZAxPge7BL+Wq9XwL6BYlnGD/Nf1FkzXTUgXge2BGE1nFNM
NJ+mbmVqoSgxG1a5FddB6179L+uethsWNNsup/xtEa7EfEryvzcMm0PTQmW0dTMWcH5Zbtq4uak2+Y8R5zgScl4F
9oLvpMZHM8BFMkARKNzPbgDrCAVQZ/kjUiuiWbX6qIS1p7O90sJNgtzL8p4J+0CVfrCPxEAE8IYnA+5v1aODfwf3
/Z5MuX/qxkZNps25CkzIzrE6tz70Vykw0GLKlnbSamDOJlr3h/0sG1htY4/g/v+zyZcv/ViCfAAAAwAAAwBXQIdo
wAoeyB99oalxlSc+9wG6uAfInt0/9JRh/1zGbm8km9YihInFSzAP/I070AbMHwtR6OLEDeBUKfSo8o9CEosFHTJ9
4WTeX8OwJjr84COJ2IiIhaFjo4FkjIY/nDAiDoONu5BUZEIUCKMcp9+aTASKnHAInoA+cAAKec/MZH0+zjEURXzV
L28QT1REAyjEnpKM6XjRm3GspI6Y75yTfNj+2Jt9/fkQbWuxKmIDXKsaLUpSbl1lleMsZyRA0CciXcAAAAMAAAMA
AAMAAEBAAAAABkV4aWYAAE1NACoAAAAIAAEBEgADAAAAAQAGAAAAAAAA
"""


WRONG = {
    "text": (b"hello, I am a text", NotAnImage),
    "empty": (b"", NotAnImage),
    "gif": (encoded(PAPER, "GIF"), NotAnImage),
    "tiff": (encoded(PAPER, "TIFF"), NotAnImage),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", NotAnImage),
    "jpeg cut in half": (encoded(noise(), "JPEG")[:9000], ImageTruncated),
    "jpeg cut in half and closed": (encoded(noise(), "JPEG")[:9000] + b"\xff\xd9", ImageTruncated),
    "jpeg magic only": (b"\xff\xd8\xff\xe0\0\x10JFIF", ImageTruncated),
    "png cut": (encoded(noise())[:5000], ImageTruncated),
    "webp cut": (encoded(noise(), "WEBP")[:3000], ImageTruncated),
    "heic rubbish": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 64, ImageTruncated),
    "one pixel": (encoded(Image.new("RGB", (1, 1))), ImageTooSmall),
    "a panorama": (png_header(20000, 2000), ImagePanorama),
    "a larger panorama": (png_header(3000, 30000), ImagePanorama),
    "a strip": (encoded(Image.new("RGB", (640, 210))), ImagePanorama),
    "a thin strip": (encoded(Image.new("RGB", (3000, 150))), ImageTooSmall),
    "48 megapixels claimed": (png_header(8000, 6000), ImageTooLarge),
    "4 gigapixels claimed": (png_header(65000, 65000), ImageTooLarge),
    "text bomb": (text_bomb(), ImageBomb),
    "apng": (animated("PNG"), ImageAnimated),
    "animated webp": (animated("WEBP"), ImageAnimated),
    "jpeg with a zip behind": (encoded(PAPER, "JPEG") + b"PK\x03\x04....", ImagePolyglot),
    "png with a page behind": (encoded(PAPER) + b"<HTML><body>", ImagePolyglot),
    "heic with a zip behind": (base64.b64decode(HEIC) + b"PK\x03\x04....", ImagePolyglot),
    "jpeg of a thousand scans": (many_scans(), ImageBomb),
    "jpeg with a script in front": (
        encoded(PAPER, "JPEG", comment=b"<script>alert(1)</script>"),
        ImagePolyglot,
    ),
    "jpeg with a program far into a comment": (
        encoded(PAPER, "JPEG", comment=b" " * 5000 + b"<?php system($_GET[0]);"),
        ImagePolyglot,
    ),
}


@pytest.mark.parametrize(("data", "error"), WRONG.values(), ids=WRONG.keys())
def test_each_wrong_file_has_its_own_refusal(data: bytes, error: type[PhotoRefused]):
    with pytest.raises(error) as caught:
        reading.decode(data)
    assert type(caught.value) is error
    assert caught.value.text("zh") != caught.value.text("en")


@settings(deadline=None)
@given(st.binary(max_size=300), st.sampled_from([b"", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n"]))
def test_no_bytes_get_past_the_named_refusals(data: bytes, magic: bytes):
    with pytest.raises(PhotoRefused):
        reading.decode(magic + data)


@settings(deadline=None)
@given(st.integers(0, 20_000), st.integers(0, 255))
def test_a_flipped_byte_is_decoded_or_refused(position: int, value: int):
    data = bytearray(JPEG)
    data[position % len(data)] = value
    with suppress(PhotoRefused):
        assert reading.decode(bytes(data)).rgb.dtype == np.uint8


JPEG = encoded(noise(240, 220), "JPEG", quality=70)


def pixel(data: bytes, x: int = 50, y: int = 50) -> tuple[int, ...]:
    return tuple(int(v) for v in reading.decode(data).rgb[y, x])


@pytest.mark.parametrize(
    ("kind", "name"), [("JPEG", "jpeg"), ("PNG", "png"), ("WEBP", "webp"), ("MPO", "jpeg")]
)
def test_good_formats_by_content(kind: str, name: str):
    data = encoded(PAPER, kind, quality=95)
    assert reading.sniff(data) == name
    assert reading.inspect(data) == (name, 400, 300)
    assert pixel(data) == pytest.approx((200, 120, 40), abs=6)


def test_transparency_lies_over_white():
    layer = Image.new("RGBA", (300, 300), (255, 0, 0, 0))
    layer.paste((0, 0, 255, 255), (0, 0, 100, 100))
    assert pixel(encoded(layer)) == (0, 0, 255)
    assert pixel(encoded(layer), 200, 200) == (255, 255, 255)


def test_sixteen_bits_and_cmyk_and_palette():
    deep = Image.fromarray(np.full((300, 300), 32768, np.uint16))
    assert pixel(encoded(deep)) == pytest.approx((127, 127, 127), abs=1)
    cmyk = Image.new("CMYK", (300, 300), (0, 255, 255, 0))
    assert pixel(encoded(cmyk, "JPEG", quality=95))[0] > 200
    assert pixel(encoded(PAPER.quantize(8))) == pytest.approx((200, 120, 40), abs=4)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(orientation: int):
    marked = Image.new("RGB", (400, 300), (255, 255, 255))
    marked.paste((255, 0, 0), (0, 0, 100, 100))  # red where the upright picture's top left is
    undo = {
        1: None, 2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]  # fmt: skip
    stored = marked.transpose(undo) if undo is not None else marked
    exif = Image.Exif()
    exif[0x0112] = orientation
    decoded = reading.decode(encoded(stored, "JPEG", quality=95, exif=exif))
    assert decoded.rgb.shape == (300, 400, 3)
    assert decoded.rgb[20, 20, 1] < 60
    assert decoded.rgb[280, 380, 1] > 200


def test_a_large_jpeg_is_decoded_smaller_on_request():
    data = encoded(noise(3200, 2400), "JPEG", quality=60)
    decoded = reading.decode(data, want_side=1000)
    assert max(decoded.rgb.shape) == 1600
    assert decoded.scale == 0.5
    assert decoded.original_size == (3200, 2400)


def test_heic_is_decoded_upright_and_its_header_read_cheaply():
    """Stored lying on its side; libheif turns it, and the EXIF tag is not applied a second time."""
    data = base64.b64decode(HEIC)
    assert reading.inspect(data) == ("heic", 240, 320)
    decoded = reading.decode(data)
    assert decoded.rgb.shape == (320, 240, 3)
    assert decoded.rgb[20, 20] == pytest.approx((200, 30, 30), abs=12)
    assert decoded.rgb[300, 220].min() > 240
    with pytest.raises(ImageTruncated):
        reading.decode(data[:600])


def test_sniff_tells_heic_from_other_boxes():
    assert reading.sniff(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic") == "heic"
    assert reading.sniff(b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom") is None
    assert reading.sniff(io.BytesIO().getvalue()) is None
