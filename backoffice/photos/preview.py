"""Trying a standard on one picture in a process that can be lost; nothing of it is kept.

The picture may be anybody's upload and the models take memory: so neither is opened in the web
process. One try at a time in each process; the next one is asked to wait.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backoffice.errors import BackofficeError
from backoffice.i18n import Text
from backoffice.photos.standards import Standard

SECONDS = 30
MEMORY_BYTES = 3 * 1024**3  # addresses, not pages: the libraries reserve far more than they use
PROCESS = "backoffice.photos.preview_process"
ROOT = Path(__file__).resolve().parents[2]
_turn = threading.BoundedSemaphore(1)


class PreviewBusy(BackofficeError):
    """Another try is running."""

    code = "preview_busy"
    title = Text("正在试拍另一张", "Another picture is being tried")
    detail = Text("请几秒后再试。", "Please try again in a few seconds.")


class PreviewFailed(BackofficeError):
    """The process ended without an answer: too large, too slow, or broken."""

    code = "preview_failed"
    title = Text("试处理没有完成", "The try did not finish")
    detail = Text(
        "这张照片没能在限定的时间和内存内处理完，请换一张再试。",
        "This picture could not be worked within the time and memory allowed; try another.",
    )


@dataclass(frozen=True)
class Preview:
    """What a standard makes of one picture.

    `report` is PhotoResult.to_dict() with advice in both languages; `jpeg` the finished picture or
    None; `source` a small upright JPEG of the original, `source_scale` its pixels per pixel of it.
    """

    report: dict[str, Any]
    making: dict[str, Any]
    jpeg: bytes | None
    source: bytes | None
    source_scale: float


def try_standard(
    data: bytes | None, standard: Standard, models_dir: Path, matting_model: str = "u2netp"
) -> Preview:
    """Return what `standard` makes of a picture file; None takes the sample a library ships.

    Raises PreviewBusy or PreviewFailed.
    """
    if not _turn.acquire(blocking=False):
        raise PreviewBusy()
    try:
        head = {
            "standard": standard.to_dict(),
            "models": str(Path(models_dir).resolve()),
            "matting_model": matting_model,
            "sample": data is None,
            "seconds": SECONDS,
            "memory_bytes": MEMORY_BYTES,
        }
        return _answer(_run(json.dumps(head).encode() + b"\n" + (data or b"")))
    finally:
        _turn.release()


def _run(question: bytes) -> bytes:
    process = subprocess.Popen(
        [sys.executable, "-s", "-m", PROCESS],
        cwd=ROOT,
        # No settings, no secrets: the file it opens may be hostile.
        env={"PATH": os.defpath, "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        output, _ = process.communicate(question, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        raise PreviewFailed() from None
    finally:
        process.kill()
        process.wait()
    if process.returncode != 0:
        raise PreviewFailed()
    return output


def _answer(output: bytes) -> Preview:
    try:
        raw = json.loads(output)
        return Preview(
            report=raw["report"],
            making=raw["making"],
            jpeg=base64.b64decode(raw["jpeg"]) if raw["jpeg"] else None,
            source=base64.b64decode(raw["source"]) if raw["source"] else None,
            source_scale=float(raw["source_scale"]),
        )
    except (ValueError, KeyError, TypeError):
        raise PreviewFailed() from None
