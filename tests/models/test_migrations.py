"""The schema goes up, down and up again, and says what the models say."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine, inspect, make_url, text

from backoffice import migrate
from backoffice.db import Base


@pytest.fixture
def empty_database(database):
    """Address of a new, empty database beside the worker's own."""
    name = f"{database.url.database}_migrations"
    admin = create_engine(database.url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield make_url(database.url).set(database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


def tables(url):
    engine = create_engine(url)
    try:
        return set(inspect(engine).get_table_names()) - {"alembic_version"}
    finally:
        engine.dispose()


def test_up_down_up_without_drift(empty_database):
    migrate.upgrade(empty_database)
    full = tables(empty_database)
    assert {"orders", "order_events", "outbox", "tickets"} <= full
    assert migrate.check(empty_database) == []
    migrate.downgrade(empty_database)
    assert tables(empty_database) == set()
    migrate.upgrade(empty_database)
    assert tables(empty_database) == full


def test_drift_is_found(empty_database):
    migrate.upgrade(empty_database)
    engine = create_engine(empty_database)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE orders DROP COLUMN remark"))
    engine.dispose()
    assert "remark" in "".join(migrate.check(empty_database))


def test_indexes_are_of_the_kind_the_models_say(empty_database):
    """Alembic's comparison does not look at the kind: a tree would pass for a hash."""
    migrate.upgrade(empty_database)
    engine = create_engine(empty_database)
    with engine.connect() as connection:
        made = dict(connection.execute(text("SELECT indexname, indexdef FROM pg_indexes")).all())
    engine.dispose()
    wanted = {
        str(index.name): index.dialect_options["postgresql"]["using"] or "btree"
        for table in Base.metadata.tables.values()
        for index in table.indexes
    }
    assert {name: f"USING {kind} " in made[name] for name, kind in wanted.items()} == dict.fromkeys(
        wanted, True
    )
    assert wanted["ix_enrolments_id_index"] == "hash"
    for part in ("include", "where"):
        has = {
            str(index.name): bool(index.dialect_options["postgresql"][part])
            if part == "include"
            else index.dialect_options["postgresql"][part] is not None
            for table in Base.metadata.tables.values()
            for index in table.indexes
        }
        assert {name: f" {part.upper()} " in made[name] for name in has} == has
