"""Pages of a list by key, not by number: page 20,000 costs what the first one costs.

A page is read from behind the last row that was seen (`ORDER BY key, id` and `(key, id) > (…)`), so
no row is counted or skipped over. Empty values sort as the smallest.
"""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, false, func, literal, or_, select, true, tuple_
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Query
from sqlalchemy.sql.expression import ClauseElement, Executable

from backoffice.crypto import DecryptionFailed, keyring
from backoffice.db import db

_CURSOR = b"list-cursor"
EXACT_UP_TO = 2000  # beyond, the planner's estimate is shown as "about"


@dataclass(frozen=True)
class Key:
    """One part of the order of a list."""

    column: Any
    descending: bool
    nullable: bool

    def ordering(self, backwards: bool) -> Any:
        """Return the ORDER BY part; nulls are the smallest in either direction."""
        falling = self.descending != backwards
        found = self.column.desc() if falling else self.column.asc()
        if not self.nullable:
            return found
        return found.nulls_last() if falling else found.nulls_first()

    def beyond(self, value: Any, backwards: bool) -> ColumnElement[bool]:
        """Return the condition of rows strictly behind `value`."""
        column, falling = self.column, self.descending != backwards
        found: ColumnElement[bool]
        if value is None:
            found = false() if falling else column.is_not(None)
        elif falling:
            found = column < value
            found = or_(found, column.is_(None)) if self.nullable else found
        else:
            found = column > value
        return found

    def same(self, value: Any) -> ColumnElement[bool]:
        """Return the condition of rows with this value."""
        found: ColumnElement[bool] = (
            self.column.is_(None) if value is None else self.column == value
        )
        return found


@dataclass(frozen=True)
class Window:
    """One page: its rows in the list's order, and the cursors of its neighbours (None: no more)."""

    rows: Sequence[Any]
    before: str | None
    after: str | None


def fetch(
    query: Query[Any], keys: Sequence[Key], size: int, after: str | None, before: str | None
) -> Window:
    """Return the page behind `after` or in front of `before`; the first page without either.

    keys end with the primary key, so that no two rows are equal. A cursor that is not ours, or was
    made for another order, gives the first page.
    """
    cursor = open_cursor(before or after or "", len(keys))
    backwards = bool(before) and cursor is not None
    if cursor is not None:
        query = query.filter(_behind(keys, cursor, backwards))
    query = query.order_by(None).order_by(*(key.ordering(backwards) for key in keys))
    rows = query.limit(size + 1).all()
    more, rows = len(rows) > size, rows[:size]
    if backwards:
        rows.reverse()
    if not rows:
        return Window(rows, None, None)
    first, last = (_sealed(keys, rows[0]), _sealed(keys, rows[-1]))
    return Window(
        rows,
        before=first if (more if backwards else cursor is not None) else None,
        after=last if (True if backwards else more) else None,
    )


def _behind(keys: Sequence[Key], values: Sequence[Any], backwards: bool) -> ColumnElement[bool]:
    if len({key.descending for key in keys}) == 1 and not any(key.nullable for key in keys):
        row, seen = tuple_(*(key.column for key in keys)), tuple_(*map(literal, values))
        return row < seen if keys[0].descending != backwards else row > seen
    steps: list[ColumnElement[bool]] = []
    same: ColumnElement[bool] = true()
    for key, value in zip(keys, values, strict=True):
        steps.append(and_(same, key.beyond(value, backwards)))
        same = and_(same, key.same(value))
    return or_(*steps)


def _sealed(keys: Sequence[Key], row: Any) -> str:
    """Return the row's place as an opaque word: a student number may be in it."""
    values = [_plain(getattr(row, key.column.key)) for key in keys]
    sealed = keyring().encrypt(json.dumps(values).encode(), _CURSOR)
    return base64.urlsafe_b64encode(sealed).decode()


def open_cursor(word: str, parts: int) -> list[Any] | None:
    """Return the values behind a cursor; None for anything that is not one of `parts` values."""
    if not word:
        return None
    try:
        values = json.loads(keyring().decrypt(base64.urlsafe_b64decode(word.encode()), _CURSOR))
    except (ValueError, DecryptionFailed):
        return None
    return [_restored(v) for v in values] if len(values) == parts else None


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return {"at": value.isoformat()}
    if isinstance(value, uuid.UUID):
        return {"id": value.hex}
    return value


def _restored(value: Any) -> Any:
    if isinstance(value, dict):
        return datetime.fromisoformat(value["at"]) if "at" in value else uuid.UUID(value["id"])
    return value


class Explain(Executable, ClauseElement):
    """`EXPLAIN (FORMAT JSON)` of a statement: what the planner expects, without running it."""

    inherit_cache = False

    def __init__(self, statement: Any) -> None:
        self.statement = statement


@compiles(Explain)
def _explain(element: Explain, compiler: Any, **kwargs: Any) -> str:
    return "EXPLAIN (FORMAT JSON) " + str(compiler.process(element.statement, **kwargs))


@dataclass(frozen=True)
class Size:
    """How many rows a list has; an estimate when `exact` is False."""

    rows: int
    exact: bool


def size_of(query: Query[Any]) -> Size:
    """Return how many rows a list has: counted up to EXACT_UP_TO, estimated beyond."""
    model: Any = query.column_descriptions[0]["entity"]
    key = model.__mapper__.primary_key[0]
    keys = query.with_entities(key).order_by(None)
    some = keys.limit(EXACT_UP_TO + 1).subquery()
    counted = db.session.scalar(select(func.count()).select_from(some)) or 0
    if counted <= EXACT_UP_TO:
        return Size(counted, exact=True)
    plan = db.session.execute(Explain(keys.statement)).scalar_one()
    expected = int(plan[0]["Plan"]["Plan Rows"])
    return Size(max(_rounded(expected), EXACT_UP_TO), exact=False)


def _rounded(number: int) -> int:
    """Keep two digits: an estimate that looks exact would be believed."""
    factor = int(10 ** max(0, len(str(number)) - 2))
    return round(number / factor) * factor
