"""Judging a whole table, part by part; large ones in several processes."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import IO

from backoffice.crypto import keyring
from backoffice.imports.confinement import ROOT
from backoffice.imports.preparing import Plan, Prepared, Preparer
from backoffice.imports.table import Table

PART_ROWS = 2_000
MANY_ROWS = 10_000  # below, starting processes takes longer than they save
MAX_PROCESSES = 4
CHECKER = "backoffice.imports.checking_process"
Part = tuple[int, object]


def prepared_parts(table: Table, plan: Plan) -> Iterator[Prepared]:
    """Yield the table's parts in order, each judged and ready for the staging table."""
    first = table.header_row + 1
    parts = [
        (first + start, table.below[start : start + PART_ROWS])
        for start in range(0, len(table.below), PART_ROWS)
    ]
    processes = min(_cores(), MAX_PROCESSES)
    if len(table.below) < MANY_ROWS or processes < 2:
        preparer = Preparer(plan)
        for part in parts:
            yield preparer.prepare(*part)
        return
    # The processes end first: then no thread waits for an answer any more.
    with ThreadPoolExecutor(processes) as threads, _checkers(plan, processes) as free:
        # A part goes to whichever process is free; the threads only wait for the pipes.
        yield from threads.map(lambda part: _ask(free, part), parts)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _Checker:
    """One process, asked by one thread at a time."""

    def __init__(self, plan: Plan) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-s", "-m", CHECKER],
            cwd=ROOT,
            env={"PATH": os.defpath, "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._send((keyring(), plan))

    def ask(self, part: Part) -> Prepared:
        """Return one part prepared. Raises EOFError or OSError when the process is gone."""
        self._send(part)
        assert self._process.stdout is not None
        prepared: Prepared = pickle.load(self._process.stdout)  # noqa: S301 - our own process
        return prepared

    def end(self) -> None:
        """End the process, whatever it does."""
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


@contextmanager
def _checkers(plan: Plan, count: int) -> Iterator[list[_Checker]]:
    started: list[_Checker] = []
    try:
        for _ in range(count):
            started.append(_Checker(plan))
        yield list(started)
    finally:
        for checker in started:
            checker.end()


def _ask(free: list[_Checker], part: Part) -> Prepared:
    checker = free.pop()  # there are as many threads as processes, so one is free
    try:
        return checker.ask(part)
    finally:
        free.append(checker)
