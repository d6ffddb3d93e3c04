"""Standards as stored records, exact background colours, and the file-size search."""

from __future__ import annotations

import io
import json

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from backoffice.photos import compose, duplicates, reading
from backoffice.photos.checks import KINDS, judge
from backoffice.photos.checks.colour_difference import ciede2000
from backoffice.photos.encode import encode
from backoffice.photos.standards import BUILTIN, DEFAULT_LIMITS, Limit, Standard
from backoffice.reference import REASONS
from tests.photos.conftest import encoded

BLUE = BUILTIN["chsi-degree-blue"]


@pytest.mark.parametrize("name", sorted(BUILTIN))
def test_a_standard_survives_json(name: str):
    standard = BUILTIN[name]
    assert Standard.from_dict(json.loads(json.dumps(standard.to_dict()))) == standard
    assert standard.name == name
    assert standard.min_bytes < standard.preferred_bytes[0] < standard.preferred_bytes[1]
    assert standard.preferred_bytes[1] < standard.max_bytes


def test_an_unknown_field_is_an_error():
    with pytest.raises(ValueError, match="surprise"):
        Standard.from_dict(BLUE.to_dict() | {"surprise": 1})


def test_the_contract_default():
    assert BLUE.size == (480, 640)
    assert BLUE.background == (100, 197, 255)
    assert (BLUE.hair_top, BLUE.eye_line, BLUE.face_width) == ((50, 110), (200, 300), (180, 300))


@pytest.mark.parametrize(
    ("value", "passed", "severity"),
    [(5, True, "warn"), (11, False, "warn"), (21, False, "refuse"), (10, True, "warn")],
)
def test_a_value_is_judged_by_the_strictest_bound_it_breaks(value, passed, severity):
    check = judge("head_yaw", value, (Limit("refuse", high=20), Limit("warn", high=10)))
    assert (check.passed, check.severity) == (passed, severity)
    assert check.to_dict()["advice"] == (None if passed else KINDS["head_yaw"].advice.zh)


def test_every_bound_has_advice_and_a_catalogue_code():
    assert set(DEFAULT_LIMITS) <= set(KINDS)
    assert {kind.rejection_code for kind in KINDS.values()} <= {row[0] for row in REASONS}


def test_ciede2000_against_published_pairs():
    """Sharma, Wu, Dalal 2005, table 1: pairs 1, 7, 17, 25, 33."""
    pairs = [
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, 0, 0), (50, -1, 2), 2.3669),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((6.7747, -0.2908, -2.4247), (5.8714, -0.0985, -2.2286), 0.6377),
    ]
    for first, second, expected in pairs:
        found = ciede2000(np.array([first], np.float32), np.array(second, np.float32))
        assert found[0] == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize("name", sorted(BUILTIN))
def test_the_background_decodes_to_the_standards_colour(name: str):
    standard = BUILTIN[name]
    wall = np.full((64, 64, 3), compose.background_ycc(standard.background), np.uint8)
    out = io.BytesIO()
    Image.fromarray(wall, mode="YCbCr").save(out, "JPEG", quality=80, subsampling=0)
    assert tuple(np.asarray(Image.open(out))[30, 30]) == standard.background
    raw = np.frombuffer(out.getvalue(), np.uint8)
    assert tuple(cv2.imdecode(raw, 1)[30, 30, ::-1]) == standard.background


def busy(share: float) -> np.ndarray:
    """A picture of noise over `share` of its area on a smooth wall."""
    rng = np.random.default_rng(7)
    ycc = np.full((640, 480, 3), (176, 179, 74), np.uint8)
    rows = int(640 * share)
    if rows:
        patch = rng.integers(0, 255, (rows, 480, 3), dtype=np.uint8)
        ycc[640 - rows :] = cv2.GaussianBlur(patch, (0, 0), 1.1)
    return ycc


@settings(max_examples=8, deadline=None)
@given(st.floats(0.25, 1.0))
def test_the_size_is_in_range_however_busy_the_picture(share: float):
    result = encode(busy(share), BLUE)
    assert BLUE.min_bytes <= len(result.data) <= BLUE.max_bytes
    picture = Image.open(io.BytesIO(result.data))
    assert picture.size == (480, 640)
    assert encode(busy(share), BLUE).data == result.data


def test_an_ordinary_portrait_takes_few_encodes(finished):
    ycc = compose.as_ycc(np.asarray(Image.open(io.BytesIO(finished.jpeg)).convert("RGB")))
    assert encode(ycc, BLUE).tries <= 4


def test_no_halo_of_the_old_wall_is_left():
    """A dark person on a white wall, half-covered edge pixels: none comes out lighter than both."""
    alpha = cv2.GaussianBlur(np.pad(np.ones((60, 60), np.float32), 40), (0, 0), 2)
    rgb = (alpha[..., None] * (40, 30, 30) + (1 - alpha[..., None]) * 255).astype(np.uint8)
    ycc = compose.compose(rgb, compose.settle(alpha), (100, 197, 255))
    out = np.asarray(Image.fromarray(ycc, mode="YCbCr").convert("RGB")).astype(int)
    assert out[..., 0].max() <= 104  # the wall's 100 is the most red there may be


def test_fingerprints():
    rng = np.random.default_rng(3)
    scene = cv2.resize(rng.integers(0, 255, (9, 12, 3), dtype=np.uint8), (800, 600))
    other = cv2.resize(rng.integers(0, 255, (9, 12, 3), dtype=np.uint8), (800, 600))
    first, again = encoded(scene), encoded(cv2.resize(scene, (400, 300)), "JPEG", quality=60)
    assert duplicates.file_hash(first) != duplicates.file_hash(again)
    look = duplicates.look_of(scene)
    assert len(look) == 16
    near = duplicates.distance(look, duplicates.look_of(reading.decode(again).rgb))
    far = duplicates.distance(look, duplicates.look_of(other))
    assert near <= 4 < 15 < far
