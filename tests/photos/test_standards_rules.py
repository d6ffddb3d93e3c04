"""What a standard may say, and the words for what changed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backoffice.photos.standards import BUILTIN, Limit
from backoffice.photos.standards_differences import FIELDS, differences
from backoffice.photos.standards_rules import problems

BLUE = BUILTIN["chsi-degree-blue"]


@pytest.mark.parametrize("name", sorted(BUILTIN))
def test_the_built_in_ones_are_sound(name):
    assert problems(BUILTIN[name]) == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": "Blue!"}, "name"),
        ({"name": "a" * 41}, "name"),
        ({"title_zh": " "}, "title_zh"),
        ({"title_en": "x" * 101}, "title_en"),
        ({"width": 99}, "width"),
        ({"height": 2601}, "height"),
        ({"dpi": 0}, "dpi"),
        ({"background": (0, 256, 0)}, "background"),
        ({"background_policy": "paint"}, "background_policy"),
        ({"glasses": "maybe"}, "glasses"),
        ({"min_bytes": 50_000}, "max_bytes"),
        ({"preferred_bytes": (10_000, 39_000)}, "preferred_bytes"),
        ({"preferred_bytes": (39_000, 31_000)}, "preferred_bytes"),
        ({"hair_top": (110, 50)}, "hair_top"),
        ({"eye_line": (200, 700)}, "eye_line"),
        ({"face_width": (20, 40)}, "face_width"),  # no head is that small below that hair line
        ({"face_width": (400, 480)}, "face_width"),
        ({"max_eye_angle": 0}, "max_eye_angle"),
        ({"max_attempts": 0}, "max_attempts"),
        ({"limits": {"no_such": (Limit("warn", high=1),)}}, "limits.no_such"),
        ({"limits": {"gaze": (Limit("warn", 2, 1),)}}, "limits.gaze"),
        ({"limits": {"gaze": (Limit("panic", high=1),)}}, "limits.gaze"),
        ({"limits": {"gaze": (Limit("refuse", high=1), Limit("warn", high=2))}}, "limits.gaze"),
        ({"limits": {"gaze": (Limit("refuse", low=2), Limit("warn", low=1))}}, "limits.gaze"),
    ],
)
def test_what_makes_no_sense_is_named(changes, field):
    found = problems(replace(BLUE, **changes))
    assert field in {problem.field for problem in found}
    assert all(problem.message.zh and problem.message.en for problem in found)


def test_differences_are_told_in_words():
    new = replace(
        BLUE,
        background_policy="check_only",
        max_attempts=3,
        eye_line=(210, 290),
        limits={**BLUE.limits, "gaze": (Limit("refuse", high=0.5), Limit("note", high=0.2))},
    )
    found = {item.label.en: (item.old, item.new) for item in differences(BLUE, new)}
    assert len(found) == 4
    assert found["Background policy"][1].zh == "只检测，不做任何修改"
    assert found["Uploads per order at most"][0].en == "the batch decides"
    assert [side.en for side in found["Eyes from the top (px)"]] == ["200–300", "210–290"]
    gaze = next(sides for label, sides in found.items() if sides[1].zh.startswith("拒收"))
    assert gaze[1].en == "refuse outside ≤ 0.5; note outside ≤ 0.2"
    assert differences(BLUE, replace(BLUE, version=2)) == []


def test_without_an_earlier_version_everything_is_listed():
    assert len(differences(None, BLUE)) == len(FIELDS) + len(BLUE.limits)
