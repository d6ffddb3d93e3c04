"""What the tests stand on: real PostgreSQL and Valkey, started on first use and shared by a run.

A test without these fixtures (tests/photos) starts no server.

- `settings`, `app`, `client`: the application of this worker process.
- `database`: its SQLAlchemy engine. `session`: a session whose every commit is undone afterwards.
- `committed`: a session factory for tests with several connections or the app; tables are emptied
  afterwards.
- `redis`: a Valkey client on this worker's own database number, emptied afterwards.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

# `pytest` alone, unlike `python -m pytest`, does not look for our packages in the checkout.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from backoffice.settings import ROOT, Settings, load_settings

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient
    from redis import Redis
    from sqlalchemy.engine import Engine
    from sqlalchemy.orm import Session, sessionmaker

    from tests.servers import Servers

OUR_PACKAGES = "backoffice|student_api|worker|supervisor"
CHROMIUM = Path("/usr/bin/chromium")


def pytest_configure(config: pytest.Config) -> None:
    """Turn warnings that our own code causes into failures."""
    config.addinivalue_line("filterwarnings", rf"error:::({OUR_PACKAGES})(\..*)?")


@pytest.fixture(scope="session")
def servers(worker_id: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Running servers, with a freshly migrated database of this worker's own."""
    from tests.servers import servers_for

    base = tmp_path_factory.getbasetemp()
    common = base if worker_id == "master" else base.parent
    with servers_for(worker_id, common / "servers") as running:
        yield running


@pytest.fixture(scope="session")
def settings(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of this worker: test mode, a data folder of its own, the run's servers."""
    return load_settings(
        {},
        app_env="test",
        figures_seconds=0,
        undo_seconds=0,  # tests of the undo window turn its clock themselves
        second_opinion_percent=0,  # tests of second opinions set their batch's share
        var_dir=str(tmp_path_factory.mktemp("var")),
        models_dir=str(ROOT / "var" / "models"),
        database_url=servers.database_url,
        redis_url=servers.redis_url,
    )


@pytest.fixture(scope="session")
def database(settings: Settings) -> Iterator[Engine]:
    """SQLAlchemy engine of this worker's database, with the key ring of `settings` in place."""
    from sqlalchemy import create_engine

    from backoffice import crypto

    crypto.configure(settings)
    options = f"-c lock_timeout={settings.lock_timeout_ms} -c timezone=UTC"
    engine = create_engine(settings.database_url, connect_args={"options": options})
    yield engine
    engine.dispose()


@pytest.fixture
def session(database: Engine) -> Iterator[Session]:
    """A session inside one outer transaction: a commit in the test is a savepoint, undone at the end."""
    from sqlalchemy.orm import Session

    with database.connect() as connection:
        outer = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint") as inner:
            yield inner
        outer.rollback()


@pytest.fixture
def committed(database: Engine) -> Iterator[sessionmaker[Session]]:
    """A session factory whose commits are real, for races and for the app; tables are emptied after."""
    from sqlalchemy.orm import sessionmaker

    from tests.servers import empty_tables

    yield sessionmaker(database, expire_on_commit=False)
    empty_tables(database)


@pytest.fixture(name="redis")
def redis_client(settings: Settings) -> Iterator[Redis]:
    """A Valkey client on this worker's database number, emptied afterwards."""
    from redis import Redis

    with Redis.from_url(settings.redis_url) as client:
        yield client
        client.flushdb()


@pytest.fixture(scope="session")
def app(settings: Settings, database: Engine) -> Flask:
    """The application of this worker, on its own database."""
    from backoffice import create_app

    return create_app(settings)


@pytest.fixture
def client(app: Flask, committed: sessionmaker[Session]) -> FlaskClient:
    """A test client of `app`; what it commits is removed after the test."""
    return app.test_client()


@pytest.fixture(scope="session")
def photo_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the verified model files, fetched when absent."""
    from backoffice.photos.fetch import fetch_models
    from supervisor.locks import FileLock

    folder = ROOT / "var" / "models"
    lock = FileLock(ROOT / "var" / "run" / "models.lock")
    lock.acquire(timeout_seconds=600)
    try:
        fetch_models(folder)
    finally:
        lock.release()
    return folder


@pytest.fixture(scope="session")
def chromium() -> Path:
    """The browser of the browser tests; CI must have it, a developer's machine may not."""
    if CHROMIUM.exists():
        return CHROMIUM
    reason = f"no {CHROMIUM}; install it (Debian: apt install chromium)"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
