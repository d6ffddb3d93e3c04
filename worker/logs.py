"""Plain log lines on standard error. Errors are named by type and place: their messages may hold
what a person typed, and logs are kept where personal data must not be.
"""

from __future__ import annotations

import logging
import sys
import traceback
from typing import Any

from backoffice.errors import BackofficeError
from backoffice.settings import ROOT


class PlainFormatter(logging.Formatter):
    """One line per record; an exception is its type and place, never its text."""

    def formatException(self, ei: Any) -> str:  # noqa: N802
        """Return type and place of the exception."""
        return describe(ei[1]) if ei[1] is not None else ""


def configure(role: str, level: str) -> None:
    """Log to standard error, one line per record."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(PlainFormatter(f"%(asctime)s %(levelname)s {role} %(name)s %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name, quiet in (
        ("rq.worker", "ERROR"),
        ("rq.job", "ERROR"),
        ("transitions.core", "WARNING"),
    ):
        logging.getLogger(name).setLevel(quiet)


def error_code(error: BaseException) -> str:
    """Return a short code for an error, without anything a person may have typed."""
    return error.code if isinstance(error, BackofficeError) else type(error).__name__


def error_place(error: BaseException) -> str:
    """Return where in our code an error came from: `worker/jobs/photo.py:33`."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.filename.startswith(str(ROOT)) and "/.venv/" not in frame.filename:
            return f"{frame.filename.removeprefix(str(ROOT)).lstrip('/')}:{frame.lineno}"
    return "-"


def describe(error: BaseException) -> str:
    """Return code and place of an error for a log line."""
    return f"error={error_code(error)} at={error_place(error)}"
