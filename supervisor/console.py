"""What the supervisor says: one sentence at a time, Chinese unless the terminal's language is English."""

from __future__ import annotations

import contextlib
import os
import sys

from backoffice.errors import BackofficeError
from backoffice.i18n import Text


class SupervisorError(BackofficeError):
    """The system cannot be started; the detail is one sentence saying what to do."""

    code = "supervisor_error"


def terminal_locale(environ: dict[str, str] | None = None) -> str:
    """Return "en" when the terminal's language is English, otherwise "zh".

    LANG and its kin describe the terminal, not the system, so they are read here and are no setting.
    """
    env = os.environ if environ is None else environ
    language = env.get("LC_ALL") or env.get("LC_MESSAGES") or env.get("LANG") or ""
    return "en" if language.lower().startswith("en") else "zh"


def say(text: Text, **params: object) -> None:
    """Print one line on standard output, at once; a closed terminal is no reason to fail."""
    with contextlib.suppress(OSError):
        print(text.get(terminal_locale(), **params), flush=True)


def complain(error: BackofficeError) -> None:
    """Print an error's sentence on standard error."""
    print(error.text(terminal_locale()), file=sys.stderr, flush=True)
