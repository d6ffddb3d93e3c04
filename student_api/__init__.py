"""The students' door: the JSON API under /api/v1 and the mobile page /s/{feature_code}."""

from __future__ import annotations

from flask import Flask
from werkzeug.exceptions import RequestEntityTooLarge


def init_app(app: Flask) -> None:
    """Register every call, the description of the API, and the mobile page."""
    from student_api import calls, commands
    from student_api.description import add_to
    from student_api.operations import blueprint_of, body_too_large
    from student_api.web import pages

    calls.load()
    blueprint = blueprint_of()
    add_to(blueprint)
    app.register_blueprint(blueprint)
    app.register_blueprint(pages)
    app.cli.add_command(commands.group)
    app.register_error_handler(RequestEntityTooLarge, body_too_large)
    # Bearer tokens, not cookies, speak for the student: a foreign page cannot borrow them.
    protection = app.extensions.get("csrf")
    if protection is not None:
        protection.exempt(blueprint)
