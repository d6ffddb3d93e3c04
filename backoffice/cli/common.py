"""What all commands share: JSON answers, coded errors, exit statuses, the servers they need."""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

import click
from flask.cli import AppGroup, with_appcontext
from sqlalchemy.orm import Session

from backoffice.errors import BackofficeError
from backoffice.i18n import Text
from backoffice.settings import Settings

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


class FileUnusable(BackofficeError):
    """A file or folder given on the command line cannot be read or written."""

    code = "file_unusable"
    detail = Text(
        "文件或文件夹无法读写（{reason}），请检查路径和权限。",
        "A file or folder cannot be read or written ({reason}); check its path and permissions.",
    )


class UsageMistake(BackofficeError):
    """The command line itself is wrong; click's sentence says where."""

    code = "usage"
    detail = Text(
        "命令用法有误：{reason}（加 --help 查看用法）",
        "The command line is wrong: {reason} (--help shows the usage)",
    )


class CommandGroup(AppGroup):
    """A group whose commands answer --json with one object even when the usage is wrong."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a usage error has exit status 2 as ever."""
        as_json = "--json" in ctx.args
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            if not as_json:
                raise
            _report(UsageMistake(reason=error.format_message()), as_json)
            sys.exit(error.exit_code)


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
        except OSError as error:
            if error.filename is None:  # no file of the caller's: a fault of ours or a server's
                raise
            _report(FileUnusable(reason=error.strerror), as_json)
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

        _start_servers(services().settings)
        upgrade(services().settings.database_url)
        with transaction() as session:
            load_reference_data(session)
        return function(*args, **kwargs)

    return with_appcontext(reports_errors(wrapper))  # type: ignore[return-value]


def _start_servers(settings: Settings) -> None:
    """Start or attach to the embedded servers, where the application's addresses are theirs."""
    from supervisor.embedded import expected_addresses, with_addresses

    ours = expected_addresses(replace(settings, database_url="", redis_url=""))
    outside = {
        name: address
        for name in ("database_url", "redis_url")
        if (address := getattr(settings, name)) != getattr(ours, name)
    }
    with_addresses(replace(settings, **({"database_url": "", "redis_url": ""} | outside)))


def reachable(settings: Settings) -> Settings:
    """Return `settings` with the address the system has: BASE_URL, or where `make up` serves now.

    Codes on paper must lead to the running system, whichever PORT it was started with.
    """
    from supervisor.up import read_note

    note = read_note(settings.var / "run" / "supervisor.json")
    url, pid = note.get("url"), note.get("pid")
    if settings.base_url or not isinstance(url, str) or not _alive(pid):
        return settings
    return replace(settings, base_url=url)


def _alive(pid: object) -> bool:
    """True while this process runs; a killed supervisor leaves its note behind."""
    if not isinstance(pid, int) or pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it runs, as another user
        pass
    return True


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
