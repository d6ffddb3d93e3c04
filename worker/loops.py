"""A loop that outlives trouble: it logs once, backs off, goes on, and ends at SIGTERM."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable

from worker.logs import describe, error_code

BACKOFF_MAX_SECONDS = 10.0


class Loop:
    """Calls `tick` until `stop`. A tick returns True when there may be more to do at once."""

    def __init__(self, name: str, tick: Callable[[], bool], interval_seconds: float) -> None:
        self._tick = tick
        self._interval = interval_seconds
        self._log = logging.getLogger(f"worker.{name}")
        self._stopping = threading.Event()
        self._trouble: str | None = None
        self._failures = 0

    def stop(self, *_: object) -> None:
        """Ask the loop to end after the present tick (also a signal handler)."""
        self._stopping.set()

    def run(self) -> None:
        """Run until stopped."""
        self._log.info("started")
        while not self._stopping.is_set():
            self._stopping.wait(self.step())
        self._log.info("stopped")

    def step(self) -> float:
        """Run one tick and return the seconds until the next."""
        try:
            more = self._tick()
        except Exception as error:
            self._failures += 1
            if error_code(error) != self._trouble:
                self._trouble = error_code(error)
                self._log.error("in trouble, will retry %s", describe(error))
            return float(min(self._interval * 2**self._failures, BACKOFF_MAX_SECONDS))
        if self._trouble is not None:
            self._log.info("recovered after=%d", self._failures)
            self._trouble = None
        self._failures = 0
        return 0.0 if more else self._interval


def run_until_signalled(loop: Loop) -> None:
    """Run `loop` in the main thread until SIGTERM or SIGINT."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, loop.stop)
    loop.run()
