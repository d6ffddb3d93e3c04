"""A database of the benchmark's own, durable as in production, thrown away at the end."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from backoffice.settings import Settings, load_settings


@contextmanager
def bench_settings() -> Iterator[Settings]:
    """Yield settings whose embedded servers run and whose database is migrated."""
    from sqlalchemy import create_engine
    from sqlalchemy.orm import Session

    from backoffice import crypto
    from backoffice.migrate import upgrade
    from backoffice.reference import load_reference_data
    from supervisor.embedded import ensure_running

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        base = load_settings({}, app_env="test", var_dir=folder)
        servers = ensure_running(base)
        try:
            settings = load_settings(
                {},
                app_env="test",
                var_dir=folder,
                database_url=servers.database_url,
                redis_url=servers.redis_url,
            )
            crypto.configure(settings)
            upgrade(settings.database_url)
            engine = create_engine(settings.database_url)
            with Session(engine) as session, session.begin():
                load_reference_data(session)
            engine.dispose()
            yield settings
        finally:
            servers.stop(wait_for_users=False)
