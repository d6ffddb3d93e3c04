"""The students' door: the JSON API under /api/v1 and the mobile page /s/{feature_code}."""

from __future__ import annotations

from flask import Flask, current_app, g, request
from werkzeug.exceptions import MethodNotAllowed, RequestEntityTooLarge


def init_app(app: Flask) -> None:
    """Register every call, the description of the API, and the mobile page."""
    from student_api import calls, commands
    from student_api.description import add_to
    from student_api.operations import blueprint_of, body_too_large, method_unheard_of
    from student_api.web import pages

    calls.load()
    blueprint = blueprint_of()
    add_to(blueprint)
    app.register_blueprint(blueprint)
    app.register_blueprint(pages)
    app.cli.add_command(commands.group)
    app.register_error_handler(RequestEntityTooLarge, body_too_large)
    app.register_error_handler(MethodNotAllowed, method_unheard_of)
    app.before_request(_ask_no_staff_session)
    # Bearer tokens, not cookies, speak for the student: a foreign page cannot borrow them.
    protection = app.extensions.get("csrf")
    if protection is not None:
        protection.exempt(blueprint)


def _ask_no_staff_session() -> None:
    """Tell the staff's sign-in that nobody of theirs is calling.

    It would otherwise look for one in the session, and in the JSON body of every request, before
    the API has said how large a body may be.
    """
    from student_api.operations import PREFIX

    manager = getattr(current_app, "login_manager", None)
    if manager is not None and request.path.startswith(f"{PREFIX}/"):
        g._login_user = manager.anonymous_user()
