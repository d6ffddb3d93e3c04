"""Importing a roster in one go, as the commands do: the way through, in order."""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Mapping as Pairs
from datetime import UTC, datetime
from pathlib import Path, PurePath

from sqlalchemy.orm import Session

from backoffice.db import uuid7
from backoffice.imports.checking import checkers_for
from backoffice.imports.error_workbook import error_workbook
from backoffice.imports.limits import Limits
from backoffice.imports.memory import recall
from backoffice.imports.previewing import Progress, preview, refuse_batch, silent
from backoffice.imports.reading import read_workbook
from backoffice.imports.report import ImportReport
from backoffice.imports.staging import clear, decided_columns
from backoffice.imports.table import find_table
from backoffice.imports.writing import take_turn, write
from backoffice.models import Batch, RosterImport

MAX_KEPT_FINDINGS = 10_000  # more than anybody reads; the error workbook of the command has all
FILE_NAME_LIMIT = 200


def import_roster(
    session: Session,
    batch: Batch,
    data: bytes,
    filename: str,
    *,
    mapping_overrides: Pairs[str, str] | None = None,
    dry_run: bool = False,
    actor: uuid.UUID | None = None,
    errors_out: Path | None = None,
    sheet: str | None = None,
    locale: str = "zh",
    limits: Limits | None = None,
    progress: Progress = silent,
) -> ImportReport:
    """Import a roster file into `batch` and return what happened; flushes, never commits.

    Good rows go in, rejected ones stay out; rows = new + changed + same + rejected. Importing the
    same file again changes nothing. With `dry_run` nothing is written. mapping_overrides: column
    (heading or letter) -> field. actor: the staff member's id. errors_out: where to write the
    clerk's workbook with the findings marked, if there are any. progress: see `previewing`.
    Raises WorkbookError (the file cannot be read) or another RosterError; nothing is written then.
    """
    started = time.monotonic()
    refuse_batch(batch)
    progress("reading", 0, 0)
    import_id, mode = uuid7(), str(batch.roster_mode)
    with checkers_for(len(data)) as checkers:
        sheets, known = read_workbook(data, limits), recall(session, batch.school_id)
        table = find_table(sheets, mode, mapping_overrides, sheet, known)
        take_turn(session, batch.id)
        report = preview(session, import_id, batch, table, progress, checkers)
    if dry_run:
        clear(session, import_id)
    else:
        progress("writing", 0, report.new + report.changed)
        record = new_record(batch, data, filename, actor, import_id)
        keep_report(record, report)
        record.decided = decided_columns(table.mapping.columns, mode)
        record.state, record.applied_at = "applied", datetime.now(UTC)
        session.add(record)
        session.flush()
        write(session, record, record.decided, record.applied_at)
        report.applied, report.import_id = True, record.id
    if errors_out is not None and report.findings:
        errors_out.parent.mkdir(parents=True, exist_ok=True)
        errors_out.write_bytes(error_workbook(data, table.sheet, report.findings, locale, limits))
    report.seconds = time.monotonic() - started
    return report


def new_record(
    batch: Batch,
    data: bytes,
    filename: str,
    actor: uuid.UUID | None,
    import_id: uuid.UUID | None = None,
) -> RosterImport:
    """Return the record of an uploaded file, before anything is known about its rows."""
    return RosterImport(
        id=import_id or uuid7(),
        batch_id=batch.id,
        staff_id=actor,
        file_name=PurePath(filename.replace("\\", "/")).name[-FILE_NAME_LIMIT:] or "-",
        file_sha256=hashlib.sha256(data).digest(),
        file_bytes=len(data),
        mapping={},
        state="reading",
        row_count=0,
        new_count=0,
        changed_count=0,
        same_count=0,
        rejected_count=0,
        findings=[],
    )


def keep_report(record: RosterImport, report: ImportReport) -> None:
    """Write into the record what a preview found: codes and places, no personal data."""
    record.sheet, record.header_row = report.sheet, report.header_row
    record.mapping = report.mapping
    record.row_count, record.new_count = report.rows, report.new
    record.changed_count, record.same_count = report.changed, report.same
    record.rejected_count, record.missing_count = report.rejected, report.not_in_file
    record.findings = [found.to_record() for found in report.findings[:MAX_KEPT_FINDINGS]]
    record.finding_count = len(report.findings)
    record.previewed_at = datetime.now(UTC)
