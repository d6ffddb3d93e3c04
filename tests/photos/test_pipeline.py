"""The way through, on a real portrait: every promise measured on the finished file."""

from __future__ import annotations

import io
import json

import cv2
import numpy as np
import pytest
import skimage.data
from PIL import Image, ImageFilter, ImageOps

from backoffice.photos import duplicates
from backoffice.photos.pipeline import PhotoEngine, PhotoResult, process
from backoffice.photos.standards import BUILTIN
from tests.photos.conftest import encoded

BLUE = BUILTIN["chsi-degree-blue"]


def opened(result: PhotoResult) -> Image.Image:
    assert result.jpeg is not None, [c.code for c in result.failed]
    return Image.open(io.BytesIO(result.jpeg))


def person_rows(picture: Image.Image, background) -> np.ndarray:
    """How many pixels per row are clearly not background, from the file alone."""
    away = np.abs(np.asarray(picture.convert("RGB")).astype(int) - background).max(axis=2)
    return (away > 40).sum(axis=1)


def test_the_file_is_what_the_contract_says(finished: PhotoResult):
    assert finished.passed
    picture = opened(finished)
    assert (picture.format, picture.size, picture.mode) == ("JPEG", (480, 640), "RGB")
    assert picture.info["dpi"] == (300, 300)
    assert not picture.info.get("progressive")
    assert not picture.getexif()
    assert 30 * 1024 <= len(finished.jpeg) <= 40 * 1000
    assert finished.bytes == len(finished.jpeg)
    assert finished.quality >= 60


def test_geometry_measured_from_the_pixels(finished: PhotoResult, engine: PhotoEngine):
    picture = opened(finished)
    rows = person_rows(picture, BLUE.background)
    hair_top = int(np.flatnonzero(rows >= 20)[0])
    assert 55 <= hair_top <= 105
    rgb = np.asarray(picture.convert("RGB"))
    (found,) = engine.faces.detect(rgb)
    right_eye, left_eye = found.keypoints[:2]  # the detector's own points, not the mesh's
    assert 205 <= (right_eye[1] + left_eye[1]) / 2 <= 295
    assert abs((right_eye[0] + left_eye[0]) / 2 - 240) <= 20
    face = engine.faces.landmarks(rgb, found)
    assert 185 <= face.width <= 295
    # The mesh wanders by up to 2 px with the square it is shown: measured on eight people.
    assert finished.geometry["face_width"] == pytest.approx(face.width, abs=3)
    assert finished.geometry["eye_line"] == pytest.approx(face.pupil_line, abs=2)
    assert finished.geometry["eye_angle"] == pytest.approx(face.roll, abs=1)
    assert finished.geometry["hair_top"] == pytest.approx(hair_top, abs=6)


@pytest.mark.parametrize(
    "decode",
    [
        lambda data: np.asarray(Image.open(io.BytesIO(data)).convert("RGB")),
        lambda data: cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1],
    ],
    ids=["pillow", "opencv"],
)
def test_the_background_is_exact_away_from_the_outline(finished: PhotoResult, decode):
    rgb = decode(finished.jpeg).astype(int)
    away = np.abs(rgb - BLUE.background).max(axis=2)
    far = cv2.erode((away <= 24).astype(np.uint8), np.ones((25, 25))) > 0
    assert far.sum() > 50_000
    assert away[far].max() == 0
    assert away[:40].max() == 0  # above the hair there is nothing but background


def test_inside_the_face_nothing_but_scaling_happened(
    finished: PhotoResult, astronaut: Image.Image, engine
):
    """The recorded crop of the source, scaled by Pillow alone, differs by JPEG's own error only."""
    crop = finished.making["crop"]
    box = (crop["left"], crop["top"], crop["left"] + crop["width"], crop["top"] + crop["height"])
    assert box[0] >= 0
    assert box[3] <= 512.01
    above = max(0, int(np.ceil(-box[1])))  # the wall above the source's edge is filled
    padded = np.pad(np.asarray(astronaut), ((above, 0), (0, 0), (0, 0)), mode="edge")
    box = (box[0], box[1] + above, box[2], box[3] + above)
    plain = Image.fromarray(padded).resize(
        (480, 640), Image.Resampling.LANCZOS, box=box, reducing_gap=3.0
    )
    again = encoded(plain, "JPEG", quality=finished.quality, subsampling=0)
    rgb = np.asarray(opened(finished).convert("RGB"))
    face = engine.faces.landmarks(rgb, engine.faces.detect(rgb)[0])
    inside = np.zeros((640, 480), np.uint8)
    cv2.fillConvexPoly(inside, cv2.convexHull(face.points[:, :2].astype(np.int32)), 1)
    inside = cv2.erode(inside, np.ones((21, 21))) > 0  # the outline itself is the matte's
    wanted = np.asarray(plain).astype(int)[inside]
    error = np.abs(rgb.astype(int)[inside] - wanted)
    allowed = np.abs(np.asarray(Image.open(io.BytesIO(again))).astype(int)[inside] - wanted)
    assert inside.sum() > 20_000
    assert error.mean() < 1.1 * allowed.mean()
    assert np.percentile(error, 99.9) <= np.percentile(allowed, 99.9) + 2


def test_the_same_picture_gives_the_same_bytes(finished: PhotoResult, astronaut, engine):
    again = process(encoded(astronaut), BLUE, engine)
    assert again.jpeg == finished.jpeg
    assert again.checks == finished.checks


