"""Good rows as lines of the staging table, in PostgreSQL's binary COPY format.

Written by hand because it is the hottest place of an import: sealed and encoded here, a row goes
to the server without being looked at again.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

from backoffice.blind_indexes import id_number_index, last4_index, name_index, phone_index
from backoffice.crypto import keyring
from backoffice.db import uuid7
from backoffice.imports.row_cells import RosterRow
from backoffice.imports.study_rules import DATE_FIELDS, TEXT_FIELDS

if TYPE_CHECKING:
    from backoffice.imports.preparing import Plan

# The columns of roster_rows, in the order they are written.
COLUMNS = (
    "import_id", "row", "student_key", "enrolment_id", "student_no", "name", "name_masked",
    "name_index", "id_type", "id_number", "id_masked", "id_index", "id_last4", "id_last4_indexes",
    "gender", "birth_date", "phone", "phone_index", "level", "study_form", "college", "major",
    "class_name", "details",
)  # fmt: skip
IN_DETAILS = ("study_kind", *DATE_FIELDS)
OWN_TEXTS = tuple(name for name in TEXT_FIELDS if name not in IN_DETAILS)

HEAD = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
TAIL = struct.pack(">h", -1)
FIELD_COUNT = struct.pack(">h", len(COLUMNS))
NULL = struct.pack(">i", -1)
LENGTHS = [struct.pack(">i", length) for length in range(1024)]
BYTEA_OID = 17
POSTGRES_EPOCH = date(2000, 1, 1).toordinal()


def sized(data: bytes) -> bytes:
    """Return a field: its length and its bytes."""
    length = len(data)
    return (LENGTHS[length] if length < 1024 else struct.pack(">i", length)) + data


@lru_cache(maxsize=4096)
def known_text(text: str | None) -> bytes:
    """Return the field of a text that occurs again and again: majors, classes."""
    return NULL if text is None else sized(text.encode())


def text_field(text: str | None) -> bytes:
    """Return the field of a text."""
    return NULL if text is None else sized(text.encode())


@lru_cache(maxsize=4096)
def date_field(day: date | None) -> bytes:
    """Return the field of a date: days since 2000."""
    return NULL if day is None else sized(struct.pack(">i", day.toordinal() - POSTGRES_EPOCH))


def bytes_array_field(items: list[bytes]) -> bytes:
    """Return the field of a bytea[]."""
    if not items:
        return sized(struct.pack(">iii", 0, 0, BYTEA_OID))
    head = struct.pack(">iiiii", 1, 0, BYTEA_OID, len(items), 1)
    return sized(head + b"".join(map(sized, items)))


def details_field(details: Mapping[str, str | None]) -> bytes:
    """Return the field of a jsonb object."""
    return sized(b"\x01" + (json.dumps(details, ensure_ascii=False).encode() if details else b"{}"))


class RowEncoder:
    """Turns clean rows into lines. A column the file lacks stays null."""

    def __init__(self, plan: Plan) -> None:
        self._import_id = sized(plan.import_id.bytes)
        self._batch_id: UUID = plan.batch_id
        self._full = plan.roster_mode == "full"
        self._seal: Callable[[bytes], bytes] = keyring().sealer()
        self._last4: dict[tuple[str, ...], bytes] = {}

    def encode(self, row: RosterRow) -> bytes:
        """Return the line of one row; sealed at every call anew."""
        return b"".join(
            (
                FIELD_COUNT,
                self._import_id,
                LENGTHS[8],
                row.row.to_bytes(8, "big"),
                text_field(row.student_key),
                LENGTHS[16],
                uuid7().bytes,
                text_field(row.student_no),
                *self._identity(row),
                *(known_text(row.texts.get(name)) for name in OWN_TEXTS),
                details_field(details_of(row)),
            )
        )

    def _identity(self, row: RosterRow) -> tuple[bytes, ...]:
        name_masked, last4 = text_field(row.name_masked), self._sealed(row.id_last4)
        indexes = self._last4_indexes(row.id_last4_variants)
        if not self._full:
            return (NULL, name_masked, *[NULL] * 5, last4, indexes, *[NULL] * 4)
        document, name, phone = row.document, row.name, row.phone
        if document is None or name is None:
            raise ValueError("a full roster row has a name and a document")
        return (
            self._sealed(name),
            name_masked,
            sized(name_index(name)),
            known_text(document.id_type.value),
            self._sealed(document.number),
            text_field(row.id_masked),
            sized(id_number_index(document.match_key)),
            last4,
            indexes,
            known_text(row.gender),
            date_field(row.birth_date),
            self._sealed(phone),
            sized(phone_index(phone)) if phone else NULL,
        )

    def _sealed(self, text: str | None) -> bytes:
        return NULL if text is None else sized(self._seal(text.encode()))

    def _last4_indexes(self, variants: list[str]) -> bytes:
        """Return the indexes of the last four; there are only some 11,000 of them in a batch."""
        key = tuple(variants)
        found = self._last4.get(key)
        if found is None:
            found = bytes_array_field([last4_index(self._batch_id, text) for text in variants])
            self._last4[key] = found
        return found


def details_of(row: RosterRow) -> dict[str, Any]:
    """Return the columns without a place of their own; None where the cell is blank."""
    details: dict[str, str | None] = {}
    for name in IN_DETAILS:
        if name in row.texts:
            details[name] = row.texts[name]
        if name in row.dates:
            day = row.dates[name]
            details[name] = day.isoformat() if day else None
    return details
