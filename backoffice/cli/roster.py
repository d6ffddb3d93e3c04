"""`flask roster import`: a school's workbook into a batch."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from backoffice.batches.operations import find_batch
from backoffice.cli.common import (
    CommandGroup,
    FileUnusable,
    Unreadable,
    answer,
    database_command,
    json_option,
    transaction,
)

group = CommandGroup("roster", help="Graduate rosters.")


def _mapping(pairs: tuple[str, ...]) -> dict[str, str]:
    mapping = {}
    for pair in pairs:
        column, equals, field = pair.partition("=")
        if not equals or not column.strip() or not field.strip():
            raise click.BadParameter(f"{pair!r} is not COLUMN=FIELD", param_hint="--map")
        mapping[column.strip()] = field.strip()
    return mapping


STAGES = {
    "reading": "读取文件",
    "checking": "逐行检查",
    "comparing": "与现有名单比较",
    "writing": "写入",
}


class _Bar:
    """A progress bar on standard error, on a terminal only: standard output is the answer's."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()
        self._stage, self._started = "", 0.0

    def __call__(self, stage: str, done: int, total: int) -> None:
        if not self._shown:
            return
        if stage != self._stage:
            self._stage, self._started = stage, time.monotonic()
        text = f"\r{STAGES.get(stage, stage)}"
        took = time.monotonic() - self._started
        if done and total:
            filled = 30 * done // total
            left = took / done * (total - done)
            text += f" [{'#' * filled}{'-' * (30 - filled)}] {done:,} / {total:,}  {left:.0f} s"
        click.echo(text + "\033[K", err=True, nl=False)

    def end(self) -> None:
        """Clear the line."""
        if self._shown and self._stage:
            click.echo("\r\033[K", err=True, nl=False)


@group.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--batch", "code", required=True, help="Feature code of the batch.")
@click.option("--dry-run", is_flag=True, help="Report what would change; change nothing.")
@click.option("--map", "pairs", multiple=True, metavar="列=field", help="Map a column by hand.")
@click.option("--errors", type=click.Path(dir_okay=False, path_type=Path), help="Error workbook.")
@json_option
@database_command
def import_(
    file: Path,
    code: str,
    dry_run: bool,
    pairs: tuple[str, ...],
    errors: Path | None,
    as_json: bool,
) -> None:
    """Import a roster workbook (.xlsx, .xls, .ods, .csv).

    The same rules as on the pages. Headings a clerk once explained for the school are remembered;
    --map goes first. A full roster needs a legal basis: it is recorded on the batch (batch create
    --legal-basis, or the batch's form), so nothing is asked here.
    """
    from backoffice.imports.errors import NotARoster
    from backoffice.imports.operations import import_roster
    from backoffice.imports.workbook_errors import WorkbookError

    overrides = _mapping(pairs)
    try:
        data = file.read_bytes()
    except OSError as error:
        raise Unreadable(FileUnusable(reason=error.strerror)) from error
    result: dict[str, Any] = {}
    bar = _Bar()
    try:
        with transaction() as session:
            report = import_roster(
                session,
                find_batch(session, code),
                data,
                file.name,
                mapping_overrides=overrides,
                dry_run=dry_run,
                errors_out=errors,
                progress=bar,
            )
            result = report.to_dict("zh")
    except (WorkbookError, NotARoster) as error:
        raise Unreadable(error) from error
    finally:
        bar.end()

    def lines() -> Iterator[str]:
        yield (
            f"共 {result['rows']} 行：新增 {result['new']}，变更 {result['changed']}，"
            f"未变 {result['same']}，拒绝 {result['rejected']}"
            + ("（仅预览，未写入）" if dry_run else "")
        )
        for found in result["errors"]:
            yield f"  第 {found['row']} 行 {found['column']}：{found['message']} [{found['code']}]"

    answer(result, as_json, lines)
