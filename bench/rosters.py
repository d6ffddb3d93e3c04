"""Rosters: a large file against its bare read, and against django-import-export on the same server."""

from __future__ import annotations

import io
import multiprocessing
import os
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from backoffice.settings import Settings
from bench.table import Row

LARGE = int(os.environ.get("BENCH_ROSTER_ROWS", "100000"))
SMALL = int(os.environ.get("BENCH_ROSTER_SMALL", "10000"))
MEMORY_MB = 600
SAMPLE_SECONDS = 0.05


@dataclass(frozen=True)
class Answer:
    """One import: its seconds, the processor seconds of all its processes, and its counts."""

    seconds: float
    cpu_seconds: float
    new: int
    same: int
    rejected: int


def bare_read(data: bytes) -> tuple[float, float]:
    """Return the seconds and processor seconds python-calamine takes to give the rows as values."""
    import python_calamine

    began, cpu = time.perf_counter(), time.process_time()
    book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
    book.get_sheet_by_index(0).to_python()
    return time.perf_counter() - began, time.process_time() - cpu


def import_in_process(
    settings: Settings, batch_id: uuid.UUID, data: bytes, times: int, out: Connection
) -> None:
    """Import and commit the file several times; send the answer of each. Runs in its own process."""
    from backoffice import crypto
    from backoffice.imports.operations import import_roster
    from backoffice.models import Batch

    crypto.configure(settings)
    engine = create_engine(settings.database_url)
    with Session(engine) as session:
        batch = session.get_one(Batch, batch_id)
        server = session.scalar(text("SELECT pg_backend_pid()"))
        for _ in range(times):
            began, cpu = time.perf_counter(), _cpu_seconds(server)
            report = import_roster(session, batch, data, "roster.xlsx")
            session.commit()
            took, cpu = time.perf_counter() - began, _cpu_seconds(server) - cpu
            out.send(Answer(took, cpu, report.new, report.same, report.rejected))
    engine.dispose()


def _cpu_seconds(server: int | None) -> float:
    """Return what this process, its ended children and a process of the server have used."""
    used = os.times()
    ticks = Path(f"/proc/{server}/stat").read_text().rpartition(")")[2].split()[11:13]
    return sum(used[:4]) + sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


class Memory:
    """The greatest memory of a process and everything it started, shared pages counted once."""

    def __init__(self, pid: int) -> None:
        self.peak_mb = 0.0
        self._pid, self._over = pid, threading.Event()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Look again and again while the block runs."""
        thread = threading.Thread(target=self._watch)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def _watch(self) -> None:
        while not self._over.wait(SAMPLE_SECONDS):
            total = sum(_pss_kb(pid) for pid in _family(self._pid))
            self.peak_mb = max(self.peak_mb, total / 1024)


def _family(pid: int) -> list[int]:
    found, children = [pid], set[str]()
    try:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            children.update((thread / "children").read_text().split())
    except OSError:
        return found
    for child in children:
        found += _family(int(child))
    return found


def _pss_kb(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    except OSError:
        pass
    return 0


def ours(settings: Settings, data: bytes, times: int) -> tuple[list[Answer], float]:
    """Import into a new batch in a fresh process; returns the answers and the peak memory in MB.

    Raises EOFError when that process ends before it has answered.
    """
    from tests.factories import make_batch

    engine = create_engine(settings.database_url)
    with Session(engine) as session:
        batch_id = make_batch(session).id
        session.commit()
    engine.dispose()
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe(duplex=False)
    process = spawn.Process(target=import_in_process, args=(settings, batch_id, data, times, there))
    process.start()
    there.close()  # now the pipe ends when the process does, whatever it dies of
    assert process.pid is not None
    memory = Memory(process.pid)
    try:
        with memory.watched():
            answers = [here.recv() for _ in range(times)]
    finally:
        process.join()
    return answers, memory.peak_mb


def run(settings: Settings) -> list[Row]:
    """Measure a large file twice, and a small one against the peer."""
    from tests.factories_workbooks import HEADINGS, big_xlsx, people

    large, small = (big_xlsx([HEADINGS, *people(n)]) for n in (LARGE, SMALL))
    ours(settings, small, 1)  # warms the server's files up
    reads = [bare_read(large)]
    (first, again), peak = ours(settings, large, 2)
    reads.append(bare_read(large))
    assert (first.new, again.new, again.same) == (LARGE, 0, LARGE)
    bare, bare_cpu = (sum(column) / len(reads) for column in zip(*reads, strict=True))
    reference = "python-calamine's bare read of the same file"
    return [
        Row(
            f"roster import, {LARGE:,} rows .xlsx to applied", first.seconds / bare, 5, "lower",
            reference, f"{first.seconds:.1f} s here, {LARGE / first.seconds:,.0f} rows/s; "
            f"processor time of all processes and the server {first.cpu_seconds / bare_cpu:.1f}×",
        ),
        Row(
            "the same file again, nothing changed", again.seconds / first.seconds, 1, "lower",
            "the first import", f"{again.seconds:.1f} s here, {again.same:,} rows the same",
        ),
        Row(
            f"roster import, peak memory of all its processes, {LARGE:,} rows", peak / MEMORY_MB, 1,
            "lower", f"{MEMORY_MB} MB", f"{peak:.0f} MB here",
        ),
        *_against_peer(settings, small),
    ]  # fmt: skip


def _against_peer(settings: Settings, data: bytes) -> list[Row]:
    from bench.rosters_peer import Peer

    ((quick,), _), peer = ours(settings, data, 1), Peer(settings)
    theirs = peer.seconds(data, SMALL)
    at_best = peer.seconds(data, SMALL, use_bulk=True, batch_size=1000, skip_diff=True)
    peer.end()
    name = f"roster import, {SMALL:,} rows .xlsx, rows per second"
    return [
        Row(
            name, theirs / quick.seconds, 100, "higher",
            "django-import-export as it comes, same file and server, fields checked",
            f"{quick.seconds:.2f} s against {theirs:.1f} s",
        ),
        Row(
            f"{name}, peer at its fastest", at_best / quick.seconds, 1, "higher",
            "the same with use_bulk, skip_diff, batches of 1,000",
            f"{quick.seconds:.2f} s against {at_best:.1f} s",
        ),
    ]  # fmt: skip
