"""Writing a staged file into its batch, all or nothing, and keeping what an undo needs."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, Table, func, insert, literal, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backoffice.imports.comparing import ROW_VERSION
from backoffice.imports.errors import ImportRunning, RosterMoved
from backoffice.imports.staged_rows import COLUMNS
from backoffice.imports.staging import (
    ENROLMENTS,
    STAGED,
    E,
    S,
    clear,
    merged_details,
    taken_numbers,
)
from backoffice.models import Enrolment, RosterImport
from backoffice.models.roster import ReplacedRow

LOCK_SPACE = "roster_import"
REPLACED = cast(Table, ReplacedRow.__table__)
VALUES = tuple(c for c in COLUMNS if c not in ("import_id", "row", "student_key", "enrolment_id"))


def take_turn(session: Session, batch_id: uuid.UUID) -> None:
    """Make this transaction the batch's only import; raises ImportRunning.

    The lock goes with the transaction, also when the process dies.
    """
    key = func.hashtextextended(f"{LOCK_SPACE}/{batch_id}", 0)
    if not session.scalar(select(func.pg_try_advisory_xact_lock(key))):
        raise ImportRunning


def write(session: Session, record: RosterImport, decided: Collection[str], now: datetime) -> None:
    """Write the staged rows of `record` and empty the staging table; raises RosterMoved.

    A student may enrol or claim an entry after the comparison, and a crash of the database
    server empties the staging table. Then nothing of this import may stay, and the caller's
    transaction must be rolled back. now: becomes `updated_at` of what changes.
    """
    _lock_unmoved(session, record)
    _keep_old_values(session, record.id)
    _update(session, record.id, decided, now)
    _insert(session, record)
    clear(session, record.id)
    for instance in list(session.identity_map.values()):
        if isinstance(instance, Enrolment):
            session.expire(instance)


def _lock_unmoved(session: Session, record: RosterImport) -> None:
    """Lock the rows to change, in id order; raises RosterMoved if they are not as compared."""
    locked = (
        select(ROW_VERSION.label("version"), S.seen)
        .join_from(STAGED, ENROLMENTS, E.id == S.enrolment_id)
        .where(S.import_id == record.id, S.columns.is_not(None))
        .order_by(E.id)
        .with_for_update(of=ENROLMENTS)
        .subquery()
    )
    unmoved = select(func.count()).where(locked.c.version == locked.c.seen)
    if session.scalar(unmoved) != record.changed_count:
        raise RosterMoved
    taken = select(S.row).where(taken_numbers(record.id, record.batch_id))
    if session.scalar(select(taken.exists())):
        raise RosterMoved


def _keep_old_values(session: Session, import_id: uuid.UUID) -> None:
    names = (*VALUES, "updated_at")
    old = (
        select(literal(import_id), E.id, *(E[name] for name in names))
        .join_from(STAGED, ENROLMENTS, E.id == S.enrolment_id)
        .where(S.import_id == import_id, S.columns.is_not(None))
    )
    session.execute(insert(REPLACED).from_select(["import_id", "enrolment_id", *names], old))


def _update(
    session: Session, import_id: uuid.UUID, decided: Collection[str], now: datetime
) -> None:
    values: dict[str, Any] = {name: S[name] for name in decided if name != "details"}
    session.execute(
        update(ENROLMENTS)
        .where(S.import_id == import_id, S.columns.is_not(None), E.id == S.enrolment_id)
        .values(**values, details=merged_details(), updated_at=now)
    )


def _insert(session: Session, record: RosterImport) -> None:
    plain = [name for name in VALUES if name != "details"]
    rows = select(
        S.enrolment_id,
        literal(record.batch_id),
        literal(record.id),
        literal("roster"),
        *(S[name] for name in plain),
        func.jsonb_strip_nulls(S.details),
    ).where(S.import_id == record.id, S.columns.is_(None))
    names = ["id", "batch_id", "import_id", "source", *plain, "details"]
    statement = insert(ENROLMENTS).from_select(names, rows, include_defaults=False)
    try:
        with session.begin_nested():
            statement = statement.execution_options(preserve_rowcount=True)
            result = cast("CursorResult[Any]", session.execute(statement))
    except IntegrityError as error:
        if "uq_enrolments_batch_id_student_no" in str(error):
            raise RosterMoved from None  # somebody has enrolled with one of the numbers
        raise
    if result.rowcount != record.new_count:
        raise RosterMoved
