"""The photo pipeline against the naive way: CPU, memory, throughput, edges, and the queue's cost.

Naive: `rembg.remove` on the full picture, PIL crop, save; no face is looked for. Every ratio comes
from measurements that alternate in the same run; one thread a process unless said otherwise.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from backoffice.settings import Settings, load_settings
from bench import photo_edges, photo_queue
from bench.photo_pictures import CLUTTERED, PLAIN, make
from bench.table import Row

ROUNDS = 5
THROUGHPUT_PICTURES = 8


class Process:
    """A child that works pictures when asked, alone in its memory."""

    def __init__(self, kind: str, models: Path, threads: int = 1) -> None:
        limits = {name: str(threads) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
        self._child = subprocess.Popen(
            [sys.executable, "-m", "bench.photo_process", kind, str(models), str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **limits},
        )
        self._answer()

    def ask(self, picture: Path) -> dict[str, Any]:
        """Work one picture and return its times and the process's peak memory."""
        self.begin(picture)
        return self._answer()

    def begin(self, picture: Path) -> None:
        """Begin a picture without waiting."""
        assert self._child.stdin is not None
        self._child.stdin.write(json.dumps({"file": str(picture)}) + "\n")
        self._child.stdin.flush()

    def _answer(self) -> dict[str, Any]:
        assert self._child.stdout is not None
        line = self._child.stdout.readline()
        if not line:
            raise RuntimeError("the benchmark's process ended")
        answer: dict[str, Any] = json.loads(line)
        return answer

    wait = _answer

    def close(self) -> None:
        """End the process."""
        assert self._child.stdin is not None
        self._child.stdin.close()
        self._child.wait(timeout=30)


def run(settings: Settings) -> list[Row]:
    """Return the rows of issue 4, point 10, but for QR and OCR (bench/documents.py)."""
    models = load_settings().models.resolve()  # the benchmark's own folder holds none
    with tempfile.TemporaryDirectory() as folder:
        pictures = make(models, Path(folder))
        rows = _costs(models, pictures)
        rows.append(_throughput(models, pictures[CLUTTERED]))
        rows.append(
            Row("photos, edge colour error, plain walls", photo_edges.compare(models), 0.75,
                "lower", "naive", f"median of {len(photo_edges.WALLS)} walls, one person")
        )  # fmt: skip
        rows.append(
            Row("photos, through the queue", photo_queue.compare(settings, models, pictures[CLUTTERED]),
                1.05, "lower", "direct calls, CPU")
        )  # fmt: skip
    return rows


def _costs(models: Path, pictures: dict[str, Path]) -> list[Row]:
    """CPU per 12 MP JPEG and peak memory, alternating between the processes."""
    kinds = ("pipeline", "naive", "model")
    running = {kind: Process(kind, models) for kind in kinds}
    cpu: dict[tuple[str, str], list[float]] = {}
    peak = dict.fromkeys(kinds, 0)
    for _ in range(ROUNDS):
        for wall, picture in pictures.items():
            for kind, process in running.items():
                answer = process.ask(picture)
                cpu.setdefault((kind, wall), []).append(answer["cpu"])
                peak[kind] = max(peak[kind], answer["peak_kib"])
    for process in running.values():
        process.close()
    middle = {key: statistics.median(values) for key, values in cpu.items()}
    rows = []
    for wall, goal, own_goal in ((PLAIN, 0.20, 0.5), (CLUTTERED, 0.35, 0.9)):
        ours = middle["pipeline", wall]
        detail = f"{ours * 1000:.0f} ms CPU"
        rows += [
            Row(f"photos, 12 MP, {wall} wall", ours / middle["naive", wall], goal, "lower",
                "naive, CPU", detail),
            Row(f"photos, 12 MP, {wall} wall", ours / middle["model", wall], own_goal, "lower",
                "u2netp's inference alone", detail),
        ]  # fmt: skip
    first = cpu["pipeline", PLAIN][0]
    rows.append(
        Row("photos, a worker's first picture", first / middle["pipeline", PLAIN], 1.1, "lower",
            "its median one, CPU", f"{first * 1000:.0f} ms CPU")
    )  # fmt: skip
    detail = f"{peak['pipeline'] / 1024:.0f} MB"
    rows.append(
        Row("photos, memory of a worker", peak["pipeline"] / peak["naive"], 0.35, "lower",
            "naive, peak RSS", detail)
    )  # fmt: skip
    return rows


def _throughput(models: Path, picture: Path) -> Row:
    """Photos a second by two processes of one thread over one process of two."""
    ratios = []
    two = [Process("pipeline", models) for _ in range(2)]
    one = [Process("pipeline", models, threads=2)]
    for _ in range(3):
        ratios.append(_rate(two, picture) / _rate(one, picture))
    for process in two + one:
        process.close()
    return Row("photos a second, 2 processes x 1 thread", statistics.median(ratios), 1.35, "higher",
               "1 process x 2 threads", f"{os.cpu_count()} cores")  # fmt: skip


def _rate(processes: list[Process], picture: Path) -> float:
    started = time.perf_counter()
    for _ in range(THROUGHPUT_PICTURES // len(processes)):
        for process in processes:
            process.begin(picture)
        for process in processes:
            process.wait()
    return THROUGHPUT_PICTURES / (time.perf_counter() - started)
