"""The real system on a data folder and a port of the demo's own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from backoffice.settings import ROOT
from demo.report import StepFailed

READY_SECONDS = 120.0
OUTSIDE = ("DATABASE_URL", "REDIS_URL", "STORAGE_URL", "VAR_DIR", "PORT", "BASE_URL", "APP_ENV")


@dataclass
class Stack:
    """Where the demo's system listens and keeps its data."""

    base_url: str
    var: Path
    environment: dict[str, str]

    def flask(self, *arguments: str, status: int = 0) -> dict[str, Any]:
        """Run one `flask` command with --json and return its answer; checks the exit status."""
        done = subprocess.run(
            [sys.executable, "-m", "flask", "--app", "wsgi", *arguments, "--json"],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
        if done.returncode != status:
            tail = (done.stderr or done.stdout).strip().splitlines()[-3:]
            raise StepFailed(
                f"flask {' '.join(arguments[:2])} ended with {done.returncode}: {tail}"
            )
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def demo_file(self) -> dict[str, Any]:
        """Return var/demo.json."""
        content: dict[str, Any] = json.loads((self.var / "demo.json").read_text())
        return content

    def messages(self) -> list[dict[str, Any]]:
        """Return what the file SMS provider was told to send."""
        path = self.var / "messages.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        return [json.loads(line) for line in lines]


def free_port() -> int:
    """Return a port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_stack(var: Path) -> Iterator[Stack]:
    """Start the system with an empty data folder `var`, yield it ready, stop it at the end."""
    shutil.rmtree(var, ignore_errors=True)
    var.mkdir(parents=True)
    port = free_port()
    environment = {k: v for k, v in os.environ.items() if k not in OUTSIDE} | {
        "VAR_DIR": str(var),
        "PORT": str(port),
        "MODELS_DIR": str(ROOT / "var" / "models"),
        "APP_ENV": "demo",
    }
    stack = Stack(f"http://127.0.0.1:{port}", var, environment)
    with (var / "supervisor.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "supervisor", "up"],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            _wait_ready(stack, process)
            yield stack
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait_ready(stack: Stack, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise StepFailed(f"the system did not start; see {stack.var / 'supervisor.log'}")
        try:
            if httpx.get(f"{stack.base_url}/readyz", timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.2)
    raise StepFailed(f"the system was not ready in {READY_SECONDS:.0f} s")
