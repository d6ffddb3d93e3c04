"""Composition root: the core and its doors. `gunicorn "wsgi:create_app()"`, `flask --app wsgi`."""

from __future__ import annotations

from flask import Flask

import backoffice
from backoffice.settings import Settings, load_settings


def create_app(settings: Settings | None = None) -> Flask:
    """Return the whole application: core, student API, admin site, commands."""
    import student_api

    from backoffice import admin, cli, health
    from supervisor.embedded import with_addresses

    app = backoffice.create_app(with_addresses(settings or load_settings()))
    health.init_app(app)
    student_api.init_app(app)
    admin.init_app(app)
    cli.init_app(app)
    return app
