"""The rows behind an import's page: what is new, what changes from what to what, what is missing."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from backoffice.admin.labels import word
from backoffice.admin.language import say
from backoffice.i18n import Text
from backoffice.identity.documents import ID_TYPE_LABELS, IdType
from backoffice.imports.fields import BY_NAME
from backoffice.models import Enrolment, RosterImport
from backoffice.models.roster import MissingRow, StagedRow

PER_PAGE = 50
HIDDEN = "•"
# Columns that say the same as another one that differs with them.
SAME_AS = {"name_masked": "name_index", "id_masked": "id_index"}
SHOWN_AS = {
    "name_index": "name",
    "name_masked": "name_masked",
    "id_index": "id_number",
    "id_masked": "id_number",
    "phone_index": "phone",
    "id_last4_indexes": "id_last4",
}
COVERED = frozenset({"id_number", "phone"})  # only what differs is shown of these


@dataclass(frozen=True)
class Difference:
    """One cell: the column's title, and the words before and after."""

    title: str
    old: str
    new: str


@dataclass(frozen=True)
class ChangedLine:
    """One student whose entry would change."""

    row: int
    entry: Enrolment
    differences: list[Difference]


def changed_lines(session: Session, record: RosterImport, page: int) -> list[ChangedLine]:
    """Return one page of the rows that change an entry, with old and new values."""
    query = (
        select(StagedRow, Enrolment)
        .join(Enrolment, Enrolment.id == StagedRow.enrolment_id)
        .where(StagedRow.import_id == record.id, StagedRow.columns.is_not(None))
        .order_by(StagedRow.row)
    )
    rows = session.execute(query.offset(page * PER_PAGE).limit(PER_PAGE)).all()
    return [ChangedLine(s.row, e, _differences(e, s, s.columns or [])) for s, e in rows]


def new_lines(session: Session, record: RosterImport, page: int) -> Sequence[StagedRow]:
    """Return one page of the rows that become new entries."""
    query = (
        select(StagedRow)
        .where(StagedRow.import_id == record.id, StagedRow.columns.is_(None))
        .order_by(StagedRow.row)
    )
    return session.scalars(query.offset(page * PER_PAGE).limit(PER_PAGE)).all()


def missing_lines(session: Session, record: RosterImport, page: int) -> Sequence[Enrolment]:
    """Return one page of the entries the file does not name."""
    query = (
        select(Enrolment)
        .join(MissingRow, MissingRow.enrolment_id == Enrolment.id)
        .where(MissingRow.import_id == record.id)
        .order_by(Enrolment.student_no)
    )
    return session.scalars(query.offset(page * PER_PAGE).limit(PER_PAGE)).all()


def kept_lines(
    session: Session, record: RosterImport, page: int
) -> list[tuple[Enrolment | None, str]]:
    """Return one page of what an undo kept: the entry and the reason's code."""
    part = record.kept[page * PER_PAGE : (page + 1) * PER_PAGE]
    ids = [uuid.UUID(item["id"]) for item in part]
    entries = {e.id: e for e in session.scalars(select(Enrolment).where(Enrolment.id.in_(ids)))}
    return [(entries.get(uuid.UUID(item["id"])), item["reason"]) for item in part]


def _differences(old: Enrolment, new: StagedRow, columns: Sequence[str]) -> list[Difference]:
    found = []
    for column in columns:
        if SAME_AS.get(column) in columns:
            continue
        if column == "details":
            found += _details(old.details, new.details)
            continue
        name = SHOWN_AS.get(column, column)
        before, after = _words(name, getattr(old, name)), _words(name, getattr(new, name))
        if name in COVERED:
            before, after = uncover(before, after)
        title = BY_NAME[name].title if name in BY_NAME else Text(name, name)
        found.append(Difference(say(title), before, after))
    return found


def _details(old: dict[str, Any], new: dict[str, Any]) -> list[Difference]:
    return [
        Difference(say(BY_NAME[name].title), old.get(name) or "—", new[name] or "—")
        for name in new
        if (old.get(name) or None) != new[name]
    ]


def _words(name: str, value: Any) -> str:
    if value is None or value == "":
        return "—"
    if name == "gender":
        return word("gender", value)
    if name == "id_type":
        return say(ID_TYPE_LABELS[IdType(value)])
    return str(value)


def uncover(old: str, new: str) -> tuple[str, str]:
    """Return two numbers with everything hidden that they have in common.

    What differs is what has to be checked; the rest of the number is nobody's business here.
    """
    if len(old) != len(new):
        return tuple(HIDDEN * max(0, len(t) - 4) + t[-4:] for t in (old, new))  # type: ignore[return-value]
    pairs = list(zip(old, new, strict=True))
    return (
        "".join(a if a != b else HIDDEN for a, b in pairs),
        "".join(b if a != b else HIDDEN for a, b in pairs),
    )