@pytest.mark.parametrize("name", sorted(BUILTIN))
def test_every_built_in_standard_can_be_met(name: str, astronaut, engine):
    standard = BUILTIN[name]
    result = process(encoded(astronaut), standard, engine)
    picture = opened(result)
    assert picture.size == standard.size
    assert standard.min_bytes <= result.bytes <= standard.max_bytes
    corner = np.asarray(picture.convert("RGB"))[:8, :8].astype(int)
    assert np.abs(corner - standard.background).max() <= 1
    assert standard.hair_top[0] < result.geometry["hair_top"] < standard.hair_top[1]
    assert standard.eye_line[0] < result.geometry["eye_line"] < standard.eye_line[1]
    assert standard.face_width[0] < result.geometry["face_width"] < standard.face_width[1]


def test_the_report_is_json_in_both_languages(finished: PhotoResult):
    report = finished.to_dict("zh")
    json.dumps(report)
    assert {"passed", "checks", "geometry", "bytes", "quality", "seconds", "cpu_seconds"} <= set(
        report
    )
    assert set(report["geometry"]) == {
        "hair_top",
        "eye_line",
        "face_width",
        "centre_offset",
        "eye_angle",
    }
    failed = [c for c in report["checks"] if not c["passed"]]
    assert "mouth_closed" in {c["code"] for c in failed}  # she smiles with her teeth
    english = [c for c in finished.to_dict("en")["checks"] if not c["passed"]]
    assert all(zh["advice"] != en["advice"] for zh, en in zip(failed, english, strict=True))
    assert all(c["rejection_code"] for c in failed)


def turned(portrait: Image.Image, degrees: float) -> Image.Image:
    return portrait.rotate(degrees, Image.Resampling.BICUBIC, fillcolor=(200, 195, 190))


def two_people(portrait: Image.Image) -> Image.Image:
    pair = Image.new("RGB", (1024, 512))
    pair.paste(portrait, (0, 0))
    pair.paste(portrait, (512, 0))
    return pair


REFUSED = [
    ("no_face", "Z05", lambda p: Image.new("RGB", (600, 800), (120, 160, 90))),
    ("face_count", "Z05", two_people),
    ("eye_angle", "P01", lambda p: turned(p, 15)),
    ("eye_angle", "P01", lambda p: turned(p, -12)),
    ("coverage_bottom", "Q02", lambda p: p.crop((60, 0, 420, 215))),
    ("head_whole", "Q02", lambda p: p.crop((0, 50, 512, 512))),
    ("face_complete", "Q02", lambda p: p.crop((196, 0, 512, 512))),
    ("sharpness", "Q01", lambda p: p.filter(ImageFilter.GaussianBlur(4))),
    ("face_size", "Q01", lambda p: p.resize((380, 380))),
    ("exposure_dark", "L01", lambda p: p.point(lambda v: int(v * 0.22))),
    ("exposure_bright", "L01", lambda p: p.point(lambda v: min(255, int(v * 1.9)))),
    ("colour", "Q01", lambda p: ImageOps.grayscale(p).convert("RGB")),
]


@pytest.mark.parametrize(("code", "rejection", "spoil"), REFUSED)
def test_a_spoilt_portrait_is_refused_by_name(code, rejection, spoil, astronaut, engine):
    result = process(encoded(spoil(astronaut)), BLUE, engine)
    assert not result.passed
    assert result.jpeg is None
    refused = {check.code: check for check in result.failed}
    assert code in refused, (sorted(refused), [(c.code, c.value) for c in result.checks])
    assert refused[code].rejection_code == rejection
    assert refused[code].advice.zh != refused[code].advice.en


def test_unreadable_bytes_come_back_as_a_report(engine):
    result = process(b"this is no picture", BLUE, engine)
    assert not result.passed
    assert [c["code"] for c in result.to_dict()["checks"]] == ["not_an_image"]
    assert result.to_dict("en")["checks"][0]["advice"].startswith("The file is not")


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_sideways_upload_is_turned_upright(turns: int, astronaut, engine, finished):
    lying = Image.fromarray(np.rot90(np.asarray(astronaut), turns))
    result = process(encoded(lying), BLUE, engine)
    assert result.passed, [(c.code, c.value) for c in result.failed]
    assert any(edit.startswith("turned_") for edit in result.edits)
    assert result.geometry["eye_line"] == pytest.approx(finished.geometry["eye_line"], abs=3)


def test_exif_orientation_is_honoured_and_not_kept(astronaut, engine):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise to be seen
    exif[0x010F] = "SomePhone"
    lying = Image.fromarray(np.rot90(np.asarray(astronaut), 1))
    result = process(encoded(lying, "JPEG", quality=95, exif=exif), BLUE, engine)
    assert result.passed
    assert "exif_orientation" in result.edits
    assert b"SomePhone" not in result.jpeg
    assert not opened(result).getexif()


def test_a_picture_may_keep_its_background_only_if_it_is_right(astronaut, engine):
    from dataclasses import replace

    strict = replace(BLUE, background_policy="crop_only")
    result = process(encoded(astronaut), strict, engine)
    assert not result.passed
    assert {c.code for c in result.failed} & {"background_colour", "coverage_top"}


def test_the_look_survives_being_taken_from_a_larger_decode(
    engine: PhotoEngine, finished: PhotoResult, astronaut
):
    own = duplicates.look_of(np.asarray(astronaut))
    assert duplicates.distance(finished.look, own) <= duplicates.SAME_BITS
    large = skimage.data.coffee().repeat(4, axis=0).repeat(4, axis=1)  # decoded at half its size
    refused = process(encoded(large, "JPEG"), BLUE, engine)
    near = duplicates.distance(refused.look, duplicates.look_of(large[::4, ::4]))
    assert near <= duplicates.SAME_BITS
    assert process(b"no picture", BLUE, engine).look is None
