"""`flask api …`: the committed copies of the description, written anew."""

from __future__ import annotations

import json

import click
from flask.cli import AppGroup

from student_api.error_codes import all_codes, codes_page
from student_api.openapi import document
from student_api.problems import status_of

group = AppGroup("api", help="The student API's description.")


def description_text() -> str:
    """Return docs/openapi.json."""
    return json.dumps(document(), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


@group.command("description")
@click.option("--json", "as_json", is_flag=True, help="One line instead of many.")
def print_description(as_json: bool) -> None:
    """Print docs/openapi.json (OpenAPI 3.1)."""
    text = json.dumps(document(), ensure_ascii=False) if as_json else description_text()
    click.echo(text.removesuffix("\n"))


@group.command("errors")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def print_errors(as_json: bool) -> None:
    """Print docs/api-errors.md: every code, its status and its texts."""
    if not as_json:
        click.echo(codes_page().removesuffix("\n"))
        return
    codes = {kind.code: status_of(kind) for kind in all_codes()}
    click.echo(json.dumps({"codes": codes}))
