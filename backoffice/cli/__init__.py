"""The `flask` commands for scripts and school IT staff (CONTRACT section 1)."""

from __future__ import annotations

from flask import Flask


def init_app(app: Flask) -> None:
    """Add every command group to `flask --app wsgi`."""
    from backoffice.cli import (
        audit,
        batch,
        capture_code,
        demo,
        export,
        id_card,
        photo,
        roster,
        school,
        settings,
        staff,
        workflow,
    )

    for module in (
        audit,
        batch,
        capture_code,
        demo,
        export,
        id_card,
        photo,
        roster,
        school,
        settings,
        staff,
        workflow,
    ):
        app.cli.add_command(module.group)
