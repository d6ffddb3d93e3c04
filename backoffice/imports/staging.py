"""The staging table: which of its columns count, filling it, emptying it."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable
from typing import Any, cast

from psycopg import Connection, sql
from sqlalchemy import ColumnElement, Table, and_, delete, func, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from backoffice.imports.staged_rows import COLUMNS, HEAD, OWN_TEXTS, TAIL
from backoffice.models import Enrolment
from backoffice.models.roster import MissingRow, StagedRow

ENROLMENTS = cast(Table, Enrolment.__table__)
STAGED = cast(Table, StagedRow.__table__)
MISSING = cast(Table, MissingRow.__table__)
E, S = ENROLMENTS.c, STAGED.c

# What says who an enrolment is: not for an import to change once a student has claimed it.
IDENTITY = ("name_masked", "name_index", "id_type", "id_index", "id_masked", "id_last4_indexes")
# Sealed columns differ at every sealing; their blind index or mask is compared instead.
SEALED = ("name", "id_number", "id_last4", "phone")


def decided_columns(columns: Collection[str], roster_mode: str) -> list[str]:
    """Return the enrolment columns a file with these fields decides.

    A column the file lacks is not decided: the enrolment keeps what it has.
    """
    decided = ["name_masked", "id_last4", "id_last4_indexes"]
    if roster_mode == "full":
        decided += ["name", "name_index", "id_type", "id_number", "id_masked", "id_index"]
        decided += [name for name in ("gender", "birth_date") if name in columns]
        decided += ["phone", "phone_index"] if "phone" in columns else []
    return [*decided, *(name for name in OWN_TEXTS if name in columns), "details"]


def differences(decided: Collection[str]) -> dict[str, ColumnElement[bool]]:
    """Return, for each decided column that can be compared, when staged and kept row differ."""
    compared = [name for name in decided if name not in (*SEALED, "details")]
    found: dict[str, ColumnElement[bool]] = {n: E[n].is_distinct_from(S[n]) for n in compared}
    return {**found, "details": E.details != merged_details()}


def merged_details() -> ColumnElement[Any]:
    """Return the details after the import: the file's over the old, blank ones gone."""
    return func.jsonb_strip_nulls(E.details.op("||", return_type=JSONB())(S.details))


def matching(import_id: uuid.UUID, batch_id: uuid.UUID) -> ColumnElement[bool]:
    """Return when an enrolment of the batch and a staged row are the same student."""
    return and_(
        S.import_id == import_id,
        E.batch_id == batch_id,
        func.upper(E.student_no) == S.student_key,
    )


def taken_numbers(import_id: uuid.UUID, batch_id: uuid.UUID) -> ColumnElement[bool]:
    """Return when a staged row has the ID of an enrolment that the file leaves alone."""
    owners = STAGED.alias("owners")
    renewed = select(owners.c.row).where(
        owners.c.import_id == import_id, owners.c.student_key == func.upper(E.student_no)
    )
    return and_(
        S.import_id == import_id,
        E.batch_id == batch_id,
        E.id_index == S.id_index,
        func.upper(E.student_no) != S.student_key,
        ~renewed.correlate(ENROLMENTS).exists(),
    )


def missing_from(import_id: uuid.UUID, batch_id: uuid.UUID) -> ColumnElement[bool]:
    """Return when an enrolment of the batch has no staged row."""
    named = select(S.row).where(S.import_id == import_id, S.student_key == func.upper(E.student_no))
    return and_(E.batch_id == batch_id, ~named.correlate(ENROLMENTS).exists())


def fill(session: Session, parts: Iterable[Iterable[bytes]]) -> None:
    """Copy lines (see `staged_rows`) into the staging table."""
    connection: Any = session.connection().connection.driver_connection
    assert isinstance(connection, Connection)
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
        sql.Identifier(STAGED.name), sql.SQL(", ").join(map(sql.Identifier, COLUMNS))
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(HEAD)
        for lines in parts:
            copy.write(b"".join(lines))
        copy.write(TAIL)


def clear(session: Session, import_id: uuid.UUID) -> None:
    """Forget the staged rows of an import, and what it found missing."""
    session.execute(delete(STAGED).where(S.import_id == import_id))
    session.execute(delete(MISSING).where(MISSING.c.import_id == import_id))
