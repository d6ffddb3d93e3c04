"""All rows of one move in one statement: events, records, outbox, timers and the order itself.

Data-modifying CTEs make it one round trip instead of one per row. Statements are built once per
shape (which tables, which columns) and kept, so SQLAlchemy finds them in its cache.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sqlalchemy import Table, Update, bindparam, insert, inspect, update
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import Session

Shape = tuple[tuple[Table, tuple[str, ...]], ...]


@dataclass
class Writing:
    """The rows one move is going to write."""

    rows: list[tuple[Table, dict[str, Any]]] = field(default_factory=list)

    def add(self, model: Any, **values: Any) -> None:
        """Remember one row; Python-side column defaults are filled in."""
        table: Table = getattr(model, "__table__", model)
        for name, default in _defaults(table):
            if name not in values:
                values[name] = default.arg(None) if default.is_callable else default.arg
        self.rows.append((table, values))

    def insert(self, session: Session) -> None:
        """Insert the rows by themselves, for an order that does not move."""
        for table, values in self.rows:
            session.execute(insert(table), values)
        self.rows.clear()

    def write(self, session: Session, order: Any) -> None:
        """Insert the rows and update `order` with what was changed on it, at once.

        Nothing is written if the order's row no longer carries the version this move began with:
        the row lock makes that impossible, and the condition stays as the proof.
        """
        changed = changed_values(order)
        before = inspect(order).attrs.version.history.deleted or [order.version]
        shape = tuple((table, tuple(values)) for table, values in self.rows)
        connection = session.connection()
        statement = _compiled(type(order).__table__, tuple(changed), shape, connection.dialect)
        parameters = {"__id": order.id, "__version": before[0]}
        parameters |= {f"o_{name}": value for name, value in changed.items()}
        for number, (_, values) in enumerate(self.rows):
            parameters |= {f"r{number}_{name}": value for name, value in values.items()}
        result = connection.exec_driver_sql(statement.sql, statement.bound(parameters))
        if result.rowcount != 1:
            raise RuntimeError(f"order {order.id} changed under its lock")
        # Everything set on the row is in the database now: without this the commit would flush
        # an unchanged row, a tenth of the time of a move.
        state = inspect(order)
        state._commit_all(state.dict, session.identity_map)
        self.rows.clear()


def changed_values(row: Any) -> dict[str, Any]:
    """Return the column attributes of `row` that were set since it was read."""
    state = inspect(row)
    columns = state.mapper.columns.keys()
    return {name: state.dict[name] for name in columns if name in state.committed_state}


@lru_cache
def _defaults(table: Table) -> tuple[tuple[str, Any], ...]:
    """Return the columns of `table` that have a Python-side default."""
    return tuple((c.key, c.default) for c in table.columns if c.default is not None)


@dataclass(frozen=True)
class _Compiled:
    """A statement as the driver wants it, and what turns our values into the driver's."""

    sql: str
    processors: tuple[tuple[str, Callable[[Any], Any]], ...]

    def bound(self, parameters: dict[str, Any]) -> dict[str, Any]:
        for name, process in self.processors:
            parameters[name] = process(parameters[name])
        return parameters


@lru_cache(maxsize=256)
def _compiled(orders: Table, changed: tuple[str, ...], shape: Shape, dialect: Dialect) -> _Compiled:
    """Return the statement in its final text: SQLAlchemy's own cache would prepare it each time."""
    statement = _statement(orders, changed, shape)
    compiled = statement.compile(dialect=dialect)
    processors = {
        name: bind.type.dialect_impl(dialect).bind_processor(dialect)
        for name, bind in compiled.binds.items()
    }
    return _Compiled(str(compiled), tuple((n, p) for n, p in processors.items() if p))


def _statement(orders: Table, changed: tuple[str, ...], shape: Shape) -> Update:
    move = (
        update(orders)
        .where(orders.c.id == bindparam("__id"), orders.c.version == bindparam("__version"))
        .values({name: bindparam(f"o_{name}", type_=orders.c[name].type) for name in changed})
    )
    for number, (table, columns) in enumerate(shape):
        row = insert(table).values(
            {name: bindparam(f"r{number}_{name}", type_=table.c[name].type) for name in columns}
        )
        move = move.add_cte(row.cte(f"r{number}"))
    return move
