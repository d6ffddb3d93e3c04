"""Alembic environment: the address comes from the caller (`backoffice.migrate`)."""

from alembic import context
from sqlalchemy import create_engine

import backoffice.models  # noqa: F401  (fills the metadata)
from backoffice.db import Base

config = context.config


def render_item(kind: str, item: object, _: object) -> str | bool:
    """Write our sealed column types as what they are in the database, free of our code."""
    if kind == "type" and type(item).__module__ == "backoffice.db":
        return "sa.LargeBinary()"
    return False


def run() -> None:
    engine = create_engine(config.get_main_option("sqlalchemy.url"))
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            compare_type=True,
            render_item=render_item,
            compare_server_default=False,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


run()
