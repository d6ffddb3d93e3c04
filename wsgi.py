"""Composition root: the core and its doors. `gunicorn "wsgi:create_app()"`, `flask --app wsgi`."""

from __future__ import annotations

from typing import Any

from flask import Flask

import backoffice
from backoffice.settings import Settings, load_settings


def create_app(settings: Settings | None = None) -> Flask:
    """Return the whole application: core, student API, admin site, commands."""
    import payment_pages
    import student_api
    from backoffice import admin, cli, health
    from supervisor.embedded import expected_addresses

    app = backoffice.create_app(expected_addresses(settings or load_settings()))
    health.init_app(app)
    student_api.init_app(app)
    payment_pages.init_app(app)
    admin.init_app(app)
    cli.init_app(app)
    return app


def __getattr__(name: str) -> Any:
    """Make `wsgi:app` work for servers that want an object; importing this module stays cheap."""
    if name == "app":
        return create_app()
    raise AttributeError(name)
