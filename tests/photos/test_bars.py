"""Plain bars along the edges are no picture: none is left in what is finished."""

from __future__ import annotations

import io
from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image

from backoffice.photos import bars
from backoffice.photos.pipeline import process
from backoffice.photos.standards import BUILTIN
from tests.photos.conftest import encoded

BLUE = BUILTIN["chsi-degree-blue"]
COLOURS = [(0, 0, 0), (255, 255, 255), (90, 60, 40)]


@pytest.fixture(scope="module")
def tight(astronaut) -> np.ndarray:
    """As much of her as the finished picture needs, and no more."""
    large = cv2.resize(np.asarray(astronaut), None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    return large[:520, 60:800]


def framed(rgb: np.ndarray, colour, *, top=0, bottom=0, left=0, right=0) -> np.ndarray:
    return cv2.copyMakeBorder(rgb, top, bottom, left, right, cv2.BORDER_CONSTANT, value=colour)


@pytest.mark.parametrize("quality", [None, 40, 90])
@pytest.mark.parametrize("colour", COLOURS)
def test_bars_are_found_to_the_pixel(colour, quality, tight):
    made = framed(tight, colour, top=40, bottom=100, left=30, right=61)
    if quality:
        data = encoded(made, "JPEG", quality=quality)
        made = np.asarray(Image.open(io.BytesIO(data)))
    inner, left, top = bars.cut_off(made)
    slack = 2 if quality else 0
    assert abs(left - 30) <= slack
    assert abs(top - 40) <= slack
    assert np.abs(np.subtract(inner.shape, tight.shape)).max() <= 2 * slack


@pytest.mark.parametrize("noise", [0, 3])
def test_a_wall_is_no_bar_however_plain(noise, tight):
    """A plain wall ends in the outline of a person, and a whole plain picture has no edge."""
    wall = np.full((600, 500, 3), 200, np.int16)
    wall += np.random.default_rng(1).normal(0, noise, wall.shape).astype(np.int16)
    assert bars.cut_off(wall.astype(np.uint8))[0].shape == wall.shape
    cv2.ellipse(wall, (250, 330), (110, 150), 0, 0, 360, (60, 40, 30), -1)
    cv2.ellipse(wall, (250, 640), (260, 180), 0, 0, 360, (20, 20, 60), -1)
    assert bars.cut_off(wall.astype(np.uint8))[0].shape == wall.shape
    assert bars.cut_off(tight)[0].shape == tight.shape


@pytest.mark.parametrize("colour", COLOURS)
def test_no_bar_gets_into_the_finished_picture(colour, tight, engine):
    plain = process(encoded(tight), BLUE, engine)
    assert plain.passed, [c.code for c in plain.failed]
    made = framed(tight, colour, bottom=180, left=20)
    result = process(encoded(made), BLUE, engine)
    assert result.passed, [c.code for c in result.failed]
    cut, box = plain.making["crop"], result.making["crop"]
    assert box["left"] == pytest.approx(cut["left"] + 20, abs=3)  # pixels of the file, bar and all
    assert box["top"] + box["height"] <= tight.shape[0] + 1
    pictures = [np.asarray(Image.open(io.BytesIO(r.jpeg)).convert("RGB")) for r in (plain, result)]
    below = [picture[-6:, 100:380].astype(int).mean(axis=(0, 1)) for picture in pictures]
    assert np.abs(below[0] - below[1]).max() < 12


def test_what_a_bar_hides_is_missing(tight, engine):
    made = framed(tight[:400], (90, 60, 40), bottom=300)
    codes = {c.code for c in process(encoded(made), BLUE, engine).failed}
    assert codes == {"coverage_bottom"}
    made = framed(tight[150:], (0, 0, 0), top=100)
    codes = {c.code for c in process(encoded(made), BLUE, engine).failed}
    assert codes & {"head_whole", "face_complete"}


def test_check_only_touches_no_bar(tight, engine):
    only = replace(BLUE, background_policy="check_only")
    finished = cv2.resize(framed(tight, (0, 0, 0), bottom=180), BLUE.size)
    result = process(encoded(finished, "JPEG", quality=95), only, engine)
    assert result.making.get("crop", {}).get("top", 0.0) == 0.0
    assert "black_edge" in {c.code for c in result.checks if not c.passed}
