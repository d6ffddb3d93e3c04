"""Running every network once, so that a worker's first picture is as fast as its tenth."""

from __future__ import annotations

import numpy as np

from backoffice.photos import geometry
from backoffice.photos.face import Detection
from backoffice.photos.pipeline import PhotoEngine

_SIDE = 256


def warm(engine: PhotoEngine) -> None:
    """Load what is loaded at first use and run all networks on an empty picture."""
    empty = np.full((_SIDE, _SIDE, 3), 128, np.uint8)
    engine.faces.detect(empty)
    points = [[100, 110], [156, 110], [128, 140], [128, 165], [80, 115], [176, 115]]
    somewhere = Detection((70, 70, 116, 116), 1.0, np.array(points, np.float32))
    engine.faces.landmarks(empty, somewhere)
    frame = np.full((*geometry.FRAME_SIZE[::-1], 3), 128, np.uint8)
    engine.mattes.selfie(frame)
    engine.mattes.rembg(frame)
