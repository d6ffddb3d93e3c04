"""`flask workflow …`: the definitions verified and drawn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

import click

from backoffice.cli.common import (
    CommandGroup,
    Failure,
    answer,
    database_command,
    json_option,
    transaction,
)
from backoffice.services import services
from backoffice.workflows import versions
from backoffice.workflows.definition import DefinitionError
from backoffice.workflows.diagram import mermaid
from backoffice.workflows.drawing import svg
from backoffice.workflows.orders import DEFINITIONS, build_engine

group = CommandGroup("workflow", help="The order workflows.")


@group.command("check", with_appcontext=False)
@json_option
def check(as_json: bool) -> None:
    """Verify every definition; names each flaw."""
    flaws: list[str] = []
    try:
        build_engine()
    except DefinitionError as error:
        flaws = str(error).splitlines()
    names = [f"{d.name} v{d.version}" for d in DEFINITIONS.values()]

    def lines() -> Iterator[str]:
        yield from flaws or [f"{name}: ok" for name in names]

    answer({"definitions": names, "flaws": flaws}, as_json, lines)
    if flaws:
        raise SystemExit(Failure().status)


@group.command("diagram", with_appcontext=False)
@click.option("--format", "kind", type=click.Choice(["svg", "mermaid"]), default="mermaid")
@click.option("--workflow", "name", default="capture_order", show_default=True)
@click.option("--lang", type=click.Choice(["zh", "en"]), default="zh")
@json_option
def diagram(kind: str, name: str, lang: str, as_json: bool) -> None:
    """Print the diagram of a definition."""
    found = [d for d in DEFINITIONS.values() if d.name == name]
    if not found:
        raise click.BadParameter(f"no workflow is called {name!r}", param_hint="--workflow")
    newest = max(found, key=lambda d: d.version)
    drawn = svg(newest, lang) if kind == "svg" else mermaid(newest, lang)

    def lines() -> Iterator[str]:
        yield drawn

    result = {"workflow": name, "version": newest.version, "format": kind, "diagram": drawn}
    answer(result, as_json, lines)


@group.command("migrate")
@click.option("--workflow", "name", default="capture_order", show_default=True)
@click.option("--to", "version", type=int, required=True, help="Version to adopt.")
@click.option("--dry-run", is_flag=True, help="Say what would change; change nothing.")
@json_option
@database_command
def migrate(name: str, version: int, dry_run: bool, as_json: bool) -> None:
    """Move orders to another version of their workflow."""
    engine = services().engine
    if (name, version) not in engine.binding.definitions:
        raise click.BadParameter(f"{name} has no version {version}", param_hint="--to")
    with transaction() as session:
        steps = versions.plan(session, engine, name, version)
    moved = 0
    if not dry_run:
        with transaction() as session:
            for done in versions.migrate(session, engine, name, version):
                session.commit()
                moved = done

    def lines() -> Iterator[str]:
        for step in steps:
            target = step.target or "no place: stays"
            yield f"v{step.from_version} {step.state} -> {target}: {step.orders}"
        yield "nothing changed (dry run)" if dry_run else f"{moved} orders moved"

    answer({"steps": [asdict(s) for s in steps], "moved": moved}, as_json, lines)
