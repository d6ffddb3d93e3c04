"""The base of every page of the back office: closed unless the permission table opens it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, TypeVar

import flask_admin
from flask import (
    Blueprint,
    Response,
    abort,
    make_response,
    redirect,
    render_template,
    request,
)
from flask_admin import AdminIndexView, BaseView
from flask_security import url_for_security
from sqlalchemy import Select
from werkzeug.exceptions import HTTPException

from backoffice.admin import answers
from backoffice.admin.language import lazy
from backoffice.admin.people import may, member
from backoffice.db import db
from backoffice.errors import BackofficeError, NotFound
from backoffice.i18n import Text

View = TypeVar("View", bound=Callable[..., Any])


def expose(path: str, methods: Sequence[str] = ("GET",)) -> Callable[[View], View]:
    """Give a method of a room its address below the room's own (Flask-Admin's, with types)."""

    def named(view: View) -> View:
        exposed: View = flask_admin.expose(path, methods=methods)(view)
        return exposed

    return named


class Room:
    """Mixin of all views. `room` names the row of the permission table.

    section: the heading in the menu; None keeps the room out of it.
    """

    room: ClassVar[str]
    label: ClassVar[Text]
    section: ClassVar[Text | None] = None

    def is_accessible(self) -> bool:
        """Return whether the signed-in member may be here; Flask-Admin asks before every view."""
        return may(self.room)

    def inaccessible_callback(self, name: str, **kwargs: Any) -> Any:
        """Send strangers to the log-in, refuse everybody else."""
        if member() is None:
            wanted = request.full_path.rstrip("?") if request.method == "GET" else None
            return redirect(url_for_security("login", next=wanted))
        return answers.refused()

    def create_blueprint(self, admin: Any) -> Blueprint:
        """Answer our coded errors in the reader's language on this room's pages."""
        blueprint: Blueprint = super().create_blueprint(admin)  # type: ignore[misc]
        blueprint.register_error_handler(BackofficeError, answers.coded_error)
        blueprint.register_error_handler(HTTPException, answers.http_error)
        return blueprint


class Page(Room, BaseView):
    """A room with pages of its own."""

    def __init__(self, path: str) -> None:
        super().__init__(name=lazy(*self.label), endpoint=self.room, url=path)


class FrontPage(Room, AdminIndexView):
    """The room behind `/admin/`."""

    def __init__(self) -> None:
        super().__init__(name=lazy(*self.label), endpoint="admin", url="/admin")


def parse_uuid(raw: str) -> uuid.UUID:
    """Return the id in a URL. Raises NotFound for anything else."""
    try:
        return uuid.UUID(raw)
    except ValueError:
        raise NotFound() from None


def one_or_404(query: Select[Any]) -> Any:
    """Return the only row of a query. Raises NotFound: absent and foreign look the same."""
    row = db.session.scalars(query).one_or_none()
    if row is None:
        raise NotFound()
    return row


def page(template: str, status: int = 200, **values: Any) -> Response:
    """Render a page outside Flask-Admin's views (log-in, errors)."""
    return make_response(render_template(template, **values), status)


def require(room: str) -> None:
    """Answer 403 unless the signed-in member may use `room`."""
    if not may(room):
        abort(403)
