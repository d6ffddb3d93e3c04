"""An import from the pages: each step is asked for by a clerk and worked by a job (`working`).

The states are in `models.roster.RosterImport`. A step is one transaction; a job that dies leaves
the state as it was and is run again from the step's beginning.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping as Pairs

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backoffice.db import uuid7
from backoffice.imports.errors import ImportRunning, PreviewOutdated, UndoRefused, UploadGone
from backoffice.imports.limits import Limits
from backoffice.imports.mapping import NOTHING, check_required, field_named, propose_mapping
from backoffice.imports.memory import remember
from backoffice.imports.operations import new_record
from backoffice.imports.previewing import refuse_batch
from backoffice.imports.proposals import Proposal, SheetOffer
from backoffice.imports.staging import clear
from backoffice.imports.uploads import QUEUE, drop_upload, forget_later
from backoffice.models import Batch, OutboxRow, RosterImport
from backoffice.models.roster import WAITING, RosterProgress
from backoffice.models.vocabulary import BatchState
from backoffice.storage import Storage

WORK = "roster.import"


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
    forget_later(session, record.id)
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
    drop_upload(session, storage, record)
    record.state = "discarded"


def token(record: RosterImport) -> str:
    """Return what a confirming form carries: the file's hash and the moment of the preview."""
    seen = record.previewed_at.isoformat() if record.previewed_at else ""
    return hashlib.sha256(record.file_sha256 + seen.encode()).hexdigest()


def _ask(session: Session, record: RosterImport, state: str) -> None:
    """Put the import into a working state and its job into the outbox; raises ImportRunning.

    How far the step before it came is forgotten: until the job begins, this one waits.
    """
    try:
        with session.begin_nested():
            record.state = state
            session.flush()
    except IntegrityError as error:
        if "uq_roster_imports_running" in str(error):
            raise ImportRunning from None
        raise
    session.execute(delete(RosterProgress).where(RosterProgress.import_id == record.id))
    session.add(
        OutboxRow(
            effect=WORK,
            queue=QUEUE,
            payload={"import_id": str(record.id)},
            dedupe_key=f"roster/{record.id}/{state}/{uuid7()}",
        )
    )
    session.flush()
