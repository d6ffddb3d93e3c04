"""Inter-process locks: advisory `flock` on a file; the kernel lets go when the holder dies."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path

POLL_SECONDS = 0.1


class FileLock:
    """One lock file; `acquire` it exclusively (an owner) or shared (a user among others)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd: int | None = None

    @property
    def held(self) -> bool:
        """True while this object holds the lock."""
        return self._fd is not None

    def try_acquire(self, *, shared: bool = False) -> bool:
        """Take the lock if it is free; return whether it is now held."""
        if self._fd is not None:
            return True
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # Not inheritable (Python's default): a child that outlives us must not keep the lock.
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(fd, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except OSError:
            os.close(fd)
            return False
        self._fd = fd
        return True

    def acquire(
        self,
        *,
        shared: bool = False,
        timeout_seconds: float | None = None,
        give_up: Callable[[], bool] = lambda: False,
    ) -> bool:
        """Wait for the lock; return False after `timeout_seconds` or when `give_up()` says so."""
        deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        while not self.try_acquire(shared=shared):
            if give_up() or (deadline is not None and time.monotonic() >= deadline):
                return False
            time.sleep(POLL_SECONDS)
        return True

    def release(self) -> None:
        """Let go; harmless when not held."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
