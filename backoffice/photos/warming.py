"""Doing everything once, so that a worker's first picture is as fast as its tenth.

Networks are loaded at their first use, and so are decoders, colour tables and parts of NumPy: together
as much work as a picture or two.
"""

from __future__ import annotations

import io

import cv2
import numpy as np
from PIL import Image

from backoffice.photos import compose, encode, geometry, matting, reading, windows
from backoffice.photos.arrays import RGB
from backoffice.photos.checks import light, provenance
from backoffice.photos.checks.views import close_up
from backoffice.photos.detecting import Detection
from backoffice.photos.kept_memory import keep_freed_memory
from backoffice.photos.native import native_patch
from backoffice.photos.pipeline import PhotoEngine
from backoffice.photos.standards import CHSI_BLUE

_FACE = (254.0, 330.0, 100.0, 100.0)  # left, top, width, height in the frame


def warm(engine: PhotoEngine) -> None:
    """Load what is loaded at first use: every network and every stage on drawn pictures.

    For a process that does nothing else: from now on it keeps the memory it frees.
    """
    keep_freed_memory()
    frame = _drawn()
    picture = reading.decode(_jpeg(frame), want_side=max(geometry.FRAME_SIZE) // 2)
    native_patch(_jpeg(frame), picture, 0, (100, 100), provenance.PATCH_PX)
    engine.faces.detect(frame)
    x, y, width, height = _FACE
    points = [(.26, .34), (.74, .34), (.5, .6), (.5, .81), (.08, .4), (.92, .4)]  # fmt: skip
    keypoints = np.array([(x + u * width, y + v * height) for u, v in points], np.float32)
    face = engine.faces.landmarks(frame, Detection(_FACE, 1.0, keypoints))
    light.measure(close_up(frame, face))
    provenance.screen_pattern(frame[..., 1])
    whole = (0, 0, *geometry.FRAME_SIZE)
    matting.person_matte(engine.mattes, frame, whole, (x, y))
    engine.mattes.rembg(frame)
    finished = windows.resample(frame, windows.Crop(0.7, 0.0, 0.0), CHSI_BLUE.size)
    alpha = np.tile(np.linspace(0, 1, CHSI_BLUE.width, dtype=np.float32), (CHSI_BLUE.height, 1))
    ycc = compose.compose(finished, alpha, CHSI_BLUE.background)
    reading.decode(encode.encode(ycc, CHSI_BLUE).data)


def _drawn() -> RGB:
    """Return something like a person before a plain wall, in the working frame."""
    frame = np.full((*geometry.FRAME_SIZE[::-1], 3), 200, np.uint8)
    cv2.ellipse(frame, (304, 380), (100, 150), 0, 0, 360, (190, 140, 120), -1)
    cv2.ellipse(frame, (304, 800), (280, 250), 0, 0, 360, (40, 40, 60), -1)
    return frame


def _jpeg(rgb: RGB) -> bytes:
    out = io.BytesIO()
    Image.fromarray(rgb).save(out, "JPEG")
    return out.getvalue()
