"""Judging a whole table, part by part; large ones in several processes."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import IO

from backoffice.crypto import keyring
from backoffice.imports.confinement import ROOT
from backoffice.imports.preparing import Plan, Prepared, Preparer
from backoffice.imports.table import Table

PART_ROWS = 2_000
LARGE_FILE = 200_000  # bytes, about 7,000 rows of four columns; below, starting processes takes longer than they save
MAX_PROCESSES = 4
CHECKER = "backoffice.imports.checking_process"
Part = tuple[int, object]


def prepared_parts(table: Table, plan: Plan, checkers: Sequence[Checker]) -> Iterator[Prepared]:
    """Yield the table's parts in order, each judged and ready for the staging table.

    checkers: processes to do it in; this one does it when there are none.
    """
    first = table.header_row + 1
    parts = [
        (first + start, table.below[start : start + PART_ROWS])
        for start in range(0, len(table.below), PART_ROWS)
    ]
    if len(parts) < 2 or not checkers:
        preparer = Preparer(plan)
        for part in parts:
            yield preparer.prepare(*part)
        return
    for checker in checkers:
        checker.begin(plan)
    free = list(checkers)
    # The processes end first: then no thread waits for an answer any more.
    with ThreadPoolExecutor(len(free)) as threads, _ended(checkers):
        # A part goes to whichever process is free; the threads only wait for the pipes.
        yield from threads.map(lambda part: _ask(free, part), parts)


@contextmanager
def checkers_for(file_bytes: int) -> Iterator[Sequence[Checker]]:
    """Start the processes that judge a large file; they get ready while it is still being read."""
    count = min(_cores(), MAX_PROCESSES) if file_bytes >= LARGE_FILE else 0
    started: list[Checker] = []
    with _ended(started):
        while len(started) < count and count > 1:
            started.append(Checker())
        yield started


@contextmanager
def _ended(checkers: Sequence[Checker]) -> Iterator[None]:
    try:
        yield
    finally:
        for checker in checkers:
            checker.end()


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Checker:
    """One process, asked by one thread at a time."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-s", "-m", CHECKER],
            cwd=ROOT,
            env={"PATH": os.defpath, "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def begin(self, plan: Plan) -> None:
        """Tell what the parts to come have in common."""
        self._send((keyring(), plan))

    def ask(self, part: Part) -> Prepared:
        """Return one part prepared. Raises EOFError or OSError when the process is gone."""
        self._send(part)
        assert self._process.stdout is not None
        prepared: Prepared = pickle.load(self._process.stdout)  # noqa: S301 - our own process
        return prepared

    def end(self) -> None:
        """End the process, whatever it does; again does nothing."""
        self._process.kill()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            _close(stream)
        self._process.wait()

    def _send(self, value: object) -> None:
        assert self._process.stdin is not None
        pickle.dump(value, self._process.stdin, pickle.HIGHEST_PROTOCOL)
        self._process.stdin.flush()


def _close(stream: IO[bytes]) -> None:
    with suppress(OSError):  # what was still to be written has nobody to read it
        stream.close()


def _ask(free: list[Checker], part: Part) -> Prepared:
    checker = free.pop()  # there are as many threads as processes, so one is free
    try:
        return checker.ask(part)
    finally:
        free.append(checker)
