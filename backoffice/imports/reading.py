"""A roster file as sheets of typed cells, opened in a confined process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from backoffice.imports.cells import Row, decode_cell
from backoffice.imports.errors import UNREADABLE, WorkbookCorrupt, WorkbookNotReadable
from backoffice.imports.limits import Limits

ROOT = Path(__file__).resolve().parents[2]
READER = "backoffice.imports.reader_process"
# What a process that ran into its limits ends with: abort, kill, CPU time; and Python's own
# MemoryError while starting up.
OUT_OF_LIMITS = {-6, -9, -11, -24}


@dataclass(frozen=True)
class Sheet:
    """One worksheet. `rows[0]` is row 1 of the file, also when it is empty.

    `merged`: (first row, first column, last row, last column), 0-based.
    """

    name: str
    rows: list[Row]
    visible: bool = True
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)


def read_workbook(data: bytes, limits: Limits | None = None) -> list[Sheet]:
    """Return the worksheets of an .xlsx, .xls, .ods or delimited text file.

    Macros are never run: an .xlsm is read like an .xlsx. Raises WorkbookError (see `errors`);
    whatever the file does to the parser, this process survives.
    """
    limits = limits or Limits()
    if len(data) > limits.file_bytes:
        raise limits.too_large()
    output, status = _run(data, limits)
    if status in OUT_OF_LIMITS:
        raise limits.too_large()
    if status != 0:
        raise WorkbookCorrupt
    return list(_sheets(iter(output.splitlines())))


def _run(data: bytes, limits: Limits) -> tuple[bytes, int]:
    """Run the reading process; returns what it wrote and its exit status."""
    process = subprocess.Popen(
        [sys.executable, "-s", "-m", READER],
        cwd=ROOT,
        env={"PATH": os.defpath, "PYTHONIOENCODING": "utf-8", "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    head = json.dumps(limits.to_dict()).encode() + b"\n"
    try:
        output, _ = process.communicate(head + data, timeout=limits.seconds)
    except subprocess.TimeoutExpired:
        raise limits.too_large() from None
    finally:
        process.kill()
        process.wait()
    return output, process.returncode


def _sheets(lines: Iterator[bytes]) -> Iterator[Sheet]:
    for line in lines:
        head = json.loads(line)
        if "error" in head:
            raise UNREADABLE.get(head["error"], WorkbookNotReadable)(**head["params"])
        rows = [_decode_row(json.loads(next(lines))) for _ in range(head["rows"])]
        yield Sheet(head["sheet"], rows, head["visible"], [tuple(m) for m in head["merged"]])


def _decode_row(row: list[object]) -> Row:
    return [decode_cell(value) for value in row]
