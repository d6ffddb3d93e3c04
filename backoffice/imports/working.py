"""Working the step an import waits for: one transaction, run again from its beginning if it dies."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from backoffice.errors import BackofficeError
from backoffice.imports.checking import Checker, checkers_for
from backoffice.imports.errors import ImportInterrupted, ImportRunning, RosterError
from backoffice.imports.memory import recall
from backoffice.imports.operations import keep_report
from backoffice.imports.previewing import Progress, preview, refuse_batch, silent
from backoffice.imports.proposals import propose
from backoffice.imports.reading import Sheet, read_workbook
from backoffice.imports.staging import decided_columns
from backoffice.imports.table import Table, find_table
from backoffice.imports.undoing import undo
from backoffice.imports.uploads import uploaded
from backoffice.imports.writing import take_turn, write
from backoffice.models import RosterImport
from backoffice.models.roster import RUNNING
from backoffice.storage import Storage


def work(
    session: Session, storage: Storage, import_id: uuid.UUID, progress: Progress = silent
) -> None:
    """Work the step an import waits for; nothing when it waits for none. The caller commits.

    What the clerk can put right ends in the state `failed` with its words. Everything else is
    raised, and the step runs again.
    """
    record = session.get_one(RosterImport, import_id, populate_existing=True)
    step = STEPS.get(record.state)
    if step is None:
        return
    try:
        with session.begin_nested():
            step(session, storage, record, progress)
    except ImportRunning:
        raise  # a command is at it: later
    except RosterError as error:
        session.refresh(record)
        fail(record, error)


def fail(record: RosterImport, error: BackofficeError) -> None:
    """Note why a step came to nothing; an undo that failed leaves the import applied."""
    record.error = {"code": error.code, "zh": error.text("zh"), "en": error.text("en")}
    record.state = "applied" if record.state == "undoing" else "failed"


def interrupted(session: Session, import_id: uuid.UUID) -> None:
    """End an import whose step cannot be worked."""
    record = session.get_one(RosterImport, import_id, populate_existing=True)
    if record.state in RUNNING:
        fail(record, ImportInterrupted())


def _read(session: Session, storage: Storage, record: RosterImport, progress: Progress) -> None:
    progress("reading", 0, 0)
    with checkers_for(record.file_bytes) as checkers:
        sheets = read_workbook(uploaded(storage, record))
        known = recall(session, record.batch.school_id)
        proposal = propose(sheets, str(record.batch.roster_mode), known)
        record.proposal = proposal.to_dict()  # kept after the preview: the clerk may think again
        if not proposal.sure:
            record.state = "mapping"
            return
        _preview(session, record, sheets, progress, checkers)


def _check(session: Session, storage: Storage, record: RosterImport, progress: Progress) -> None:
    progress("reading", 0, 0)
    with checkers_for(record.file_bytes) as checkers:
        _preview(session, record, read_workbook(uploaded(storage, record)), progress, checkers)


def _preview(
    session: Session,
    record: RosterImport,
    sheets: list[Sheet],
    progress: Progress,
    checkers: Sequence[Checker],
) -> None:
    batch = record.batch
    refuse_batch(batch)
    table = _table(session, record, sheets)
    take_turn(session, batch.id)
    keep_report(record, preview(session, record.id, batch, table, progress, checkers))
    record.decided = decided_columns(table.mapping.columns, str(batch.roster_mode))
    record.state, record.error = "previewed", None


def _table(session: Session, record: RosterImport, sheets: list[Sheet]) -> Table:
    mode, known = str(record.batch.roster_mode), recall(session, record.batch.school_id)
    return find_table(sheets, mode, record.columns, record.sheet, known, record.header_row)


def _apply(session: Session, storage: Storage, record: RosterImport, progress: Progress) -> None:
    progress("writing", 0, record.new_count + record.changed_count)
    refuse_batch(record.batch)
    take_turn(session, record.batch_id)
    now = datetime.now(UTC)
    write(session, record, record.decided, now)
    record.state, record.applied_at, record.error, record.proposal = "applied", now, None, None
    session.flush()


def _undo(session: Session, storage: Storage, record: RosterImport, progress: Progress) -> None:
    progress("undoing", 0, 0)
    take_turn(session, record.batch_id)
    undo(session, record)
    record.state, record.undone_at, record.error = "undone", datetime.now(UTC), None


STEPS = {"reading": _read, "checking": _check, "applying": _apply, "undoing": _undo}
