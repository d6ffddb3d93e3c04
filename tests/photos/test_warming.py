"""A warmed engine has nothing left to load."""

from __future__ import annotations

import ctypes
import resource

import cv2
import onnxruntime
import pytest

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


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="glibc alone can be told")
def test_a_warmed_process_gives_no_memory_back_between_pictures(photo_models, astronaut):
    """Otherwise thousands of pages come and go with every picture."""
    engine = PhotoEngine(photo_models)
    warm(engine)
    data = encoded(astronaut)
    process(data, BUILTIN["chsi-degree-blue"], engine)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    process(data, BUILTIN["chsi-degree-blue"], engine)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before < 1000
