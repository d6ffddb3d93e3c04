"""An import from the pages: each step is asked for by a clerk and worked by a job.

The states are in `models.roster.RosterImport`. A step is one transaction; a job that dies leaves
the state as it was and is run again from the step's beginning.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping as Pairs
from datetime import UTC, datetime, timedelta

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backoffice.db import uuid7
from backoffice.errors import BackofficeError
from backoffice.imports.error_workbook import error_workbook
from backoffice.imports.errors import (
    ImportInterrupted,
    ImportRunning,
    PreviewOutdated,
    RosterError,
    UndoRefused,
    UploadGone,
)
from backoffice.imports.findings import Finding
from backoffice.imports.limits import Limits
from backoffice.imports.mapping import NOTHING, check_required, field_named, propose_mapping
from backoffice.imports.memory import recall, remember
from backoffice.imports.operations import keep_report, new_record
from backoffice.imports.previewing import Progress, preview, refuse_batch, silent
from backoffice.imports.proposals import Proposal, SheetOffer, propose
from backoffice.imports.reading import Sheet, read_workbook
from backoffice.imports.staging import clear, decided_columns
from backoffice.imports.table import Table, find_table
from backoffice.imports.undoing import undo
from backoffice.imports.writing import take_turn, write
from backoffice.models import Batch, OutboxRow, RosterImport
from backoffice.models.roster import RUNNING, WAITING
from backoffice.models.vocabulary import BatchState
from backoffice.storage import ObjectMissing, Storage, StorageKeyInvalid

QUEUE = "imports"
WORK, FORGET = "roster.import", "roster.forget"
KEPT_HOURS = 24  # how long an upload is kept, for the preview and the error workbook


def start(
    session: Session,
    storage: Storage,
    batch: Batch,
    data: bytes,
    filename: str,
    staff_id: uuid.UUID,
) -> RosterImport:
    """Take an upload in: sealed in the storage, its first step asked for. Flushes.

    Raises RosterNotUsed, BatchArchived, WorkbookTooLarge, ImportRunning.
    """
    refuse_batch(batch)
    limits = Limits()
    if len(data) > limits.file_bytes:
        raise limits.too_large()
    record = new_record(batch, data, filename, staff_id)
    record.storage_key = f"roster-uploads/{record.id.hex}"
    session.add(record)
    _ask(session, record, "reading")
    storage.put(record.storage_key, data)
    _forget_later(session, record.id)
    return record


def choose(session: Session, record: RosterImport, sheet: str, columns: Pairs[str, str]) -> None:
    """Take the clerk's mapping and ask for the preview; remembered for the school. Flushes.

    columns: column word -> field name, blank for none. Raises PreviewOutdated, ImportRunning,
    ColumnMissing, ColumnDuplicated, FieldUnknown.
    """
    if record.state != "mapping" or record.proposal is None:
        raise PreviewOutdated
    offer = next((o for o in Proposal.from_dict(record.proposal).sheets if o.name == sheet), None)
    if offer is None:
        raise PreviewOutdated
    chosen = {c.word: columns.get(c.word, "") for c in offer.columns}
    words = {word: field_named(name) if name else NOTHING for word, name in chosen.items()}
    mapping = propose_mapping([c.heading for c in offer.columns], words)
    check_required(mapping, str(record.batch.roster_mode))
    record.sheet, record.header_row, record.columns = sheet, offer.header_row, words
    remember(session, record.batch.school_id, _worth_remembering(offer, words))
    _ask(session, record, "checking")


def reconsider(session: Session, record: RosterImport) -> None:
    """Give a preview up for other columns of the same file. Flushes. Raises PreviewOutdated."""
    if record.state != "previewed" or record.proposal is None:
        raise PreviewOutdated
    clear(session, record.id)
    record.state = "mapping"
    session.flush()


def _worth_remembering(offer: SheetOffer, words: Pairs[str, str]) -> dict[str, str]:
    """Return what the clerk said that the headings do not say by themselves."""
    return {
        c.heading: words[c.word]
        for c in offer.columns
        if c.heading and not (c.how in ("exact", "synonym") and c.field == words[c.word])
        if c.field or words[c.word] != NOTHING
    }


def confirm(session: Session, record: RosterImport, seen: str) -> None:
    """Ask for the writing of the preview whose `token` is `seen`. Flushes.

    Raises PreviewOutdated, ImportRunning.
    """
    if record.state != "previewed" or seen != token(record):
        raise PreviewOutdated
    _ask(session, record, "applying")


def check_again(session: Session, record: RosterImport) -> None:
    """Ask for a new preview of the same bytes. Raises UploadGone, ImportRunning."""
    if record.storage_key is None or record.state not in ("failed", "previewed"):
        raise UploadGone
    _ask(session, record, "checking" if record.sheet else "reading")


def ask_undo(session: Session, record: RosterImport, staff_id: uuid.UUID) -> None:
    """Ask for an applied import to be taken back. Raises UndoRefused, ImportRunning."""
    if record.state != "applied" or record.batch.state == BatchState.ARCHIVED:
        raise UndoRefused
    record.undone_by = staff_id
    _ask(session, record, "undoing")


def discard(session: Session, storage: Storage, record: RosterImport) -> None:
    """Give up an upload that waits for the clerk. Raises PreviewOutdated."""
    if record.state not in (*WAITING, "failed"):
        raise PreviewOutdated
    _drop_upload(session, storage, record)
    record.state = "discarded"


def token(record: RosterImport) -> str:
    """Return what a confirming form carries: the file's hash and the moment of the preview."""
    seen = record.previewed_at.isoformat() if record.previewed_at else ""
    return hashlib.sha256(record.file_sha256 + seen.encode()).hexdigest()


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


