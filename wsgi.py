"""Composition root: the core and its doors. `gunicorn "wsgi:create_app()"`, `flask --app wsgi`."""

from __future__ import annotations

import sys
from typing import Any

from flask import Flask, redirect

import backoffice
from backoffice.settings import Settings, SettingsError, load_settings


def create_app(settings: Settings | None = None) -> Flask:
    """Return the whole application: core, student API, admin site, commands.

    Ends the process with one sentence when a setting cannot be used, and with one a flaw when a
    workflow definition cannot be run (so `flask workflow check` names them all).
    """
    import payment_pages
    import student_api
    from backoffice import admin, cli, demo_data, health
    from backoffice.db import db
    from backoffice.services import services
    from backoffice.workflows.definition import DefinitionError
    from supervisor.embedded import expected_addresses

    try:
        app = backoffice.create_app(expected_addresses(settings or load_settings()))
        with app.app_context():
            demo_data.refuse_in_production(db.session(), services().settings)
    except (SettingsError, DefinitionError) as error:
        sys.exit(str(error))
    health.init_app(app)
    student_api.init_app(app)
    payment_pages.init_app(app)
    admin.init_app(app)
    cli.init_app(app)
    app.add_url_rule("/", "home", lambda: redirect("/admin/"))
    return app


def __getattr__(name: str) -> Any:
    """Make `wsgi:app` work for servers that want an object; importing this module stays cheap."""
    if name == "app":
        return create_app()
    raise AttributeError(name)
