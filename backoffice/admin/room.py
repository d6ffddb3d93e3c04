"""The base of every page of the back office: closed unless the permission table opens it."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import flask_admin
from flask import (
    Blueprint,
    Response,
    abort,
    flash,
    g,
    make_response,
    redirect,
    render_template,
    request,
)
from flask_admin import AdminIndexView, BaseView
from flask_admin.contrib.sqla import ModelView
from flask_admin.form import BaseForm
from flask_security import url_for_security
from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Query
from werkzeug.exceptions import HTTPException

from backoffice.admin import answers
from backoffice.admin.language import lazy, t
from backoffice.admin.paging import Key, Size, fetch, size_of
from backoffice.admin.people import may, me, member, own_school
from backoffice.admin.saved_views import drop_view, save_view, views_of
from backoffice.crypto import DecryptionFailed, keyring
from backoffice.db import db
from backoffice.errors import BackofficeError, InvalidInput, NotFound
from backoffice.i18n import Text
from backoffice.models import SavedView
from backoffice.security.tenancy import visible

SEARCH = b"search-term"
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


@dataclass(frozen=True)
class Choice:
    """A drop-down over a list: `?name=value` narrows the rows.

    options: (value, label) pairs, asked for on every request. condition: from a value to SQL.
    """

    name: str
    label: Text
    options: Callable[[], Sequence[tuple[str, str]]]
    condition: Callable[[str], ColumnElement[bool]]


def parse_uuid(raw: str) -> uuid.UUID:
    """Return the id in a URL. Raises NotFound for anything else."""
    try:
        return uuid.UUID(raw)
    except ValueError:
        raise NotFound() from None


class ListRoom(Room, ModelView):
    """A list over one table, kept to the member's school everywhere.

    Nothing can be created, edited or deleted unless a subclass says so; `state` of an order is in
    no form at all. Every query (rows, count, one row) goes through `visible`.
    """

    list_template = "backoffice/list.html"
    create_template = "backoffice/form.html"
    edit_template = "backoffice/form.html"
    form = BaseForm
    can_create = can_edit = can_delete = can_view_details = can_export = False
    column_display_actions = False
    can_set_page_size = False
    page_size = 50
    choices: ClassVar[tuple[Choice, ...]] = ()
    empty: ClassVar[Text] = Text("这里还没有内容。", "Nothing here yet.")
    search_hint: ClassVar[Text | None] = None
    row_page: ClassVar[str | None] = None  # the endpoint a row opens
    big: ClassVar[bool] = False  # filters can be named, rows taken out as a workbook

    def __init__(self, model: type[Any], path: str) -> None:
        super().__init__(model, db, name=lazy(*self.label), endpoint=self.room, url=path)

    # -- one page -------------------------------------------------------------------------

    @expose("/")
    def index_view(self) -> Any:
        """Show one page of the rows, in the order asked for."""
        term = open_term(request.args.get("search", ""))
        query = self.get_query()
        if term:
            query = query.filter(self.search_condition(term))
        sort = self.chosen_sort()
        window = fetch(
            query,
            self._keys(sort),
            self.page_size,
            request.args.get("after"),
            request.args.get("before"),
        )
        self.decorate(window.rows)
        shown = len(window.rows)
        whole = window.before is None and window.after is None
        return self.render(
            self.list_template,
            data=window.rows,
            window=window,
            size=Size(shown, exact=True) if whole else size_of(query),
            list_columns=self._list_columns,
            get_value=lambda row, name: self.get_list_value(None, row, name),
            sort=sort,
            term=term,
            views=views_of(db.session(), me().id, self.room) if self.big else [],
            link=self._link,
        )

    def decorate(self, rows: Sequence[Any]) -> None:
        """Read what the rows need from elsewhere, for all of them at once."""

    def chosen_sort(self) -> str | None:
        """Return `column` or `-column` asked for by `?sort=`; None for the list's own order."""
        asked = request.args.get("sort", "")
        return asked if asked.removeprefix("-") in (self.column_sortable_list or ()) else None

    def _keys(self, sort: str | None) -> list[Key]:
        default = self.column_default_sort or []
        parts = default if isinstance(default, list) else [default]
        order = [part if isinstance(part, tuple) else (part, False) for part in parts]
        if sort:
            order = [(sort.removeprefix("-"), sort.startswith("-"))]
        primary = self.model.__mapper__.primary_key[0]
        falling = bool(order and order[-1][1])
        columns = [(getattr(self.model, name), down) for name, down in order]
        columns.append(
            (self.model.__mapper__.get_property_by_column(primary).class_attribute, falling)
        )
        return [
            Key(column, down, bool(column.property.columns[0].nullable)) for column, down in columns
        ]

    def _link(self, **changes: str | None) -> str:
        """Return this list's address with some arguments changed; a new filter starts at the top."""
        kept = {k: v for k, v in request.args.items() if k not in ("after", "before") and v}
        args = {k: v for k, v in (kept | changes).items() if v}
        return str(self.get_url(".index_view", **args))

    # -- what may be seen -----------------------------------------------------------------

    def get_query(self) -> Query[Any]:
        """Return the rows this member may see, narrowed by the drop-downs."""
        return self._narrowed(db.session.query(self.model))

    def get_one(self, id: Any) -> Any:
        """Return one row this member may see. Raises NotFound for all others."""
        key = self.model.__mapper__.primary_key[0]
        value = parse_uuid(str(id)) if str(key.type) in ("CHAR(32)", "UUID") else str(id)
        row = db.session.scalars(
            select(self.model).where(key == value, visible(self.model, own_school()))
        ).one_or_none()
        if row is None:
            raise NotFound()
        return row

    def _narrowed(self, query: Query[Any]) -> Query[Any]:
        query = query.filter(visible(self.model, own_school()))
        for choice in self.choices:
            value = request.args.get(choice.name, "")
            if value and value in [known for known, _ in self.options(choice)]:
                query = query.filter(choice.condition(value))
        return query

    def options(self, choice: Choice) -> Sequence[tuple[str, str]]:
        """Return the drop-down's entries, read once a request."""
        known: dict[str, Sequence[tuple[str, str]]] = g.setdefault(f"options.{self.room}", {})
        if choice.name not in known:
            known[choice.name] = choice.options()
        return known[choice.name]

    def filter_args(self, source: Mapping[str, str]) -> dict[str, str]:
        """Return the arguments of a filter that were given: drop-downs and order."""
        names = [*(choice.name for choice in self.choices), "sort"]
        return {name: source[name][:100] for name in names if source.get(name)}

    # -- searching ------------------------------------------------------------------------

    def init_search(self) -> bool:
        """Return whether there is a search field."""
        return self.search_hint is not None

    def search_condition(self, term: str) -> ColumnElement[bool]:
        """Return the condition for a search term."""
        raise NotImplementedError

    @expose("/find", methods=("POST",))
    def find(self) -> Any:
        """Take a search term by POST: names and ID numbers do not belong into addresses and logs."""
        term = request.form.get("term", "").strip()[:100]
        args = self.filter_args(request.form)
        return redirect(self.get_url(".index_view", search=sealed_term(term), **args), 303)

    # -- keeping filters ------------------------------------------------------------------

    @expose("/views", methods=("POST",))
    def save_view(self) -> Any:
        """Keep the present filter under a name of one's own."""
        self._only_big()
        args = self.filter_args(request.form) | {"term": open_term(request.form.get("search", ""))}
        try:
            save_view(db.session(), me().id, self.room, request.form.get("name", ""), args)
            db.session.commit()
        except InvalidInput as error:
            db.session.rollback()
            answers.flash_error(error)
        else:
            flash(t("已保存筛选。", "The filter is saved."), "success")
        return redirect(self._view_url(args), 303)

    @expose("/views/<uuid:id>/remove", methods=("POST",))
    def remove_view(self, id: uuid.UUID) -> Any:
        """Remove a saved filter."""
        self._only_big()
        drop_view(db.session(), me().id, id)
        db.session.commit()
        return redirect(self.get_url(".index_view"), 303)

    def view_url(self, view: SavedView) -> str:
        """Return the address of a saved filter."""
        return self._view_url(view.args)

    def _view_url(self, args: Mapping[str, str]) -> str:
        kept = self.filter_args(args)
        return str(self.get_url(".index_view", search=sealed_term(args.get("term", "")), **kept))

    def _only_big(self) -> None:
        if not self.big:
            abort(404)

    # -- telling --------------------------------------------------------------------------

    def handle_view_exception(self, exc: Exception) -> bool:
        """Show a coded error above the form; let every other error be one."""
        if isinstance(exc, BackofficeError):
            answers.flash_error(exc)
            return True
        raise exc

    def row_url(self, row: Any) -> str | None:
        """Return the address a row opens, or None."""
        return None if self.row_page is None else str(self.get_url(self.row_page, id=row.id))


def sealed_term(term: str) -> str | None:
    """Return a search term as an opaque word for the address bar; None for an empty one."""
    if not term:
        return None
    return base64.urlsafe_b64encode(keyring().encrypt(term.encode(), SEARCH)).decode()


def open_term(word: str) -> str:
    """Return the term `sealed_term` hid; empty for anything else."""
    try:
        return keyring().decrypt(base64.urlsafe_b64decode(word.encode()), SEARCH).decode()
    except (ValueError, DecryptionFailed):
        return ""


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
