"""The process that tries a standard: `python -m backoffice.photos.preview_process`.

Standard input: one JSON line, then the picture. Standard output: one JSON object (see `preview`).
"""

from __future__ import annotations

import base64
import io
import json
import resource
import sys
from pathlib import Path
from typing import Any

SHOWN_SIDE = 720  # pixels of the original beside the result


def main() -> int:
    """Answer one question. Ends by signal when it runs into its limits."""
    head = json.loads(sys.stdin.buffer.readline())
    resource.setrlimit(resource.RLIMIT_AS, (head["memory_bytes"], head["memory_bytes"]))
    resource.setrlimit(resource.RLIMIT_CPU, (head["seconds"], head["seconds"] + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    data = sample() if head["sample"] else sys.stdin.buffer.read()
    sys.stdout.write(json.dumps(answer(data, head)))
    return 0


def sample() -> bytes:
    """Return a real portrait a library ships (NASA, public domain)."""
    from skimage.data import astronaut

    return _jpeg(astronaut())  # type: ignore[no-untyped-call]


def answer(data: bytes, head: dict[str, Any]) -> dict[str, Any]:
    """Return the report, the finished picture and a small original."""
    from backoffice.photos.pipeline import PhotoEngine, process
    from backoffice.photos.standards import Standard

    engine = PhotoEngine(Path(head["models"]), head["matting_model"])
    result = process(data, Standard.from_dict(head["standard"]), engine)
    source, scale = _small_source(data, int(result.making.get("turned_degrees", 0)))
    report = result.to_dict()
    for line, check in zip(report["checks"], result.checks, strict=True):
        line["advice"] = None if check.passed else {"zh": check.advice.zh, "en": check.advice.en}
    return {
        "report": report,
        "making": result.making,
        "jpeg": base64.b64encode(result.jpeg).decode() if result.jpeg else None,
        "source": base64.b64encode(source).decode() if source else None,
        "source_scale": scale,
    }


def _small_source(data: bytes, degrees: int) -> tuple[bytes | None, float]:
    import numpy as np
    from PIL import Image

    from backoffice.photos.errors import PhotoRefused
    from backoffice.photos.reading import decode

    try:
        picture = decode(data, want_side=SHOWN_SIDE)
    except PhotoRefused:
        return None, 1.0
    image = Image.fromarray(np.ascontiguousarray(np.rot90(picture.rgb, -degrees // 90)))
    width = image.width
    image.thumbnail((SHOWN_SIDE, SHOWN_SIDE))
    return _jpeg(np.asarray(image)), picture.scale * image.width / width


def _jpeg(pixels: Any) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=90)
    return out.getvalue()


if __name__ == "__main__":
    sys.exit(main())
