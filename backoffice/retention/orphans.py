"""Files nobody points to: a crash between writing a file and committing its row leaves one."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import islice

from sqlalchemy import select, union_all
from sqlalchemy.orm import InstrumentedAttribute, Session

from backoffice.models import BatchJob, ListExport, Photo, PhotoUpload, RosterImport
from backoffice.storage import Storage

# Long after any request or job that was still writing has ended.
GRACE = timedelta(days=1)
AT_ONCE = 500
Named = Callable[[Session, list[str]], Iterable[str]]


def purge_orphans(session: Session, storage: Storage, now: datetime | None = None) -> int:
    """Delete files older than GRACE that no row names; return how many. Writes no row.

    The rows are asked after a file was seen, so one that was committed meanwhile is kept.
    """
    before = (now or datetime.now(UTC)) - GRACE
    count = 0
    for folder, named in OWNERS.items():
        keys = storage.keys(folder, before)
        while some := list(islice(keys, AT_ONCE)):
            for key in set(some).difference(named(session, some)):
                storage.delete(key)
                count += 1
            session.rollback()  # no transaction stays open while files are listed
    return count


def _in_columns(*columns: InstrumentedAttribute[str] | InstrumentedAttribute[str | None]) -> Named:
    """Return a question for rows that hold a key in one of the columns."""

    def named(session: Session, keys: list[str]) -> Iterable[str]:
        held = [select(column).where(column.in_(keys)) for column in columns]
        return [key for key in session.scalars(union_all(*held)) if key]

    return named


def _parts_of_uploads(session: Session, keys: list[str]) -> Iterable[str]:
    """A part `uploads/{id}/{offset}` belongs to the upload, also one that is being written."""
    ids: dict[str, uuid.UUID] = {}
    for key in keys:
        with suppress(ValueError):
            ids[key] = uuid.UUID(key.split("/")[1])
    known = set(session.scalars(select(PhotoUpload.id).where(PhotoUpload.id.in_(ids.values()))))
    return [key for key, upload_id in ids.items() if upload_id in known]


# Folders of the storage whose files belong to rows.
OWNERS: dict[str, Named] = {
    "photos": _in_columns(Photo.original_key, Photo.result_key),
    "uploads": _parts_of_uploads,
    "roster-uploads": _in_columns(RosterImport.storage_key),
    "batches": _in_columns(BatchJob.storage_key),
    "exports": _in_columns(ListExport.storage_key),
}
