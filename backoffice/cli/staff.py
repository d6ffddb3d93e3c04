"""`flask staff …`: the first administrator, and help for one who cannot get in."""

from __future__ import annotations

from collections.abc import Iterator

import click
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backoffice.cli.common import CommandGroup, answer, database_command, json_option, transaction
from backoffice.errors import NotFound
from backoffice.models import School, Staff
from backoffice.models.vocabulary import StaffRole
from backoffice.security import second_factor
from backoffice.security.passwords import new_password
from backoffice.security.staff_accounts import create_staff, set_password

group = CommandGroup("staff", help="Staff accounts.")


@group.command("create")
@click.option("--email", required=True)
@click.option("--name", required=True)
@click.option(
    "--role", "roles", required=True, multiple=True, type=click.Choice([r.value for r in StaffRole])
)
@click.option("--school", help="School code; the account then sees this school's rows only.")
@json_option
@database_command
def create(
    email: str, name: str, roles: tuple[str, ...], school: str | None, as_json: bool
) -> None:
    """Open an account and print its first password, which must be changed at the first log-in."""
    password = new_password()
    with transaction() as session:
        found = None
        if school is not None:
            found = session.scalars(select(School).where(School.code == school)).one_or_none()
            if found is None:
                raise NotFound()
        staff = create_staff(
            session, email=email, name=name, roles=roles, password=password, school=found
        )
        address = staff.email
    _tell(address, password, as_json)


@group.command("reset")
@click.option("--email", required=True)
@json_option
@database_command
def reset(email: str, as_json: bool) -> None:
    """Give an account a new first password, unlock it and take its second factor away."""
    password = new_password()
    with transaction() as session:
        staff = _by_email(session, email)
        set_password(staff, password)
        second_factor.remove(staff)
        address = staff.email
    _tell(address, password, as_json)


def _by_email(session: Session, email: str) -> Staff:
    query = select(Staff).where(func.lower(Staff.email) == email.strip().lower())
    staff = session.scalars(query).one_or_none()
    if staff is None:
        raise NotFound()
    return staff


def _tell(email: str, password: str, as_json: bool) -> None:
    def lines() -> Iterator[str]:
        yield f"{email} {password}"

    answer({"email": email, "password": password}, as_json, lines)
