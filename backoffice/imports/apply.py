"""Reading a batch's enrolments for the comparison and writing the outcome, set by set."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, Table, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backoffice.db import uuid7
from backoffice.imports.diff import COMPARED, Diff, Existing
from backoffice.imports.errors import ImportRunning, RosterMoved
from backoffice.models import Enrolment

LOCK_SPACE = "roster_import"
CHUNK = 2_000
ENROLMENTS = cast(Table, Enrolment.__table__)


def take_turn(session: Session, batch_id: uuid.UUID) -> None:
    """Make this transaction the batch's only import; raises ImportRunning.

    The lock goes with the transaction, also when the process dies.
    """
    key = func.hashtextextended(f"{LOCK_SPACE}/{batch_id}", 0)
    if not session.scalar(select(func.pg_try_advisory_xact_lock(key))):
        raise ImportRunning


def load_existing(session: Session, batch_id: uuid.UUID) -> list[Existing]:
    """Return the batch's enrolments in one query, without opening anything sealed."""
    columns = [getattr(Enrolment, name) for name in COMPARED]
    query = select(Enrolment.id, Enrolment.student_no, Enrolment.student_id, *columns)
    rows = session.execute(query.where(Enrolment.batch_id == batch_id))
    return [
        Existing(row[0], row[1], row[2] is not None, dict(zip(COMPARED, row[3:], strict=True)))
        for row in rows
    ]


def write(
    session: Session, diff: Diff, batch_id: uuid.UUID, import_id: uuid.UUID, now: datetime
) -> None:
    """Insert the new enrolments and update the changed ones; raises RosterMoved.

    A student may enrol or claim an entry while the file is compared. Then nothing of this
    import may stay, and the caller's transaction must be rolled back.
    """
    _insert(session, diff, batch_id, import_id)
    _update(session, diff, now)
    for instance in list(session.identity_map.values()):
        if isinstance(instance, Enrolment):
            session.expire(instance)


def _insert(session: Session, diff: Diff, batch_id: uuid.UUID, import_id: uuid.UUID) -> None:
    fixed = {"batch_id": batch_id, "import_id": import_id, "source": "roster"}
    rows = [
        {"id": uuid7(), "student_no": row.student_no, **fixed, **values} for row, values in diff.new
    ]
    statement = insert(ENROLMENTS).on_conflict_do_nothing(index_elements=["batch_id", "student_no"])
    if _execute_many(session, statement, rows) != len(rows):
        raise RosterMoved


def _update(session: Session, diff: Diff, now: datetime) -> None:
    if not diff.changed:
        return
    _lock_unclaimed(session, diff)
    names = list(diff.changed[0].values)
    statement = (
        update(ENROLMENTS)
        .where(ENROLMENTS.c.id == bindparam("row_id"))
        .values({name: bindparam(name) for name in [*names, "updated_at"]})
    )
    rows = [{"row_id": c.existing.id, "updated_at": now, **c.values} for c in diff.changed]
    if _execute_many(session, statement, rows) != len(rows):
        raise RosterMoved


def _lock_unclaimed(session: Session, diff: Diff) -> None:
    """Lock the rows to change, in id order; raises RosterMoved if one was claimed meanwhile."""
    ids = sorted(change.existing.id for change in diff.changed)
    claimed: set[uuid.UUID] = set()
    for start in range(0, len(ids), CHUNK):
        query = (
            select(Enrolment.id, Enrolment.student_id)
            .where(Enrolment.id.in_(ids[start : start + CHUNK]))
            .order_by(Enrolment.id)
            .with_for_update()
        )
        claimed |= {row_id for row_id, student_id in session.execute(query) if student_id}
    for change in diff.changed:
        newly = change.existing.id in claimed and not change.existing.claimed
        if newly and change.touches_identity:
            raise RosterMoved


def _execute_many(session: Session, statement: Any, rows: list[dict[str, Any]]) -> int:
    """Run a statement once per row, batched by the driver; returns the rows it touched."""
    connection, touched = session.connection(), 0
    statement = statement.execution_options(preserve_rowcount=True)
    for start in range(0, len(rows), CHUNK):
        result = connection.execute(statement, rows[start : start + CHUNK])
        touched += cast("CursorResult[Any]", result).rowcount
    return touched
