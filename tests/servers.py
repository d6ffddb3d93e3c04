"""The real PostgreSQL and Valkey of one test run, shared by its worker processes.

Every worker asks for them; the first one starts them, the others attach, and the starter stops
them when all have let go (`supervisor.embedded`). The cluster is thrown away, so it may forget.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, create_engine, inspect, make_url, text
from sqlalchemy.engine import Engine

from backoffice.settings import Settings
from supervisor.embedded import ensure_running
from supervisor.locks import FileLock
from supervisor.postgres import THROW_AWAY

TEMPLATE = "template_backoffice"
# Reference data is kept here, to be put back after a truncation.
SEED_SCHEMA = "seed"


@dataclass(frozen=True)
class Servers:
    """Addresses of one worker's own database and its own Valkey database number."""

    database_url: str
    redis_url: str


@contextmanager
def servers_for(worker: str, folder: Path) -> Iterator[Servers]:
    """Yield the servers for `worker` ("master", "gw0", …); `folder` is common to the run."""
    settings = Settings(app_env="test", var_dir=str(folder))
    running = ensure_running(settings, postgres_overrides=THROW_AWAY)
    owner = running.owner_lock is not None
    try:
        name = f"test_{worker}"
        admin = create_engine(running.database_url, isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            _ensure_template(connection, running.database_url, folder)
            connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
            connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}"))
        admin.dispose()
        number = int(worker.removeprefix("gw")) + 1 if worker.startswith("gw") else 0
        yield Servers(
            _with_database(running.database_url, name), f"{running.redis_url}?db={number}"
        )
    finally:
        running.stop()
        if owner:
            shutil.rmtree(folder, ignore_errors=True)


def _with_database(url: str, name: str) -> str:
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def _ensure_template(connection: Connection, url: str, folder: Path) -> None:
    """Build the migrated template once per run; the rename makes it whole or absent."""
    lock = FileLock(folder / "run" / "template.lock")
    lock.acquire(timeout_seconds=120)
    try:
        query = text("SELECT 1 FROM pg_database WHERE datname = :name")
        if connection.execute(query, {"name": TEMPLATE}).first():
            return
        connection.execute(text("DROP DATABASE IF EXISTS building WITH (FORCE)"))
        connection.execute(text("CREATE DATABASE building"))
        _migrate(_with_database(url, "building"))
        connection.execute(text(f"ALTER DATABASE building RENAME TO {TEMPLATE}"))
    finally:
        lock.release()


def _migrate(url: str) -> None:
    from sqlalchemy.orm import Session

    from backoffice.migrate import upgrade
    from backoffice.reference import load_reference_data

    upgrade(url)
    engine = create_engine(url)
    with Session(engine) as session, session.begin():
        load_reference_data(session)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {SEED_SCHEMA}"))
        for table in table_names(engine):
            if connection.execute(text(f'SELECT 1 FROM "{table}" LIMIT 1')).first():
                connection.execute(
                    text(f'CREATE TABLE {SEED_SCHEMA}."{table}" AS TABLE public."{table}"')
                )
    engine.dispose()


def table_names(engine: Engine) -> list[str]:
    """Return our tables, without Alembic's own."""
    return [n for n in inspect(engine).get_table_names() if n != "alembic_version"]


def empty_tables(engine: Engine) -> None:
    """Bring every table back to what the migrations left: reference data and nothing else."""
    names = ", ".join(f'"{name}"' for name in table_names(engine))
    if not names:
        return
    with engine.begin() as connection:
        # Triggers that forbid changes, and foreign keys while seeds go in, do not apply here.
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text(f"TRUNCATE {names}"))
        for name in inspect(connection).get_table_names(schema=SEED_SCHEMA):
            connection.execute(
                text(f'INSERT INTO public."{name}" SELECT * FROM {SEED_SCHEMA}."{name}"')
            )
