"""Makes `.venv` with the pinned requirements: `python3 bootstrap.py [--dev]`.

This file must parse on any Python, so that an old one gets a sentence instead of a SyntaxError;
the work is in `tools/environment.py`.
"""

import sys

NEEDED = (3, 11)

if sys.version_info < NEEDED:
    message = (
        "Python %d.%d or newer is needed, this is %d.%d; install it (Debian: apt install python3.11 "
        "python3.11-venv) and run the same command again.\n"
    )
    sys.stderr.write(message % (NEEDED + tuple(sys.version_info[:2])))
    sys.exit(1)

from tools import environment  # noqa: E402 - only a new enough Python can read it

sys.exit(environment.main(sys.argv[1:]))
