"""A process that prepares parts of a file: `python -m backoffice.imports.checking_process`.

Standard input: pickled (key ring, plan), then pickled (first row, rows) until the end. Standard
output: one pickled `Prepared` for each. Both ends are ours; the file itself was opened elsewhere.
"""

from __future__ import annotations

import gc
import pickle
import sys
from contextlib import suppress

from backoffice import crypto
from backoffice.imports.preparing import Preparer

# Rows hold no circles, so looking for some among a part's thousands of objects finds nothing and
# costs a tenth of the time. Only what would pile up over many parts is looked through.
OBJECTS_BEFORE_LOOKING = 200_000


def main() -> int:
    """Prepare parts until there are no more."""
    gc.set_threshold(OBJECTS_BEFORE_LOOKING)
    source, target = sys.stdin.buffer, sys.stdout.buffer
    with suppress(EOFError):  # the parent is done, or gone
        ring, plan = pickle.load(source)  # noqa: S301 - from our own parent process
        crypto.install(ring)
        preparer = Preparer(plan)
        while True:
            first, rows = pickle.load(source)  # noqa: S301 - from our own parent process
            pickle.dump(preparer.prepare(first, rows), target, pickle.HIGHEST_PROTOCOL)
            target.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
