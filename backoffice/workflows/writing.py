"""All rows of one move in one statement: events, records, outbox, timers and the order itself.

Data-modifying CTEs make it one round trip instead of one per row. Statements are built once per
shape (which tables, which columns) and kept, so SQLAlchemy finds them in its cache.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sqlalchemy import Table, Update, bindparam, insert, inspect, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

Shape = tuple[tuple[Table, tuple[str, ...]], ...]


@dataclass
class Writing:
    """The rows one move is going to write."""

    rows: list[tuple[Table, dict[str, Any]]] = field(default_factory=list)

    def add(self, model: Any, **values: Any) -> None:
        """Remember one row; Python-side column defaults are filled in."""
        table: Table = getattr(model, "__table__", model)
        for column in table.columns:
            if column.key not in values and column.default is not None:
                default: Any = column.default
                values[column.key] = default.arg(None) if default.is_callable else default.arg
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
        statement = _statement(type(order).__table__, tuple(changed), shape)
        parameters = {"__id": order.id, "__version": before[0]}
        parameters |= {f"o_{name}": value for name, value in changed.items()}
        for number, (_, values) in enumerate(self.rows):
            parameters |= {f"r{number}_{name}": value for name, value in values.items()}
        result = session.connection().execute(statement, parameters)
        if result.rowcount != 1:
            raise RuntimeError(f"order {order.id} changed under its lock")
        for name, value in changed.items():
            set_committed_value(order, name, value)
        self.rows.clear()


def changed_values(row: Any) -> dict[str, Any]:
    """Return the column attributes of `row` that were set since it was read."""
    state = inspect(row)
    columns = state.mapper.columns.keys()
    return {name: state.dict[name] for name in columns if name in state.committed_state}


@lru_cache(maxsize=256)
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
