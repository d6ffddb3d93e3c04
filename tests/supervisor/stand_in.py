"""A supervisor with a tiny process table: `stand_in.py VAR_DIR PORT [TABLE.json]`.

The table is a list of [name, argv, stage]; without one, a single child sleeps.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from backoffice.errors import BackofficeError
from backoffice.settings import load_settings
from supervisor.console import complain
from supervisor.programs import Program
from supervisor.up import Supervisor

SLEEPER = [["sleeper", [sys.executable, "-c", "import time; time.sleep(600)"], 1]]


def main(var: str, port: str, table: str | None = None) -> int:
    rows = json.loads(Path(table).read_text()) if table else SLEEPER
    programs = [Program(name, tuple(argv), stage=stage) for name, argv, stage in rows]
    settings = load_settings({}, app_env="test", var_dir=var, port=int(port))
    try:
        return Supervisor(
            settings, programs=programs, prepare=None, ready=lambda: (True, "stand-in")
        ).run()
    except BackofficeError as error:
        complain(error)
        return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
