"""Pictures the tests make, and one warm engine for the session."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

from backoffice.photos.pipeline import PhotoEngine, PhotoResult, process
from backoffice.photos.standards import BUILTIN


def encoded(picture: Image.Image | np.ndarray, kind: str = "PNG", **options) -> bytes:
    if isinstance(picture, np.ndarray):
        picture = Image.fromarray(picture)
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


@pytest.fixture(scope="session")
def astronaut() -> Image.Image:
    """A real portrait a dependency ships (public domain, NASA)."""
    return Image.fromarray(skimage.data.astronaut())


@pytest.fixture(scope="session")
def engine(photo_models: Path) -> PhotoEngine:
    return PhotoEngine(photo_models)


@pytest.fixture(scope="session")
def finished(engine: PhotoEngine, astronaut: Image.Image) -> PhotoResult:
    """The astronaut's finished picture by the default standard."""
    return process(encoded(astronaut), BUILTIN["chsi-degree-blue"], engine)
