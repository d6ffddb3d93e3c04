"""The crop solver: whatever it returns as solved keeps every range and shows no missing part."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backoffice.photos.geometry import (
    FRAME_FACE,
    Subject,
    cut_chord,
    cut_sides,
    hair_top_row,
    solve_crop,
)
from backoffice.photos.standards import BUILTIN
from backoffice.photos.windows import Crop

BLUE = BUILTIN["chsi-degree-blue"]

subjects = st.builds(
    lambda width, ratio, above, below, left, right, touch: Subject(
        hair_top=above * width,
        eye_line=(above + ratio) * width,
        face_width=width,
        centre_x=left * width,
        source_width=int((left + right) * width),
        source_height=int((above + ratio + below) * width),
        body_left=(above + ratio + touch) * width,
        body_right=(above + ratio + touch) * width,
    ),
    width=st.floats(60, 900),
    ratio=st.floats(0.7, 1.6),
    above=st.floats(0, 2),
    below=st.floats(0.8, 4),
    left=st.floats(0.6, 3),
    right=st.floats(0.6, 3),
    touch=st.floats(0.4, 2),
)


@settings(deadline=None)
@given(subjects, st.sampled_from(sorted(BUILTIN)))
def test_a_solved_crop_keeps_every_range(subject: Subject, name: str):
    standard = BUILTIN[name]
    solution = solve_crop(subject, standard)
    if solution.problem is not None:
        return
    crop = solution.crop
    centre, eyes = crop.to_output(subject.centre_x, subject.eye_line)
    hair = crop.to_output(0, subject.hair_top)[1]
    assert standard.eye_line[0] + 1.9 <= eyes <= standard.eye_line[1] - 1.9
    assert standard.hair_top[0] + 1.9 <= hair <= standard.hair_top[1] - 1.9
    width = subject.face_width * crop.scale
    assert standard.face_width[0] + 3.9 <= width <= standard.face_width[1] - 3.9
    assert abs(centre - standard.width / 2) <= standard.max_centre_offset / 2 + 0.01
    assert (crop.y0 + standard.height / crop.scale - subject.source_height) * crop.scale <= 0.51
    bottom = crop.y0 + standard.height / crop.scale
    if subject.body_left < bottom:
        assert crop.x0 * crop.scale >= -0.51
        right = crop.x0 + standard.width / crop.scale
        assert (right - subject.source_width) * crop.scale <= 0.51


@settings(deadline=None)
@given(st.floats(0.85, 1.26), st.floats(80, 800))
def test_an_ordinary_head_with_room_is_always_solved(ratio: float, width: float):
    subject = Subject(
        hair_top=width,
        eye_line=(1 + ratio) * width,
        face_width=width,
        centre_x=3 * width,
        source_width=int(6 * width),
        source_height=int(7 * width),
    )
    solution = solve_crop(subject, BLUE)
    assert solution.problem is None
    hair = solution.crop.to_output(0, subject.hair_top)[1]
    assert 53 <= hair <= 107
    assert 185 <= width * solution.crop.scale <= 290


CASES = [
    ("head_shape", {"hair_top": 100.0}),  # a hairdo higher than any crop allows
    ("bottom", {"source_height": 560}),
    ("side", {"source_width": 480, "body_right": 420.0}),
]


@pytest.mark.parametrize(("problem", "changes"), CASES)
def test_what_cannot_be_is_named(problem: str, changes: dict):
    base = {
        "hair_top": 180.0,
        "eye_line": 400.0,
        "face_width": 200.0,
        "centre_x": 300.0,
        "source_width": 600,
        "source_height": 1200,
    }
    solution = solve_crop(Subject(**(base | changes)), BLUE)
    assert solution.problem == problem


def test_missing_wall_is_filled_but_a_cut_shoulder_is_not():
    subject = Subject(180.0, 400.0, 200.0, 300.0, 460, 1200, body_right=None)
    assert solve_crop(subject, BLUE).problem is None
    strict = Subject(180.0, 400.0, 200.0, 300.0, 460, 1200, wall_may_be_filled=False)
    assert solve_crop(strict, BLUE).problem == "side"


def test_hair_top_ignores_stray_hairs():
    alpha = np.zeros((100, 300), np.float32)
    alpha[10:, 150] = 1  # one strand
    alpha[30:, 100:200] = 1
    assert hair_top_row(alpha, 200) == 30
    assert hair_top_row(np.zeros((10, 10), np.float32), 200) is None


def test_hair_at_the_side_counts_above_the_chin_only():
    alpha = np.zeros((100, 80), np.float32)
    alpha[60:, :] = 1  # shoulders
    assert cut_sides(alpha, 60) == 0
    alpha[30:60, :5] = 1
    assert cut_sides(alpha, 60) == 0.5


def test_a_cut_head_shows_a_long_chord():
    alpha = np.zeros((200, 300), np.float32)
    alpha[50:, 50:250] = 1
    assert cut_chord(alpha, Crop(1.0, 0.0, -60.0)) == pytest.approx(200 / FRAME_FACE)
    assert cut_chord(alpha, Crop(1.0, 0.0, -40.0)) == 0
    assert cut_chord(alpha, Crop(1.0, 0.0, 40.0)) == 0
