"""Importing a roster: the way through, in order."""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Callable
from collections.abc import Mapping as Pairs
from datetime import UTC, datetime
from pathlib import Path, PurePath

from sqlalchemy.orm import Session

from backoffice.imports.apply import load_existing, take_turn, write
from backoffice.imports.diff import Diff, compare
from backoffice.imports.error_workbook import error_workbook
from backoffice.imports.errors import BatchArchived, RosterNotUsed
from backoffice.imports.limits import Limits
from backoffice.imports.reading import read_workbook
from backoffice.imports.report import ImportReport
from backoffice.imports.rows import CheckedRows, check_rows
from backoffice.imports.table import Table, find_table
from backoffice.models import Batch, RosterImport
from backoffice.models.vocabulary import BatchState, RosterMode

MAX_KEPT_FINDINGS = 10_000  # more than anybody reads; the error workbook has them all
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
    progress: Callable[[int], None] | None = None,
) -> ImportReport:
    """Import a roster file into `batch` and return what happened; flushes, never commits.

    Good rows go in, rejected ones stay out; rows = new + changed + same + rejected. Importing the
    same file again changes nothing. With `dry_run` nothing is written. mapping_overrides: column
    (heading or letter) -> field. actor: the staff member's id. errors_out: where to write the
    clerk's workbook with the findings marked, if there are any. progress: rows checked so far.
    Raises WorkbookError (the file cannot be read) or another RosterError; nothing is written then.
    """
    started = time.monotonic()
    _refuse_batch(batch)
    mode = str(batch.roster_mode)
    table = find_table(read_workbook(data, limits), mode, mapping_overrides, sheet)
    checked = check_rows(table, mode, school_code=batch.school.code, progress=progress)
    take_turn(session, batch.id)
    existing = load_existing(session, batch.id)
    diff = compare(checked.accepted, existing, batch.id, table, mode)
    report = _report(table, checked, diff)
    if not dry_run:
        record = _record(session, batch, data, filename, report, actor)
        write(session, diff, batch.id, record.id, datetime.now(UTC))
        report.applied, report.import_id = True, record.id
    if errors_out is not None and report.findings:
        errors_out.parent.mkdir(parents=True, exist_ok=True)
        errors_out.write_bytes(error_workbook(data, table, report.findings, locale, limits))
    report.seconds = time.monotonic() - started
    return report


def _refuse_batch(batch: Batch) -> None:
    if batch.roster_mode == RosterMode.NONE:
        raise RosterNotUsed
    if batch.state == BatchState.ARCHIVED:
        raise BatchArchived


def _report(table: Table, checked: CheckedRows, diff: Diff) -> ImportReport:
    refused = {found.row for found in diff.findings}
    return ImportReport(
        rows=checked.data_rows,
        new=len(diff.new),
        changed=len(diff.changed),
        same=diff.same,
        rejected=checked.rejected + len(refused),
        applied=False,
        seconds=0.0,
        sheet=table.sheet,
        header_row=table.header_row,
        mapping=table.mapping.to_dict(),
        findings=sorted(
            checked.findings + diff.findings, key=lambda found: (found.row, found.position or 0)
        ),
        skipped=list(table.skipped),
        not_in_file=diff.not_in_file,
    )


def _record(
    session: Session,
    batch: Batch,
    data: bytes,
    filename: str,
    report: ImportReport,
    actor: uuid.UUID | None,
) -> RosterImport:
    """Keep who imported what and what it did: codes and places, no personal data."""
    record = RosterImport(
        batch_id=batch.id,
        staff_id=actor,
        file_name=PurePath(filename.replace("\\", "/")).name[-FILE_NAME_LIMIT:] or "-",
        file_sha256=hashlib.sha256(data).digest(),
        file_bytes=len(data),
        mapping=report.mapping,
        state="applied",
        row_count=report.rows,
        new_count=report.new,
        changed_count=report.changed,
        same_count=report.same,
        rejected_count=report.rejected,
        findings=[found.to_record() for found in report.findings[:MAX_KEPT_FINDINGS]],
        applied_at=datetime.now(UTC),
    )
    session.add(record)
    session.flush()
    return record
