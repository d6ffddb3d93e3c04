"""The three background policies, and what is kept of how a picture was made."""

from __future__ import annotations

import io
from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image

from backoffice.photos.check_only import without_metadata
from backoffice.photos.pipeline import process
from backoffice.photos.standards import BUILTIN
from tests.photos.conftest import encoded

BLUE = BUILTIN["chsi-degree-blue"]
CHECK_ONLY = replace(BLUE, background_policy="check_only")


def test_a_finished_picture_passes_check_only_with_the_same_pixels(finished, engine):
    with_exif = Image.Exif()
    with_exif[0x0110] = "SomePhone 12"
    marked = finished.jpeg[:2] + b"\xff\xfe\x00\x08secret" + finished.jpeg[2:]
    result = process(marked, CHECK_ONLY, engine)
    assert result.passed, [(c.code, c.value) for c in result.failed]
    assert b"secret" not in result.jpeg
    assert result.jpeg == finished.jpeg  # also the dpi: not one byte of the image changed
    assert result.making["background"] == "kept"
    assert result.making["scale"] == 1.0
    assert result.making["crop"] == {"left": 0.0, "top": 0.0, "width": 480.0, "height": 640.0}
    assert "crop" not in result.edits


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda p: encoded(p.resize((486, 648)), "JPEG", quality=85), "finished_size"),
        (lambda p: encoded(p, "PNG"), "finished_format"),
        (lambda p: encoded(p, "JPEG", quality=99), "file_size"),
        (lambda p: encoded(_wall(p, (200, 60, 60)), "JPEG", quality=80), "background_colour"),
        (lambda p: encoded(_moved(p), "JPEG", quality=80), "centre_offset"),
    ],
)
def test_check_only_names_what_is_wrong(finished, engine, change, code):
    picture = Image.open(io.BytesIO(finished.jpeg)).convert("RGB")
    result = process(change(picture), CHECK_ONLY, engine)
    assert not result.passed
    assert result.jpeg is None
    assert code in {c.code for c in result.failed}


def test_crop_only_cuts_and_scales_and_leaves_the_wall(finished, engine):
    picture = Image.open(io.BytesIO(finished.jpeg)).convert("RGB").resize((960, 1280))
    room = Image.new("RGB", (1200, 1400), (112, 190, 240))  # nearly the standard's blue
    room.paste(picture, (120, 120))
    standard = replace(BLUE, background_policy="crop_only", min_bytes=10_000)
    result = process(encoded(room), standard, engine)
    assert result.passed, [(c.code, c.value) for c in result.failed]
    assert "background" not in result.edits
    assert result.making["background"] == "kept"
    corner = np.asarray(Image.open(io.BytesIO(result.jpeg)).convert("RGB"))[3, 3].astype(int)
    assert min(np.abs(corner - colour).max() for colour in ((112, 190, 240), (100, 197, 255))) < 6


def test_everything_done_to_a_picture_is_told(engine, astronaut):
    turned = encoded(astronaut.rotate(-90, expand=True).resize((1024, 1024)))
    result = process(turned, BLUE, engine)
    assert result.passed
    making = result.making
    assert making["standard"] == {"name": "chsi-degree-blue", "version": BLUE.version}
    assert making["source"] == {"width": 1024, "height": 1024, "format": "png"}
    assert making["turned_degrees"] == 270
    assert making["background"] == "replaced"
    assert set(making["models"]) >= {"u2netp", "face_landmark", "selfie_segmentation"}
    box, scale = making["crop"], making["scale"]
    assert box["width"] * scale == pytest.approx(480, abs=0.5)
    assert box["height"] * scale == pytest.approx(640, abs=0.5)
    # Cutting that box out again shows the same face.
    upright = np.asarray(astronaut.resize((1024, 1024)))
    shift = np.array([[scale, 0, -box["left"] * scale], [0, scale, -box["top"] * scale]])
    again = cv2.warpAffine(upright, shift, (480, 640)).astype(float)
    shown = np.asarray(Image.open(io.BytesIO(result.jpeg)).convert("RGB"), float)
    x, y = 240, round(result.geometry["eye_line"]) + 30
    patch = np.s_[y - 40 : y + 40, x - 40 : x + 40]
    assert np.abs(again[patch] - shown[patch]).mean() < 4


def test_metadata_goes_and_nothing_else(astronaut):
    exif = Image.Exif()
    exif[0x0110] = "SomePhone 12"
    data = encoded(astronaut, "JPEG", quality=90, exif=exif, dpi=(300, 300))
    clean = without_metadata(data)
    assert b"SomePhone" not in clean
    assert Image.open(io.BytesIO(clean)).info["dpi"] == (300, 300)
    assert np.array_equal(
        np.asarray(Image.open(io.BytesIO(data))), np.asarray(Image.open(io.BytesIO(clean)))
    )
    with pytest.raises(ValueError, match="JPEG"):
        without_metadata(b"\x89PNG")


def _wall(picture: Image.Image, colour: tuple[int, int, int]) -> Image.Image:
    pixels = np.asarray(picture).copy()
    blue = np.abs(pixels.astype(int) - (100, 197, 255)).max(axis=-1) < 12
    pixels[blue] = colour
    return Image.fromarray(pixels)


def _moved(picture: Image.Image) -> Image.Image:
    moved = Image.new("RGB", picture.size, (100, 197, 255))
    moved.paste(picture, (60, 0))
    return moved
