"""Rows on their way into PostgreSQL by COPY, typed and sealed as their columns are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from psycopg import Connection, sql
from psycopg.types.json import Jsonb
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from backoffice.db import Base

TABLES = (
    "students",
    "enrolments",
    "orders",
    "order_items",
    "payments",
    "photos",
    "order_events",
    "review_decisions",
    "refunds",
    "shipments",
    "timers",
)


@dataclass
class Rows:
    """Rows waiting to be copied, by table."""

    by_table: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))

    def add(self, table: str, **values: Any) -> None:
        """Remember one row."""
        self.by_table[table].append(values)


def copy_rows(session: Session, rows: Rows) -> None:
    """Copy one chunk in one transaction, with types and sealing as the columns have them."""
    connection: Any = session.connection().connection.driver_connection
    assert isinstance(connection, Connection)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        for table in TABLES:
            chunk = rows.by_table[table]
            if not chunk:
                continue
            columns = list(dict.fromkeys(name for row in chunk for name in row))
            statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
                sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
            )
            with cursor.copy(statement) as copy:
                for values in _sealed(table, columns, chunk):
                    copy.write_row(values)
    session.commit()


def _sealed(table: str, columns: list[str], chunk: list[dict[str, Any]]) -> Iterator[list[Any]]:
    """Yield the rows with each value as psycopg should send it."""
    defined = Base.metadata.tables[table]
    found = ((place, _converter(defined.c[name].type)) for place, name in enumerate(columns))
    bind = [(place, convert) for place, convert in found if convert is not None]
    for row in chunk:
        values = list(map(row.get, columns))
        for place, convert in bind:
            values[place] = convert(values[place])
        yield values


def _converter(kind: Any) -> Callable[[Any], Any] | None:
    """Return what turns a Python value into what the column's type stores; None as it is."""
    if isinstance(kind, JSONB):
        return Jsonb
    if type(kind).__module__ == "backoffice.db":
        return partial(kind.process_bind_param, dialect=None)
    return None


def analyze(session: Session) -> None:
    """Let the planner know what has come: without it the first lists read whole tables."""
    connection: Any = session.connection().connection.driver_connection
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(table)))
    session.commit()
