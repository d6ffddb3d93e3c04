"""Graduate Photo Back Office. `create_app` builds the core; `wsgi.py` adds the doors."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from backoffice.settings import Settings


def create_app(settings: Settings) -> Flask:
    """Return an application with database, key ring, workflow engine and storage; no doors yet.

    `settings` must hold DATABASE_URL and REDIS_URL (see `supervisor.embedded.addresses`).
    Raises SettingsError when a key is unusable, DefinitionError when a workflow is wrong.
    """
    # imported here so that `import backoffice.settings` stays light for the supervisor
    from flask import Flask
    from werkzeug.middleware.proxy_fix import ProxyFix

    from backoffice import crypto, models  # noqa: F401
    from backoffice.db import db
    from backoffice.services import Services, install
    from backoffice.storage import storage_for
    from backoffice.workflows import orders

    app = Flask("backoffice", root_path=__path__[0])
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS={
            "pool_pre_ping": True,
            "hide_parameters": True,  # row values stay out of error messages and logs
            "pool_size": 10,
            "max_overflow": 20,
            "connect_args": {
                # No parallel plans: starting helpers costs a short query more than they save, and a
                # long one (figures, exports) must not take the cores from people.
                "options": f"-c lock_timeout={settings.lock_timeout_ms} -c timezone=UTC"
                " -c max_parallel_workers_per_gather=0",
                "application_name": "backoffice",
            },
        },
        MAX_CONTENT_LENGTH=settings.upload_max_bytes + 1024 * 1024,
        TESTING=settings.app_env == "test",
    )
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    ring = crypto.configure(settings)
    db.init_app(app)
    install(
        app,
        Services(
            settings, ring, orders.configure(settings.undo_seconds), storage_for(settings, ring)
        ),
    )
    return app
