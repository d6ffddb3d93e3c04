"""Capture codes in pictures: everything drawn is read back, also after what phones do to it."""

from __future__ import annotations

import contextlib
import io
from datetime import UTC, datetime, timedelta

import numpy as np
import pi_heif
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter, ImageOps

from backoffice.capture_codes import deblurring, reading
from backoffice.capture_codes.demo import DemoCaptureCodes
from backoffice.capture_codes.errors import CaptureCodeUnreadable
from backoffice.capture_codes.payload import CaptureCodePayload
from backoffice.capture_codes.reading import draw_qr, read_qr
from backoffice.settings import Settings
from tests.capture_codes import distortions
from tests.capture_codes.distortions import DISTORTIONS, grey

DEMO = DemoCaptureCodes.from_settings(Settings())
PAYLOAD = CaptureCodePayload(
    "GPC-2027-000001",
    "吴*兰",
    "310***********6629",
    "6629",
    "10001",
    "示例大学",
    "本科",
    "计算机科学与技术",
    datetime(2099, 7, 1, tzinfo=UTC),
)
TEXT = DEMO.issue(PAYLOAD)
CODE = Image.open(io.BytesIO(draw_qr(TEXT))).convert("RGB")


def saved(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def on_page(picture: Image.Image, size: tuple[int, int], colour: str = "white") -> Image.Image:
    page = Image.new("RGB", size, colour)
    page.paste(picture, ((size[0] - picture.width) // 2, (size[1] - picture.height) // 2))
    return page


def transparent(picture: Image.Image) -> Image.Image:
    clear = picture.convert("RGBA")
    clear.putalpha(ImageOps.invert(picture.convert("L")))
    return clear


TREATMENTS = {
    "as drawn": lambda p: saved(p),
    "one bit": lambda p: saved(p.convert("1")),
    "palette": lambda p: saved(p.convert("P")),
    "transparent": lambda p: saved(transparent(p)),
    "16 bit grey": lambda p: saved(p.convert("L").convert("I;16").point(lambda v: v * 256)),
    "jpeg 40": lambda p: saved(p, "JPEG", quality=40),
    "jpeg 15": lambda p: saved(p, "JPEG", quality=15),
    "webp": lambda p: saved(p, "WEBP", quality=50),
    "gif": lambda p: saved(p.convert("P"), "GIF"),
    "cmyk jpeg": lambda p: saved(p.convert("CMYK"), "JPEG"),
    "turned 90": lambda p: saved(p.rotate(90, expand=True)),
    "turned 180": lambda p: saved(p.rotate(180)),
    "turned 7": lambda p: saved(
        p.rotate(7, Image.Resampling.BICUBIC, expand=True, fillcolor="white")
    ),
    "turned 45": lambda p: saved(
        p.rotate(45, Image.Resampling.BICUBIC, expand=True, fillcolor="white")
    ),
    "mirrored": lambda p: saved(ImageOps.mirror(p)),
    "white on black": lambda p: saved(ImageOps.invert(p)),
    "half size": lambda p: saved(p.resize((p.width // 2, p.height // 2), Image.Resampling.LANCZOS)),
    "a quarter": lambda p: saved(p.resize((p.width // 4, p.height // 4), Image.Resampling.BOX)),
    "odd scale": lambda p: saved(p.resize((517, 517), Image.Resampling.BICUBIC)),
    "screenshot": lambda p: saved(on_page(p, (1080, 2340), "#f4f4f4"), "JPEG", quality=70),
    "12 megapixels": lambda p: saved(on_page(p, (3000, 4000), "#b0b0a0"), "JPEG", quality=80),
    "blurred": lambda p: saved(p.filter(ImageFilter.GaussianBlur(2.5)), "JPEG", quality=70),
    "pale": lambda p: saved(p.point(lambda v: 150 + v // 5), "JPEG", quality=75),
    "dark": lambda p: saved(p.point(lambda v: v // 5), "JPEG", quality=75),
}


@pytest.mark.parametrize("treat", TREATMENTS.values(), ids=TREATMENTS)
def test_read_back(treat):
    assert read_qr(treat(CODE)) == TEXT


def test_exif_orientation_and_heic():
    exif = Image.Exif()
    exif[0x0112] = 6
    assert read_qr(saved(CODE.rotate(90), "JPEG", exif=exif.tobytes())) == TEXT
    if "HEIF" in Image.SAVE:  # the wheel reads HEIC; writing it is not in every build
        assert read_qr(saved(CODE, "HEIF")) == TEXT
    assert pi_heif.__version__


def test_of_several_codes_the_capture_code_is_taken():
    page = Image.new("RGB", (CODE.width + 900, max(900, CODE.height)), "white")
    other = Image.open(io.BytesIO(draw_qr("https://www.chsi.com.cn/", module_pixels=25)))
    page.paste(other, (0, 0))
    page.paste(CODE, (900, 0))
    assert read_qr(saved(page)) == TEXT


def test_another_code_alone_is_returned_for_the_decoder_to_judge():
    assert read_qr(draw_qr("https://www.chsi.com.cn/")) == "https://www.chsi.com.cn/"


@settings(max_examples=25, deadline=None)
@given(
    st.builds(
        CaptureCodePayload,
        *[
            st.text(
                st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Z"]),
                min_size=1,
                max_size=20,
            )
        ]
        * 8,
        st.integers(0, 10**8).map(
            lambda s: datetime(2090, 1, 1, tzinfo=UTC) + timedelta(seconds=s)
        ),
    )
)
def test_every_issued_code_survives_picture_and_decoding(payload):
    picture = Image.open(io.BytesIO(draw_qr(DEMO.issue(payload))))
    assert DEMO.decode(read_qr(saved(picture.convert("L"), "JPEG", quality=60))) == payload


UNREADABLE = {
    "nothing": b"",
    "text": b"this is no picture",
    "pdf": b"%PDF-1.7\n" + b"x" * 200,
    "half a png": saved(CODE)[:300],
    "half a jpeg": saved(CODE, "JPEG")[:400],
    "head of a png": b"\x89PNG\r\n\x1a\n",
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "tiff": saved(CODE, "TIFF"),
    "blank": saved(Image.new("RGB", (300, 300), "white")),
    "one pixel": saved(Image.new("L", (1, 1))),
    "half the code": saved(CODE.crop((0, 0, CODE.width // 2, CODE.height))),
    "too many pixels": saved(Image.new("1", (7000, 7000))),
    "a decompression bomb": saved(Image.new("1", (20_000, 20_000))),
}


@pytest.mark.parametrize("data", UNREADABLE.values(), ids=UNREADABLE)
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_unreadable(data):
    with pytest.raises(CaptureCodeUnreadable) as caught:
        read_qr(data)
    assert caught.value.code == "capture_code_unreadable"


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_damaged_file_never_ends_in_another_error(data):
    raw = bytearray(
        saved(CODE.resize((300, 300)), data.draw(st.sampled_from(["PNG", "JPEG", "WEBP"])))
    )
    for _ in range(data.draw(st.integers(1, 12))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(CaptureCodeUnreadable):
        assert isinstance(read_qr(bytes(raw)), str)


def test_drawn_code_has_its_quiet_zone_and_correction_level():
    picture = Image.open(io.BytesIO(draw_qr("GPC1.x", module_pixels=10))).convert("L")
    dark = ImageOps.invert(picture).getbbox()
    assert dark == (40, 40, picture.width - 40, picture.height - 40)
    found = reading.zxingcpp.read_barcodes(picture)[0]
    assert found.ec_level == "M"


def test_text_too_long_for_a_code():
    with pytest.raises(ValueError, match="Invalid version"):
        draw_qr("x" * 4000)


@pytest.mark.parametrize("name", DISTORTIONS)
def test_every_distortion_is_read(name):
    """The rows of the benchmark, on one code; six pixels a module."""
    picture = DISTORTIONS[name](grey(draw_qr(TEXT, module_pixels=6)))
    assert reading.code_text(Image.fromarray(picture)) == TEXT


@pytest.mark.parametrize("enlarged", [1, 4])
def test_a_poster_behind_does_not_hide_a_blurred_capture_code(enlarged):
    blurred = DISTORTIONS["blur 3.5"](grey(draw_qr(TEXT, module_pixels=6)))
    poster = grey(draw_qr("https://photo.example.edu.cn/s/Z3K8F7", module_pixels=10))
    height = max(blurred.shape[0], poster.shape[0])
    page = Image.new("L", (blurred.shape[1] + poster.shape[1], height), 230)
    page.paste(Image.fromarray(poster), (0, 0))
    page.paste(Image.fromarray(blurred), (poster.shape[1], 0))
    page = page.resize((page.width * enlarged, page.height * enlarged))
    assert reading.code_text(page) == TEXT
    assert reading.address_text(page) == "https://photo.example.edu.cn/s/Z3K8F7"


@pytest.mark.parametrize("degrees", [0, 30, 75, 120, 165])
def test_the_direction_of_a_motion_is_told(degrees):
    code = grey(draw_qr(TEXT, module_pixels=6))
    still = deblurring.motion(code)[0]
    ratio, angle = deblurring.motion(distortions.moved(code, 15, degrees))
    assert still < deblurring.MOTION_RATIO < ratio
    apart = (np.degrees(angle) + degrees) % 180  # the kernel turns against the y axis
    assert min(apart, 180 - apart) < 6
