"""Running what opens other people's files in a process that can be lost."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backoffice.imports.limits import Limits
from backoffice.imports.workbook_errors import WorkbookCorrupt

ROOT = Path(__file__).resolve().parents[2]
# What a process ends with that ran into its limits: abort, kill, bad memory, CPU time.
OUT_OF_LIMITS = {-6, -9, -11, -24}


def confine(limits: Limits) -> None:
    """Take away the memory, the time and the core dump this process may not have."""
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (limits.seconds, limits.seconds + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def run_confined(module: str, head: Mapping[str, Any], data: bytes, limits: Limits) -> bytes:
    """Return what `python -m module` writes, given one JSON line `head` and then `data`.

    The module calls `confine` itself, first thing. Raises WorkbookTooLarge when it ran out of
    memory or time and WorkbookCorrupt when it failed otherwise; this process is not touched.
    """
    process = subprocess.Popen(
        [sys.executable, "-s", "-m", module],
        cwd=ROOT,
        # No settings, no secrets: the file it opens may be hostile.
        env={"PATH": os.defpath, "PYTHONIOENCODING": "utf-8", "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    line = json.dumps(head, ensure_ascii=True).encode() + b"\n"
    try:
        output, _ = process.communicate(line + data, timeout=limits.seconds)
    except subprocess.TimeoutExpired:
        raise limits.too_large() from None
    finally:
        process.kill()
        process.wait()
    if process.returncode in OUT_OF_LIMITS:
        raise limits.too_large()
    if process.returncode != 0:
        raise WorkbookCorrupt
    return output
