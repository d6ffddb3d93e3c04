"""Taking an import back: what it created goes, what it changed becomes what it was.

Whatever a student has done since, and whatever a later import changed, stays; those entries are
listed with the reason.
"""

from __future__ import annotations

import uuid
from typing import Any, cast

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    Table,
    and_,
    case,
    delete,
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session

from backoffice.db import Base
from backoffice.imports.staging import ENROLMENTS, E
from backoffice.imports.writing import REPLACED, VALUES
from backoffice.models import RosterImport

R = REPLACED.c
OWN_TABLES = ("roster_replaced", "roster_missing", "roster_rows")
ACTED, CHANGED, NUMBER_TAKEN = "student_acted", "changed_since", "number_taken"


def undo(session: Session, record: RosterImport) -> None:
    """Take `record` back and note on it what was removed, restored and kept. Flushes.

    record: applied, with its batch's turn taken (`writing.take_turn`).
    """
    _lock(session, record)
    kept = [*_kept_created(session, record), *_kept_changed(session, record)]
    record.restored_count = _restore(session, record)
    record.removed_count = _remove(session, record)
    record.kept = [{"id": str(entry), "reason": reason} for entry, reason in kept]
    session.execute(delete(REPLACED).where(R.import_id == record.id))
    session.flush()
    session.expire_all()


def _lock(session: Session, record: RosterImport) -> None:
    """Lock the entries in id order: nobody claims one while it is taken back."""
    changed = select(R.enrolment_id).where(R.import_id == record.id)
    rows = (
        select(E.id)
        .where(or_(E.import_id == record.id, E.id.in_(changed)))
        .order_by(E.id)
        .with_for_update()
        .subquery()
    )
    session.scalar(select(func.count()).select_from(rows))


def _references() -> list[tuple[Table, Any]]:
    """Return the tables and columns that point at enrolments, whoever added them."""
    return [
        (table, key.parent)
        for table in Base.metadata.sorted_tables
        if table.name not in OWN_TABLES
        for key in table.foreign_keys
        if key.column is E.id
    ]


def _acted_ever() -> ColumnElement[bool]:
    """Return when something of a student hangs on an entry."""
    uses = [select(column).where(column == E.id).exists() for _, column in _references()]
    return or_(E.student_id.is_not(None), *uses)


def _acted_since(record: RosterImport) -> ColumnElement[bool]:
    """Return when a student did something with an entry after the import."""
    uses = [
        select(column).where(column == E.id, table.c.created_at > record.applied_at).exists()
        for table, column in _references()
        if "created_at" in table.c
    ]
    return or_(
        func.coalesce(E.claimed_at > record.applied_at, False),
        func.coalesce(E.confirmed_at > record.applied_at, False),
        *uses,
    )


def _created(record: RosterImport) -> ColumnElement[bool]:
    return and_(E.import_id == record.id, E.batch_id == record.batch_id)


def _kept_created(session: Session, record: RosterImport) -> list[tuple[uuid.UUID, str]]:
    reason = case((_acted_ever(), ACTED), else_=CHANGED)
    kept = or_(_acted_ever(), E.updated_at.is_not(None))
    query = select(E.id, reason).where(_created(record), kept).order_by(E.student_no)
    return [(row[0], row[1]) for row in session.execute(query)]


def _remove(session: Session, record: RosterImport) -> int:
    statement = delete(ENROLMENTS).where(_created(record), ~_acted_ever(), E.updated_at.is_(None))
    return cast("CursorResult[Any]", session.execute(statement)).rowcount


def _number_taken(record: RosterImport) -> ColumnElement[bool]:
    """Return when the old ID number has meanwhile become another entry's."""
    others, replaced = ENROLMENTS.alias("others"), REPLACED.alias("also_replaced")
    goes_back = select(replaced.c.enrolment_id).where(
        replaced.c.import_id == record.id, replaced.c.enrolment_id == others.c.id
    )
    return (
        select(literal(1))
        .where(
            others.c.batch_id == record.batch_id,
            others.c.id != E.id,
            others.c.id_index == R.id_index,
            others.c.import_id.is_distinct_from(record.id),
            ~goes_back.exists(),
        )
        .exists()
    )


def _why_kept(record: RosterImport) -> ColumnElement[str]:
    """Return why a changed entry stays as it is; null where it goes back."""
    return case(
        (_acted_since(record), ACTED),
        (E.updated_at.is_distinct_from(record.applied_at), CHANGED),
        (_number_taken(record), NUMBER_TAKEN),
    )


def _kept_changed(session: Session, record: RosterImport) -> list[tuple[uuid.UUID, str]]:
    why = _why_kept(record)
    query = (
        select(E.id, why)
        .join_from(REPLACED, ENROLMENTS, E.id == R.enrolment_id)
        .where(R.import_id == record.id, why.is_not(None))
        .order_by(E.student_no)
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def _restore(session: Session, record: RosterImport) -> int:
    values = {name: R[name] for name in (*VALUES, "updated_at") if name != "student_no"}
    statement = (
        update(ENROLMENTS)
        .where(R.import_id == record.id, E.id == R.enrolment_id, _why_kept(record).is_(None))
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    return cast("CursorResult[Any]", session.execute(statement)).rowcount
