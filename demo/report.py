"""Steps as they happen, with their time; a check that fails ends the demo."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class StepFailed(Exception):
    """Something is not as the contract says; the message says what was expected."""


class Report:
    """Prints each step with its seconds and counts the checks."""

    def __init__(self) -> None:
        self.checks = 0
        self._started = time.monotonic()

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Time and print one step."""
        began = time.monotonic()
        before = self.checks
        print(f"▸ {title}", flush=True)
        yield
        seconds, proved = time.monotonic() - began, self.checks - before
        print(f"  ✓ {seconds:5.1f} s, {proved} checks", flush=True)

    def note(self, text: str) -> None:
        """Print a detail of the present step."""
        print(f"    {text}", flush=True)

    def expect(self, what: str, actual: object, expected: object) -> None:
        """Raise StepFailed unless `actual` equals `expected`."""
        self.checks += 1
        if actual != expected:
            raise StepFailed(f"{what}: expected {expected!r}, got {actual!r}")

    def require(self, what: str, holds: object) -> None:
        """Raise StepFailed unless `holds` is true."""
        self.checks += 1
        if not holds:
            raise StepFailed(f"{what}: does not hold")

    def summary(self) -> str:
        """Return the closing line."""
        return f"{self.checks} checks held in {time.monotonic() - self._started:.1f} s."
