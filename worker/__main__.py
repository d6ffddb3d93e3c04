"""`python -m worker dispatcher|jobs|photos|documents|imports|scheduler`."""

from __future__ import annotations

import sys

from flask import Flask

import backoffice
from backoffice.settings import Settings, SettingsError, load_settings
from worker import logs, queues, runtime
from worker.loops import Loop, run_until_signalled


def run_dispatcher(app: Flask, settings: Settings) -> None:
    """Carry outbox rows into the queues."""
    from backoffice.db import db
    from backoffice.services import services
    from worker.dispatcher import POLL_SECONDS, publish_waiting

    def tick() -> bool:
        try:
            return publish_waiting(db.session(), services().redis, settings) > 0
        finally:
            db.session.remove()

    with app.app_context():
        run_until_signalled(Loop("dispatcher", tick, POLL_SECONDS))


def run_jobs(app: Flask, settings: Settings) -> None:
    """Work the default queue: messages, refunds."""
    from worker.rq_worker import work

    work(queues.DEFAULT, settings)


def run_photos(app: Flask, settings: Settings) -> None:
    """Work the photo queue with warm models: loaded and run before the first job is taken."""
    from backoffice.photos.warming import warm
    from worker.rq_worker import work

    with app.app_context():
        warm(runtime.photo_engine())
    work(queues.PHOTOS, settings)


def run_imports(app: Flask, settings: Settings) -> None:
    """Work roster imports, beside the default queue: a large one takes a while."""
    from worker.rq_worker import work

    work(queues.IMPORTS, settings)


def run_documents(app: Flask, settings: Settings) -> None:
    """Read ID cards for callers that wait; the models are loaded before the first one."""
    from worker.rq_worker import work

    runtime.id_card_reader()
    work(queues.DOCUMENTS, settings)


def run_scheduler(app: Flask, settings: Settings) -> None:
    """Fire timers, find lost jobs, ask after refunds."""
    from backoffice.services import services
    from worker.scheduler import TICK_SECONDS, Scheduler

    with app.app_context():
        run_until_signalled(Loop("scheduler", Scheduler(services()).tick, TICK_SECONDS))


ROLES = {
    "dispatcher": run_dispatcher,
    "jobs": run_jobs,
    "photos": run_photos,
    "documents": run_documents,
    "imports": run_imports,
    "scheduler": run_scheduler,
}


def main(arguments: list[str]) -> int:
    """Run one role until SIGTERM."""
    if len(arguments) != 1 or arguments[0] not in ROLES:
        print(__doc__, file=sys.stderr)
        return 2
    from supervisor.embedded import with_addresses

    role = arguments[0]
    try:
        settings = with_addresses(load_settings())
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 1
    logs.configure(role, settings.log_level)
    app = backoffice.create_app(settings)
    runtime.use(app)
    ROLES[role](app, settings)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
