"""`python -m supervisor up|down`."""

from __future__ import annotations

import argparse
import sys

from backoffice.errors import BackofficeError
from backoffice.i18n import Text
from backoffice.settings import SettingsError, load_settings
from supervisor.console import complain, say
from supervisor.up import Supervisor, run_down

DOWN = Text("已停止。", "Stopped.")
NOT_RUNNING = Text("系统没有在运行。", "The system is not running.")


def main(argv: list[str] | None = None) -> int:
    """Run one command; return its exit status. Expected failures print one sentence."""
    parser = argparse.ArgumentParser(prog="python -m supervisor", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="start everything and stay in the foreground")
    commands.add_parser("down", help="stop the system that runs in this folder")
    arguments = parser.parse_args(argv)
    try:
        settings = load_settings()
        if arguments.command == "up":
            return Supervisor(settings).run()
        say(DOWN if run_down(settings) else NOT_RUNNING)
    except BackofficeError as error:
        complain(error)
        return 1
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
