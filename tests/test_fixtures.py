"""The ground under the other tests: isolation between tests, on the real servers."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text

from backoffice.models import School


def a_school(code: str) -> School:
    return School(code=code, name="示例大学")


@pytest.mark.parametrize("attempt", [1, 2])
def test_session_starts_from_clean_tables_even_after_a_commit(session, attempt):
    assert session.scalars(select(School).where(School.code == "19999")).all() == []
    session.add(a_school("19999"))
    session.commit()
    assert session.scalar(select(School.code).where(School.code == "19999")) == "19999"


@pytest.mark.parametrize("attempt", [1, 2])
def test_committed_rows_are_seen_by_other_connections_and_gone_afterwards(
    committed, database, attempt
):
    query = text("SELECT count(*) FROM schools WHERE code = '19998'")
    with database.connect() as other:
        assert other.scalar(query) == 0
        other.rollback()
        with committed() as one:
            one.add(a_school("19998"))
            one.commit()
        assert other.scalar(query) == 1


def test_reference_rows_of_the_migrations_survive_a_truncation(database):
    from sqlalchemy import inspect

    from tests.servers import SEED_SCHEMA, empty_tables

    empty_tables(database)
    with database.connect() as connection:
        for name in inspect(database).get_table_names(schema=SEED_SCHEMA):
            seeds = connection.scalar(text(f'SELECT count(*) FROM {SEED_SCHEMA}."{name}"'))
            assert connection.scalar(text(f'SELECT count(*) FROM public."{name}"')) == seeds > 0


@pytest.mark.parametrize("attempt", [1, 2])
def test_redis_is_empty_for_every_test(redis, attempt):
    assert redis.get("key") is None
    redis.set("key", "value")


def test_server_is_private_and_speaks_no_tcp(database):
    with database.connect() as connection:
        assert connection.scalar(text("SHOW listen_addresses")) == ""
        assert connection.scalar(text("SHOW data_checksums")) == "on"
        assert connection.scalar(text("SHOW server_encoding")) == "UTF8"
