"""`flask school …`: the tenants."""

from __future__ import annotations

from collections.abc import Iterator

import click
from sqlalchemy import select

from backoffice.cli.common import CommandGroup, answer, database_command, json_option, transaction
from backoffice.models import School

group = CommandGroup("school", help="Schools.")


@group.command("create")
@click.option("--code", required=True, help="National school code, e.g. 10001.")
@click.option("--name", required=True)
@json_option
@database_command
def create(code: str, name: str, as_json: bool) -> None:
    """Create a school, or rename the one with this code."""
    with transaction() as session:
        school = session.scalars(select(School).where(School.code == code)).one_or_none()
        if school is None:
            school = School(code=code, name=name)
            session.add(school)
        school.name = name

    def lines() -> Iterator[str]:
        yield f"{code} {name}"

    answer({"code": code, "name": name}, as_json, lines)
