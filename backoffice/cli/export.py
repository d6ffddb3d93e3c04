"""`flask export package`: what goes to the school for the register."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click

from backoffice.batches.operations import find_batch
from backoffice.cli.common import CommandGroup, answer, database_command, json_option, transaction
from backoffice.cli.progress import progress_bar
from backoffice.services import services

group = CommandGroup("export", help="Packages for the school.")


@group.command("package")
@click.option("--batch", "code", required=True, help="Feature code of the batch.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True)
@click.option("--names", default="{student_no}.jpg", show_default=True, help="File name template.")
@json_option
@database_command
def package(code: str, out: Path, names: str, as_json: bool) -> None:
    """Write finished pictures, manifest and exceptions of a batch into one ZIP."""
    from backoffice.fulfilment.export_package import export_package

    with transaction() as session, progress_bar("成品包", as_json) as progress:
        batch = find_batch(session, code)
        report = export_package(
            session, services().storage, batch, out, name_template=names, progress=progress
        )

    def lines() -> Iterator[str]:
        yield f"{out}：照片 {report.photos} 张，例外 {report.exceptions} 人，{report.bytes} 字节"

    answer(asdict(report), as_json, lines)
