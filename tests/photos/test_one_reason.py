"""What cannot be used at all is refused for one reason: its own, and nothing else is told."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import skimage.data
from PIL import ImageOps

from backoffice.photos import face
from backoffice.photos.checks import face_pose, provenance
from backoffice.photos.checks.views import close_up
from backoffice.photos.pipeline import process
from backoffice.photos.standards import BUILTIN
from evaluation import light
from evaluation.people import Person
from tests.photos.conftest import encoded

BLUE = BUILTIN["chsi-degree-blue"]


def reasons(data: bytes, engine) -> list[str]:
    result = process(data, BLUE, engine)
    assert result.jpeg is None
    assert [c.code for c in result.failed] == [c.code for c in result.checks if not c.passed]
    return [c.code for c in result.failed]


def seen(rgb: np.ndarray, engine) -> face.Face:
    return engine.faces.landmarks(rgb, engine.faces.detect(rgb)[0])


@pytest.fixture(scope="module")
def large(astronaut) -> np.ndarray:
    """The astronaut with a face of 230 pixels: small ones lose their grain to the lines."""
    return cv2.resize(np.asarray(astronaut), None, fx=2.5, fy=2.5, interpolation=cv2.INTER_CUBIC)


# In the first two the detector alone sees a face: a cup, and galaxies.
@pytest.mark.parametrize("name", ["coffee", "hubble_deep_field", "chelsea", "rocket"])
def test_what_only_looks_like_a_face_is_none(name, engine):
    assert reasons(encoded(getattr(skimage.data, name)()), engine) == ["no_face"]


@pytest.mark.parametrize("gain", [(0.01,) * 3, (4.0,) * 3, (0.3, 1.2, 0.3), (1.1, 0.5, 0.12)])
def test_bad_light_does_not_take_the_face_away(gain, astronaut, engine, large):
    lit = light._from_linear(light._linear(large) * np.array(gain, np.float32))
    result = process(encoded(lit), BLUE, engine)
    assert "no_face" not in {c.code for c in result.failed}


def test_black_and_white(astronaut, engine):
    assert reasons(encoded(ImageOps.grayscale(astronaut)), engine) == ["colour"]


def test_a_portrait_drawn_in_flat_areas(large, engine):
    soft = cv2.medianBlur(cv2.bilateralFilter(large, 9, 60, 9), 9)
    lines = cv2.adaptiveThreshold(
        cv2.cvtColor(soft, cv2.COLOR_RGB2GRAY), 255, cv2.ADAPTIVE_THRESH_MEAN_C,
        cv2.THRESH_BINARY, 11, 4,
    )  # fmt: skip
    drawn = np.minimum((soft // 86) * 86 + 40, lines[..., None]).astype(np.uint8)
    assert reasons(encoded(drawn), engine) == ["live_face"]


def test_skin_has_grain_where_it_is_not_clipped(large, engine):
    def share(rgb: np.ndarray) -> float:
        view = close_up(rgb, seen(rgb, engine))
        return provenance.live_face(view, 40.0, sharp=True, lit=False)

    assert share(large) > 0.3
    smooth = cv2.bilateralFilter(cv2.bilateralFilter(large, 15, 40, 7), 15, 40, 7)
    assert share(smooth) > 0.2  # a beauty filter
    burnt = light.bright(Person("", large, seen(large, engine), np.ones(1)), 3.0)
    assert share(burnt) > 0.3  # burnt out: nothing to be seen, so nothing is said


@pytest.mark.parametrize("degrees", [-35, -10, 10, 35])
def test_a_nod_is_refused_when_it_is_sure(degrees, astronaut, engine):
    """The measure follows a turned mesh; a nod within the spread of upright heads is let pass."""
    upright = seen(np.asarray(astronaut), engine)
    _, before = face_pose.head_pose(upright)
    angle = np.radians(degrees)
    turn = np.array(
        [[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]],
        np.float32,
    )
    nodded = replace(upright, points=upright.points @ turn.T)
    _, after = face_pose.head_pose(nodded)
    assert after - before == pytest.approx(degrees, abs=1)
    refused = not BLUE.limits["head_pitch"][0].accepts(face_pose.measure(nodded)["head_pitch"])
    assert refused == (abs(degrees) > 30)
