"""A warmed engine has nothing left to load."""

from __future__ import annotations

import cv2
import onnxruntime

from backoffice.photos.pipeline import PhotoEngine, process
from backoffice.photos.standards import BUILTIN
from backoffice.photos.warming import warm
from tests.photos.conftest import encoded


def test_the_first_picture_loads_nothing(photo_models, astronaut, monkeypatch):
    engine = PhotoEngine(photo_models)
    warm(engine)

    def refused(*args, **kwargs):
        raise AssertionError("a model was loaded for a picture")

    monkeypatch.setattr(onnxruntime, "InferenceSession", refused)
    monkeypatch.setattr(cv2.dnn, "readNetFromTFLite", refused)
    result = process(encoded(astronaut), BUILTIN["chsi-degree-blue"], engine)
    assert result.passed
