"""Who is running a job right now, told by PostgreSQL: an advisory lock held for the job's length.

When a worker dies, its connection and with it the lock are gone at once, so nobody has to guess by
heartbeats whether it still runs.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session


def lock_key(outbox_id: uuid.UUID) -> int:
    """Return the 64-bit lock key of a row: the random half of its id."""
    return int.from_bytes(outbox_id.bytes[8:], "big", signed=True)


@contextmanager
def lease(engine: Engine, outbox_id: uuid.UUID) -> Iterator[bool]:
    """Hold the job's lock on a connection of its own; yields False if another process has it.

    No transaction stays open meanwhile.
    """
    key = {"key": lock_key(outbox_id)}
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        held = bool(connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), key))
        try:
            yield held
        finally:
            if held:
                try:
                    connection.execute(text("SELECT pg_advisory_unlock(:key)"), key)
                except SQLAlchemyError:
                    connection.invalidate()  # a lost connection has lost the lock too


def nobody_runs(session: Session, outbox_id: uuid.UUID) -> bool:
    """Return True if no process holds the job's lock; keeps it until the transaction ends."""
    key = {"key": lock_key(outbox_id)}
    return bool(session.scalar(text("SELECT pg_try_advisory_xact_lock(:key)"), key))
