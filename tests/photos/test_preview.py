"""Trying a standard in a process of its own."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from PIL import Image

from backoffice.photos import preview
from backoffice.photos.standards import BUILTIN

BLUE = BUILTIN["chsi-degree-blue"]


def test_the_shipped_sample_is_tried_as_told(photo_models):
    grey = replace(BLUE, background=(240, 240, 240), glasses="allowed")
    tried = preview.try_standard(None, grey, photo_models)
    assert tried.report["passed"]
    picture = Image.open(io.BytesIO(tried.jpeg))
    assert picture.size == (480, 640)
    assert picture.getpixel((3, 3)) == (240, 240, 240)
    assert "glasses" not in {line["code"] for line in tried.report["checks"]}
    assert Image.open(io.BytesIO(tried.source)).size == (512, 512)
    assert tried.making["standard"]["name"] == BLUE.name


def test_what_is_no_picture_is_an_answer_too(photo_models):
    tried = preview.try_standard(b"%PDF-1.7 nothing", BLUE, photo_models)
    assert not tried.report["passed"]
    assert tried.jpeg is tried.source is None
    assert tried.report["checks"][0]["advice"]["zh"]


def test_a_process_that_dies_or_hangs_is_a_coded_error(tmp_path, photo_models, monkeypatch):
    with pytest.raises(preview.PreviewFailed):
        preview.try_standard(None, BLUE, tmp_path)  # no models there
    monkeypatch.setattr(preview, "SECONDS", 0.01)
    with pytest.raises(preview.PreviewFailed):
        preview.try_standard(None, BLUE, photo_models)


def test_one_at_a_time(photo_models):
    preview._turn.acquire()
    try:
        with pytest.raises(preview.PreviewBusy):
            preview.try_standard(None, BLUE, photo_models)
    finally:
        preview._turn.release()
    assert preview._turn.acquire(blocking=False)
    preview._turn.release()
