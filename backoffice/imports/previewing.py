"""From a table to its preview: rows judged and staged, compared with the batch, counted."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence

from sqlalchemy import ColumnElement, and_
from sqlalchemy.orm import Session

from backoffice.identity.documents import china_today
from backoffice.imports.checking import Checker, prepared_parts
from backoffice.imports.comparing import Comparison, compare
from backoffice.imports.errors import BatchArchived, RosterNotUsed
from backoffice.imports.file_rules import FileRules
from backoffice.imports.findings import Finding, Severity
from backoffice.imports.preparing import Plan
from backoffice.imports.report import ImportReport
from backoffice.imports.staging import clear, decided_columns, fill
from backoffice.imports.table import Table
from backoffice.models import Batch
from backoffice.models.vocabulary import BatchState, RosterMode

# (stage, rows done, rows in all): reading, checking, comparing, writing, undoing.
Progress = Callable[[str, int, int], None]


def silent(stage: str, done: int, total: int) -> None:
    """Report progress to nobody."""


def refuse_batch(batch: Batch) -> None:
    """Raise RosterNotUsed or BatchArchived for a batch that takes no roster."""
    if batch.roster_mode == RosterMode.NONE:
        raise RosterNotUsed
    if batch.state == BatchState.ARCHIVED:
        raise BatchArchived


def takes_roster() -> ColumnElement[bool]:
    """Return when a batch is none of those `refuse_batch` refuses."""
    return and_(Batch.roster_mode != RosterMode.NONE, Batch.state != BatchState.ARCHIVED)


def preview(
    session: Session,
    import_id: uuid.UUID,
    batch: Batch,
    table: Table,
    progress: Progress = silent,
    checkers: Sequence[Checker] = (),
) -> ImportReport:
    """Stage the table's good rows under `import_id` and return what importing them would do.

    What an earlier preview of the same import staged is forgotten. checkers: processes that help,
    see `checking`. Flushes.
    """
    clear(session, import_id)
    mode, rules = str(batch.roster_mode), FileRules(table, str(batch.roster_mode))
    plan = Plan(
        import_id=import_id,
        batch_id=batch.id,
        roster_mode=mode,
        school_code=batch.school.code,
        mapping=table.mapping,
        header_row=table.header_row,
        today=china_today(),
    )

    def staged() -> Iterator[list[bytes]]:
        total = len(table.below)
        progress("checking", 0, total)
        for part in prepared_parts(table, plan, checkers):
            yield rules.take(part)
            progress("checking", min(rules.data_rows + len(rules.skipped), total), total)

    fill(session, staged())
    rules.finish()
    progress("comparing", 0, rules.data_rows)
    decided = decided_columns(table.mapping.columns, mode)
    found = compare(session, import_id, batch, decided, set(rules.rejected.values()))
    return _report(table, rules, found)


def in_reading_order(found: Finding) -> tuple[bool, int, int]:
    """Sort what keeps rows out before mere warnings: of thousands it must not be the last page."""
    return found.severity != "error", found.row, found.position or 0


def _report(table: Table, rules: FileRules, found: Comparison) -> ImportReport:
    def at(row: int, name: str, code: str, **params: str) -> Finding:
        column = table.mapping.columns[name]
        severity: Severity = "warning" if params else "error"
        return Finding(row, table.mapping.heading(name), code, severity, column, params)

    findings = list(rules.findings)
    findings += [at(row, name, code) for row, (name, code) in found.refused.items()]
    findings += [at(row, "student_no", "in_other_batch", batch=name) for row, name in found.warned]
    return ImportReport(
        rows=rules.data_rows,
        new=found.new,
        changed=found.changed,
        same=found.same,
        rejected=len(rules.rejected) + len(found.refused),
        applied=False,
        seconds=0.0,
        sheet=table.sheet,
        header_row=table.header_row,
        mapping=table.mapping.to_dict(),
        findings=sorted(findings, key=in_reading_order),
        skipped=rules.skipped,
        not_in_file=found.missing,
    )
