"""A progress bar on standard error, where somebody watches: on a terminal, and never with --json."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from backoffice.batches.progress import Progress, no_progress


@contextmanager
def progress_bar(label: str, as_json: bool) -> Iterator[Progress]:
    """Yield what is told (done, total); draws nothing into pipes, files and JSON answers."""
    if as_json or not sys.stderr.isatty():
        yield no_progress
        return
    with click.progressbar(length=1, label=label, file=sys.stderr, show_pos=True) as bar:

        def tell(done: int, total: int) -> None:
            bar.length = total
            bar.update(done - bar.pos)

        yield tell
