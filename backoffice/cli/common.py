"""What all commands share: JSON answers, coded errors, exit statuses, the servers they need."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click
from flask.cli import with_appcontext
from sqlalchemy.orm import Session

from backoffice.errors import BackofficeError

F = TypeVar("F", bound=Callable[..., Any])
FAILED, UNREADABLE = 1, 2


class Failure(Exception):
    """End the command with `status`, after the answer has been given."""

    def __init__(self, status: int = FAILED) -> None:
        self.status = status
        super().__init__(f"exit status {status}")


class Unreadable(Exception):
    """The given file cannot be read at all; `error` says why (exit status 2)."""

    def __init__(self, error: BackofficeError) -> None:
        self.error = error
        super().__init__(error.code)


def answer(result: dict[str, Any], as_json: bool, lines: Callable[[], Iterator[str]]) -> None:
    """Print one JSON object on standard output, or the readable `lines`."""
    if as_json:
        click.echo(json.dumps(result, ensure_ascii=False, default=str))
    else:
        for line in lines():
            click.echo(line)


def reports_errors(function: F) -> F:
    """Turn coded errors into a sentence (or `{"error": …}` with --json) and an exit status."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        as_json = bool(kwargs.get("as_json"))
        try:
            return function(*args, **kwargs)
        except Failure as failure:
            sys.exit(failure.status)
        except Unreadable as unreadable:
            _report(unreadable.error, as_json)
            sys.exit(UNREADABLE)
        except BackofficeError as error:
            _report(error, as_json)
            sys.exit(FAILED)

    return wrapper  # type: ignore[return-value]


def _report(error: BackofficeError, as_json: bool) -> None:
    if as_json:
        problem = {"code": error.code, "message": error.text("zh")}
        click.echo(json.dumps({"error": problem}, ensure_ascii=False))
    else:
        click.echo(f"{error.text('zh')} [{error.code}]", err=True)


json_option = click.option("--json", "as_json", is_flag=True, help="Answer with one JSON object.")


def database_command(function: F) -> F:
    """Run the command in an application context with the database running and migrated."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        from backoffice.migrate import upgrade
        from backoffice.reference import load_reference_data
        from backoffice.services import services
        from backoffice.settings import load_settings
        from supervisor.embedded import with_addresses

        running = with_addresses(load_settings())
        upgrade(services().settings.database_url or running.database_url)
        with transaction() as session:
            load_reference_data(session)
        return function(*args, **kwargs)

    return with_appcontext(reports_errors(wrapper))  # type: ignore[return-value]


@contextmanager
def transaction() -> Iterator[Session]:
    """Yield the session; commit at the end, roll back on any error."""
    from backoffice.db import db

    session: Session = db.session()
    try:
        yield session
        session.commit()
    except BaseException:
        session.rollback()
        raise
