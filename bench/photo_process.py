"""One process of the photo benchmark: answers a JSON line per picture with its CPU seconds.

`python -m bench.photo_process pipeline|naive|model MODELS_DIR [threads]`. A line on standard input
names a file (and where to keep the result); the answer holds CPU and wall seconds and the peak
memory so far in KiB.
"""

from __future__ import annotations

import io
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.memory import peak_kib

BLUE = (100, 197, 255)
Work = Callable[[bytes], bytes]


def pipeline(models: Path, threads: int) -> Work:
    """The product's pipeline, warmed as its workers are."""
    import cv2

    from backoffice.photos.pipeline import PhotoEngine, process
    from backoffice.photos.standards import CHSI_BLUE
    from backoffice.photos.warming import warm

    engine = PhotoEngine(models)
    if threads > 1:
        _more_threads(engine, threads)
        cv2.setNumThreads(threads)
    warm(engine)

    def work(data: bytes) -> bytes:
        result = process(data, CHSI_BLUE, engine)
        assert result.jpeg is not None, [c.code for c in result.failed]
        return result.jpeg

    return work


def _more_threads(engine: Any, threads: int) -> None:
    import onnxruntime as ort

    single = ort.SessionOptions

    class Options(single):  # type: ignore[misc, valid-type]
        def __setattr__(self, name: str, value: Any) -> None:
            super().__setattr__(name, threads if name == "intra_op_num_threads" else value)

    ort.SessionOptions = Options
    engine.mattes.rembg(__import__("numpy").zeros((64, 64, 3), "uint8"))
    ort.SessionOptions = single


def naive(models: Path, threads: int) -> Work:
    """The naive way: rembg on the full picture, PIL crop, save."""
    os.environ["U2NET_HOME"] = str(models)
    os.environ["OMP_NUM_THREADS"] = str(threads)
    from PIL import Image
    from rembg import new_session, remove

    session = new_session("u2netp")

    def work(data: bytes) -> bytes:
        cut = remove(Image.open(io.BytesIO(data)).convert("RGB"), session=session)
        box = cut.getchannel("A").point(lambda a: 255 * (a > 128)).getbbox() or (0, 0, *cut.size)
        left, top, right, _ = box
        width = min(right - left, cut.height * 3 // 4)
        middle = (left + right) // 2
        window = (middle - width // 2, top, middle + width // 2, top + width * 4 // 3)
        part = cut.crop(window).resize((480, 640), Image.Resampling.LANCZOS)
        finished = Image.new("RGB", part.size, BLUE)
        finished.paste(part, mask=part.getchannel("A"))
        out = io.BytesIO()
        finished.save(out, "JPEG", quality=85, dpi=(300, 300))
        return out.getvalue()

    work(_grey())
    return work


def model(models: Path, threads: int) -> Work:
    """The matting model's own inference and nothing else, at the size rembg gives it."""
    import numpy as np
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    session = ort.InferenceSession(
        str(models / "u2netp.onnx"), options, providers=["CPUExecutionProvider"]
    )
    name = session.get_inputs()[0].name
    picture = np.random.default_rng(1).normal(0, 1, (1, 3, 320, 320)).astype(np.float32)

    def work(data: bytes) -> bytes:
        session.run(None, {name: picture})
        return b""

    work(b"")
    return work


def _grey() -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", (400, 500), (128, 128, 128)).save(out, "JPEG")
    return out.getvalue()


KINDS = {"pipeline": pipeline, "naive": naive, "model": model}


def main(kind: str, models: str, threads: str = "1") -> int:
    """Answer until standard input ends."""
    work = KINDS[kind](Path(models), int(threads))
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        question = json.loads(line)
        data = Path(question["file"]).read_bytes()
        cpu, wall = time.process_time(), time.perf_counter()
        made = work(data)
        answer = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}
        if question.get("keep"):
            Path(question["keep"]).write_bytes(made)
        answer["peak_kib"] = peak_kib()
        print(json.dumps(answer), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
