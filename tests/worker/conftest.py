from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from backoffice import create_app
from backoffice.models import OutboxRow
from backoffice.services import services
from backoffice.settings import ROOT
from worker import dispatcher
from worker.jobs import run
from worker.scheduler import Scheduler


@pytest.fixture(scope="session")
def worker_app(settings, database):
    import payment_pages

    app = create_app(settings)
    payment_pages.init_app(app)
    return app


@pytest.fixture
def context(worker_app, committed, redis):
    """An application context on real servers; tables and queues are emptied afterwards."""
    messages = Path(services_of(worker_app).settings.var_dir) / "messages.jsonl"
    messages.unlink(missing_ok=True)
    with worker_app.app_context():
        yield services()


def services_of(app):
    with app.app_context():
        return services()


@pytest.fixture
def publish(context, committed, redis):
    """Let one dispatcher round run."""

    def once() -> int:
        with committed() as session:
            return dispatcher.publish_waiting(session, redis, context.settings)

    return once


@pytest.fixture
def work_all(context, committed):
    """Run every waiting row that is due, as the workers would, until none is left."""

    def loop(rounds: int = 10) -> None:
        for _ in range(rounds):
            with committed() as session:
                ids = [
                    row.id
                    for row in session.query(OutboxRow).filter_by(state="waiting").all()
                    if row.available_at.timestamp() <= time.time()
                ]
                session.query(OutboxRow).filter(OutboxRow.id.in_(ids)).update(
                    {"state": "published"}, synchronize_session=False
                )
                session.commit()
            for outbox_id in ids:
                run(str(outbox_id))
            if not ids:
                return

    return loop


@pytest.fixture
def scheduler(context) -> Scheduler:
    return Scheduler(context)


class Processes:
    """Real worker processes of one test, ended with it."""

    def __init__(self, settings, logs: Path) -> None:
        self._logs = logs
        self.settings = settings
        self._started: list[subprocess.Popen] = []

    def start(self, *argv: str, **extra: str) -> subprocess.Popen:
        keep = ("PATH", "HOME", "LANG", "TMPDIR")
        secrets = {
            name.upper(): str(getattr(self.settings, name))
            for name in (
                "app_env", "var_dir", "models_dir", "database_url", "redis_url", "secret_key",
                "data_keys", "index_key", "url_signing_key", "sandbox_payment_secret",
            )
        }  # fmt: skip
        log = (self._logs / f"{len(self._started)}.log").open("wb")
        process = subprocess.Popen(
            [sys.executable, *argv],
            cwd=ROOT,
            env={k: os.environ[k] for k in keep if k in os.environ} | secrets | extra,
            stdout=log,
            stderr=log,
        )
        self._started.append(process)
        return process

    def log(self) -> str:
        return "\n".join(p.read_text() for p in sorted(self._logs.glob("*.log")))

    def end(self) -> None:
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.wait()


@pytest.fixture
def processes(settings, tmp_path):
    started = Processes(settings, tmp_path)
    yield started
    started.end()
