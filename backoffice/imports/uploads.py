"""The uploaded file of an import: kept sealed for a day, for the preview and the marked workbook."""

from __future__ import annotations

import hashlib
import uuid
from datetime import UTC, datetime, timedelta

from sqlalchemy.orm import Session

from backoffice.db import uuid7
from backoffice.imports.error_workbook import error_workbook
from backoffice.imports.errors import UploadGone
from backoffice.imports.findings import Finding
from backoffice.imports.staging import clear
from backoffice.models import OutboxRow, RosterImport
from backoffice.models.roster import RUNNING, WAITING
from backoffice.storage import ObjectMissing, Storage, StorageKeyInvalid

QUEUE, FORGET = "imports", "roster.forget"
KEPT_HOURS = 24


def drop_upload(session: Session, storage: Storage, record: RosterImport) -> None:
    """Delete the file and what was read out of it, but not what was imported. Flushes."""
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


def forget(session: Session, storage: Storage, import_id: uuid.UUID) -> None:
    """Delete an upload and its preview when their time is over."""
    record = session.get_one(RosterImport, import_id, with_for_update=True)
    if record.state in RUNNING:
        forget_later(session, import_id)
        return
    drop_upload(session, storage, record)
    if record.state in WAITING:
        record.state = "discarded"


def forget_later(session: Session, import_id: uuid.UUID) -> None:
    """Ask for the upload to be deleted when its time is over. Flushes."""
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
