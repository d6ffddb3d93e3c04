"""Comparing a checked roster with the enrolments a batch already has; no database in here."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from backoffice.blind_indexes import id_number_index, last4_index, name_index, phone_index
from backoffice.imports.findings import Finding
from backoffice.imports.rows import DATE_FIELDS, TEXT_FIELDS, RosterRow
from backoffice.imports.table import Table

Values = dict[str, Any]

# Sealed columns differ at every sealing; their blind index or mask is compared instead.
SEALED = frozenset({"name", "id_number", "id_last4", "phone"})
IDENTITY = ("name_masked", "name_index", "id_type", "id_index", "id_masked", "id_last4_indexes")
IN_DETAILS = ("study_kind", *DATE_FIELDS)
COMPARED = (
    *IDENTITY,
    "gender",
    "birth_date",
    "phone_index",
    *(name for name in TEXT_FIELDS if name not in IN_DETAILS),
    "details",
)


@dataclass(frozen=True, repr=False)  # personal data stays out of tracebacks
class Existing:
    """An enrolment of the batch as far as it is compared: the columns of COMPARED."""

    id: uuid.UUID
    student_no: str
    claimed: bool
    values: Values


@dataclass(frozen=True, repr=False)  # personal data stays out of tracebacks
class Change:
    """A row that alters an enrolment: what to write, and the names of the columns that differ."""

    row: RosterRow
    existing: Existing
    values: Values
    columns: tuple[str, ...]

    @property
    def touches_identity(self) -> bool:
        """True if the name or the ID differ: not allowed once a student has claimed the entry."""
        return any(name in IDENTITY for name in self.columns)


@dataclass(repr=False)
class Diff:
    """What an import would do. rows = new + changed + same + rejected, always."""

    new: list[tuple[RosterRow, Values]] = field(default_factory=list)
    changed: list[Change] = field(default_factory=list)
    same: int = 0
    findings: list[Finding] = field(default_factory=list)
    not_in_file: int = 0


def enrolment_values(row: RosterRow, batch_id: uuid.UUID, table: Table, roster_mode: str) -> Values:
    """Return the enrolment columns a row decides. A column the file lacks is not decided."""
    columns = table.mapping.columns
    values: Values = {
        "name_masked": row.name_masked,
        "id_last4": row.id_last4,
        "id_last4_indexes": [last4_index(batch_id, text) for text in row.id_last4_variants],
    }
    if roster_mode == "full":
        values |= _full_values(row, columns)
    for name in TEXT_FIELDS:
        if name in columns and name not in IN_DETAILS:
            values[name] = row.texts[name]
    values["details"] = _details(row)
    return values


def _full_values(row: RosterRow, columns: Mapping[str, int]) -> Values:
    document, name = row.document, row.name
    if document is None or name is None:
        raise ValueError("a full roster row has a name and a document")
    values: Values = {
        "name": name,
        "name_index": name_index(name),
        "id_type": document.id_type.value,
        "id_number": document.number,
        "id_masked": row.id_masked,
        "id_index": id_number_index(document.match_key),
    }
    if "gender" in columns:
        values["gender"] = row.gender
    if "birth_date" in columns:
        values["birth_date"] = row.birth_date
    if "phone" in columns:
        values["phone"] = row.phone
        values["phone_index"] = phone_index(row.phone) if row.phone else None
    return values


def _details(row: RosterRow) -> dict[str, str | None]:
    """Return the columns without a place of their own; None where the cell is blank."""
    details: dict[str, str | None] = {}
    for name in IN_DETAILS:
        if name in row.texts:
            details[name] = row.texts[name]
        if name in row.dates:
            day = row.dates[name]
            details[name] = day.isoformat() if day else None
    return details


def compare(
    rows: Iterable[RosterRow],
    existing: Iterable[Existing],
    batch_id: uuid.UUID,
    table: Table,
    roster_mode: str,
) -> Diff:
    """Return what importing `rows` would do to a batch that has `existing`."""
    before = {item.student_no.upper(): item for item in existing}
    diff = Diff()
    wanted: dict[str, tuple[RosterRow, Values]] = {}
    for row in rows:
        values = enrolment_values(row, batch_id, table, roster_mode)
        current = before.get(row.student_key)
        details = current.values["details"] if current else {}
        values["details"] = _merged(details, values["details"])
        wanted[row.student_key] = (row, values)
    diff.not_in_file = sum(1 for key in before if key not in wanted)
    _refuse_claimed(wanted, before, table, diff)
    _refuse_taken_numbers(wanted, before, table, diff)
    for key, (row, values) in wanted.items():
        current = before.get(key)
        if current is None:
            diff.new.append((row, values))
        elif columns := _different(values, current):
            diff.changed.append(Change(row, current, values, columns))
        else:
            diff.same += 1
    return diff


def _merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**old, **new}.items() if value is not None}


def _different(values: Values, current: Existing) -> tuple[str, ...]:
    return tuple(
        name for name in COMPARED if name in values and values[name] != current.values[name]
    )


def _refuse_claimed(
    wanted: dict[str, tuple[RosterRow, Values]],
    before: Mapping[str, Existing],
    table: Table,
    diff: Diff,
) -> None:
    """Keep the identity of enrolments whose student has begun; other columns may change."""
    for key, (row, values) in list(wanted.items()):
        current = before.get(key)
        if not current or not current.claimed:
            continue
        columns = _different(values, current)
        if Change(row, current, values, columns).touches_identity:
            diff.findings.append(_finding(table, row, "student_no", "enrolment_already_claimed"))
            del wanted[key]


def _refuse_taken_numbers(
    wanted: dict[str, tuple[RosterRow, Values]],
    before: Mapping[str, Existing],
    table: Table,
    diff: Diff,
) -> None:
    """Refuse an ID that stays with another enrolment of the batch.

    Two students whose numbers were swapped can be put right in one file: only an ID whose owner
    keeps it is taken. A refused row keeps its old ID, so the question is asked again.
    """
    while True:
        kept = {
            item.values["id_index"]: key
            for key, item in before.items()
            if key not in wanted and item.values["id_index"]
        }
        taken = [key for key, (_, values) in wanted.items() if values.get("id_index") in kept]
        if not taken:
            return
        for key in taken:
            row, _ = wanted.pop(key)
            diff.findings.append(_finding(table, row, "id_number", "id_number_on_other_student"))


def _finding(table: Table, row: RosterRow, name: str, code: str) -> Finding:
    column = table.mapping.columns[name]
    return Finding(row.row, table.mapping.heading(name), code, "error", column)
