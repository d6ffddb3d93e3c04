"""A process's own peak of memory."""

from __future__ import annotations

from pathlib import Path


def peak_kib() -> int:
    """Return this process's peak resident memory in KiB, as Linux counts it for this program.

    Not getrusage's: a child begins as its parent's image, whose peak stays in ru_maxrss after exec.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0])
