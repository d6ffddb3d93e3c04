"""`flask demo seed`: realistic volume in all states."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

import click
from sqlalchemy import select

from backoffice.batches.operations import find_batch
from backoffice.cli.common import CommandGroup, answer, database_command, json_option
from backoffice.db import db
from backoffice.errors import BackofficeError
from backoffice.i18n import Text
from backoffice.models import Batch
from backoffice.services import services

group = CommandGroup("demo", help="Demo data.")


class DemoOnly(BackofficeError):
    """Made-up people have no place in a production database."""

    code = "demo_only"
    detail = Text("生产环境不能载入演示数据。", "A production system takes no demo data.")


class NoBatch(BackofficeError):
    """There is no batch to put orders into."""

    code = "no_batch"
    detail = Text("还没有批次，请先建立批次。", "There is no batch yet; create one first.")


@group.command("seed")
@click.option("--orders", type=click.IntRange(1, 10_000_000), required=True)
@click.option("--batch", "code", default=None, help="Feature code; without it, all batches.")
@json_option
@database_command
def seed(orders: int, code: str | None, as_json: bool) -> None:
    """Write made-up orders in all states (rows by COPY, no pictures)."""
    from backoffice.seeding import volume

    if services().settings.production:
        raise DemoOnly()
    session = db.session()
    batches = [find_batch(session, code)] if code else list(session.scalars(select(Batch)))
    if not batches:
        raise NoBatch()
    began = time.monotonic()
    with click.progressbar(
        length=orders, label="orders", file=sys.stderr, hidden=not sys.stderr.isatty()
    ) as bar:
        shown = 0

        def progress(done: int) -> None:
            nonlocal shown
            bar.update(done - shown)
            shown = done

        written = volume.seed(session, batches, orders, progress=progress)
    seconds = round(time.monotonic() - began, 1)

    def lines() -> Iterator[str]:
        yield f"{written} orders in {seconds} s"

    answer({"orders": written, "seconds": seconds}, as_json, lines)
