"""The base of every list: one table, kept to the member's school, paged by keys, searched unseen."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from flask import Blueprint, abort, flash, g, redirect, request
from flask_admin.contrib.sqla import ModelView
from flask_admin.form import BaseForm
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Query

from backoffice.admin import answers
from backoffice.admin.language import lazy, t
from backoffice.admin.paging import Key, Size, fetch, size_of
from backoffice.admin.people import me, own_school
from backoffice.admin.room import Room, expose, parse_uuid
from backoffice.admin.saved_views import drop_view, save_view, views_of
from backoffice.admin.search_terms import open_term, sealed_term
from backoffice.db import db
from backoffice.errors import BackofficeError, InvalidInput, NotFound
from backoffice.i18n import Text
from backoffice.models import SavedView
from backoffice.security.tenancy import visible

# Flask-Admin gives every list these addresses; no room of ours uses them.
UNUSED_VIEWS = frozenset(
    {"details_view", "delete_view", "action_view", "export", "ajax_lookup", "ajax_update"}
)
FORM_SWITCHES = {"create_view": "can_create", "edit_view": "can_edit"}


@dataclass(frozen=True)
class Choice:
    """A drop-down over a list: `?name=value` narrows the rows.

    options: (value, label) pairs, asked for on every request. condition: from a value to SQL.
    """

    name: str
    label: Text
    options: Callable[[], Sequence[tuple[str, str]]]
    condition: Callable[[str], ColumnElement[bool]]


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

    def create_blueprint(self, admin: Any) -> Blueprint:
        """Leave out the addresses this room has no use for: what is not there stays closed."""
        left_out = UNUSED_VIEWS | {
            view for view, switch in FORM_SWITCHES.items() if getattr(type(self), switch) is False
        }
        self._urls: list[Any] = [known for known in self._urls if known[1] not in left_out]
        return super().create_blueprint(admin)

    def _handle_view(self, name: str, **kwargs: Any) -> Any:
        """Refuse a form this member may not use, as every other page they may not open."""
        refused = super()._handle_view(name, **kwargs)
        if refused is None and not getattr(self, FORM_SWITCHES.get(name, ""), True):
            return answers.refused()
        return refused

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
        whole = window.before is None and window.after is None
        return self.render(
            self.list_template,
            data=window.rows,
            window=window,
            size=Size(len(window.rows), exact=True) if whole else size_of(query),
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
        query = select(self.model).where(key == value, visible(self.model, own_school()))
        row = db.session.scalars(query).one_or_none()
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
        if not isinstance(exc, BackofficeError):
            raise exc
        answers.flash_error(exc)
        return True

    def row_url(self, row: Any) -> str | None:
        """Return the address a row opens, or None."""
        return None if self.row_page is None else str(self.get_url(self.row_page, id=row.id))