def forget(session: Session, storage: Storage, import_id: uuid.UUID) -> None:
    """Delete an upload and its preview when their time is over."""
    record = session.get_one(RosterImport, import_id, with_for_update=True)
    if record.state in RUNNING:
        _forget_later(session, import_id)
        return
    _drop_upload(session, storage, record)
    if record.state in WAITING:
        record.state = "discarded"


def _read(session: Session, storage: Storage, record: RosterImport, progress: Progress) -> None:
    progress("reading", 0, 0)
    sheets = read_workbook(uploaded(storage, record))
    known = recall(session, record.batch.school_id)
    proposal = propose(sheets, str(record.batch.roster_mode), known)
    record.proposal = proposal.to_dict()  # kept after the preview: the clerk may think again
    if not proposal.sure:
        record.state = "mapping"
        return
    _preview(session, record, sheets, progress)


def _check(session: Session, storage: Storage, record: RosterImport, progress: Progress) -> None:
    progress("reading", 0, 0)
    _preview(session, record, read_workbook(uploaded(storage, record)), progress)


def _preview(
    session: Session, record: RosterImport, sheets: list[Sheet], progress: Progress
) -> None:
    batch = record.batch
    refuse_batch(batch)
    table = _table(session, record, sheets)
    take_turn(session, batch.id)
    keep_report(record, preview(session, record.id, batch, table, progress))
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


def _ask(session: Session, record: RosterImport, state: str) -> None:
    """Put the import into a working state and its job into the outbox; raises ImportRunning."""
    try:
        with session.begin_nested():
            record.state = state
            session.flush()
    except IntegrityError as error:
        if "uq_roster_imports_running" in str(error):
            raise ImportRunning from None
        raise
    session.add(
        OutboxRow(
            effect=WORK,
            queue=QUEUE,
            payload={"import_id": str(record.id)},
            dedupe_key=f"roster/{record.id}/{state}/{uuid7()}",
        )
    )
    session.flush()


def _forget_later(session: Session, import_id: uuid.UUID) -> None:
    due = datetime.now(UTC) + timedelta(hours=KEPT_HOURS)
    session.add(
        OutboxRow(
            effect=FORGET,
            queue=QUEUE,
            payload={"import_id": str(import_id)},
            dedupe_key=f"roster/{import_id}/forget/{uuid7()}",
            available_at=due,
        )
    )
    session.flush()


def _drop_upload(session: Session, storage: Storage, record: RosterImport) -> None:
    clear(session, record.id)
    if record.storage_key:
        storage.delete(record.storage_key)
    record.storage_key, record.proposal = None, None
    session.flush()


def uploaded(storage: Storage, record: RosterImport) -> bytes:
    """Return the uploaded bytes, the very ones of the record. Raises UploadGone."""
    try:
        data = storage.get(record.storage_key or "-")
    except (ObjectMissing, StorageKeyInvalid):
        raise UploadGone from None
    if hashlib.sha256(data).digest() != record.file_sha256:
        raise UploadGone
    return data


def marked_upload(storage: Storage, record: RosterImport, locale: str) -> bytes:
    """Return the clerk's own workbook with the findings marked. Raises UploadGone."""
    findings = [Finding.from_record(found) for found in record.findings]
    return error_workbook(uploaded(storage, record), record.sheet or "", findings, locale)
