"""`flask workflow …`: the definitions verified and drawn."""

from __future__ import annotations

from collections.abc import Iterator

import click
from flask.cli import AppGroup

from backoffice.cli.common import Failure, answer, json_option
from backoffice.workflows.definition import DefinitionError
from backoffice.workflows.diagram import mermaid
from backoffice.workflows.drawing import svg
from backoffice.workflows.orders import DEFINITIONS, build_engine

group = AppGroup("workflow", help="The order workflows.")


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
def diagram(kind: str, name: str, lang: str) -> None:
    """Print the diagram of a definition."""
    found = [d for d in DEFINITIONS.values() if d.name == name]
    if not found:
        raise click.BadParameter(f"no workflow is called {name!r}", param_hint="--workflow")
    newest = max(found, key=lambda d: d.version)
    click.echo(svg(newest, lang) if kind == "svg" else mermaid(newest, lang))
