"""What one import's page shows: its state, and one page of one of its lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from backoffice.admin import import_rows
from backoffice.admin.import_rows import PER_PAGE
from backoffice.batches.jobs import JobLine, recent_jobs
from backoffice.imports import steps
from backoffice.imports.fields import FIELDS, Field
from backoffice.imports.findings import Finding
from backoffice.imports.mapping import REQUIRED
from backoffice.imports.progress import Progress, progress_of
from backoffice.imports.proposals import Proposal
from backoffice.models import RosterImport
from backoffice.models.batch_life import BatchJobKind
from backoffice.models.roster import RUNNING


@dataclass
class ImportPage:
    """`parts`: (name, rows) of the lists there are; `part` the open one, with its `lines`."""

    running: bool
    token: str
    progress: Progress | None = None
    proposal: Proposal | None = None
    fields: Sequence[Field] = ()
    required: frozenset[str] = frozenset()
    parts: list[tuple[str, int]] = field(default_factory=list)
    part: str = ""
    number: int = 0
    lines: Any = ()
    headings: Sequence[str] = ()
    unused: Sequence[str] = ()
    files: Sequence[JobLine] = ()

    @property
    def pages(self) -> int:
        """How many pages the open list has."""
        return -(-dict(self.parts).get(self.part, 0) // PER_PAGE)


def page_of(session: Session, row: RosterImport, arguments: Mapping[str, str]) -> ImportPage:
    """Return what to show of `row`; arguments: `part` and `page` of the address."""
    page = ImportPage(running=row.state in RUNNING, token=steps.token(row))
    page.headings = [row.mapping[item.name] for item in FIELDS if item.name in row.mapping]
    if page.running:
        page.progress = progress_of(session, row.id)
    elif row.state == "mapping" and row.proposal:
        mode = str(row.batch.roster_mode)
        page.proposal = Proposal.from_dict(row.proposal)
        page.fields = FIELDS
        page.required = frozenset(group[0] for group in REQUIRED[mode])
    else:
        _open_list(session, row, arguments, page)
        page.unused = _unused(row)
        kinds, of_import = [BatchJobKind.ROSTER_ERRORS], {"import": str(row.id)}
        page.files = recent_jobs(session, row.batch_id, kinds, of_import, limit=1)
    return page


def _unused(row: RosterImport) -> list[str]:
    """Return the headings of a previewed file that nothing is taken from."""
    if row.state != "previewed" or row.proposal is None:
        return []
    sheets = Proposal.from_dict(row.proposal).sheets
    headings = [c.heading for sheet in sheets if sheet.name == row.sheet for c in sheet.columns]
    used = {" ".join(heading.split()) for heading in row.mapping.values()}
    return [heading for heading in headings if heading and heading not in used]


def _open_list(
    session: Session, row: RosterImport, arguments: Mapping[str, str], page: ImportPage
) -> None:
    page.parts = [(name, count) for name, count in _lists(row) if count]
    names = [name for name, _ in page.parts]
    wanted = arguments.get("part", "")
    page.part = wanted if wanted in names else next(iter(names), "")
    number = arguments.get("page", "0")
    page.number = min(int(number) if number.isdecimal() else 0, max(0, page.pages - 1))
    page.lines = _lines(session, row, page)


def _lists(row: RosterImport) -> list[tuple[str, int]]:
    kept = [("kept", len(row.kept)), ("findings", len(row.findings))]
    if row.state != "previewed":
        return kept
    return [
        ("changed", row.changed_count),
        ("findings", len(row.findings)),
        ("missing", row.missing_count),
        ("new", row.new_count),
    ]


def _lines(session: Session, row: RosterImport, page: ImportPage) -> Any:
    if page.part == "findings":
        start = page.number * PER_PAGE
        return [Finding.from_record(found) for found in row.findings[start : start + PER_PAGE]]
    reader = {
        "changed": import_rows.changed_lines,
        "new": import_rows.new_lines,
        "missing": import_rows.missing_lines,
        "kept": import_rows.kept_lines,
    }.get(page.part)
    return reader(session, row, page.number) if reader else ()
