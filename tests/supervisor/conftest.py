"""Runs real supervisors, as processes, over data folders of their own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

HERE = Path(__file__).resolve().parent
READY_SECONDS = 30


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(what: Callable[[], object], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "timed out"
        time.sleep(0.05)


def lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class RunningSupervisor:
    """One stand-in supervisor process and what it printed."""

    def __init__(self, var: Path, port: int, table: list | None = None) -> None:
        self.var, self.port = var, port
        self.output = var.parent / f"{var.name}.out"
        words = [sys.executable, str(HERE / "stand_in.py"), str(var), str(port)]
        if table is not None:
            path = var.parent / f"{var.name}.table.json"
            path.write_text(json.dumps(table))
            words.append(str(path))
        with self.output.open("wb") as out:
            self.process = subprocess.Popen(
                words, stdout=out, stderr=out, env={**os.environ, "LANG": "en_US.UTF-8"}
            )

    @property
    def said(self) -> str:
        return self.output.read_text()

    def until_ready(self) -> RunningSupervisor:
        wait_for(lambda: "Ready (" in self.said or self.process.poll() is not None, READY_SECONDS)
        assert self.process.poll() is None, self.said
        return self

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def children(self) -> list[psutil.Process]:
        """The servers and programs themselves, without the passing processes of PostgreSQL."""
        return psutil.Process(self.process.pid).children()

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(30)


@pytest.fixture
def supervise(tmp_path: Path) -> Iterator[Callable[..., RunningSupervisor]]:
    """Start stand-in supervisors over `tmp_path/var`; whatever is left at the end is killed."""
    started: list[RunningSupervisor] = []
    family: list[psutil.Process] = []

    def start(table: list | None = None, port: int | None = None) -> RunningSupervisor:
        one = RunningSupervisor(tmp_path / "var", port or free_port(), table)
        started.append(one)
        return one

    yield start
    for one in started:
        if one.process.poll() is None:
            family += one.family()
            one.process.kill()
            one.process.wait()
    for process in family:
        if process.is_running():
            process.kill()
