"""Good rows as lines of the staging table, in PostgreSQL's binary COPY format.

Written by hand because it is the hottest place of an import: sealed and encoded here, a row goes
to the server without being looked at again.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from functools import lru_cache
from uuid import UUID

from backoffice.blind_indexes import id_number_indexes, last4_index, name_indexes, phone_indexes
from backoffice.crypto import keyring
from backoffice.imports.row_cells import MAX_KNOWN, RosterRow, Studies
from backoffice.imports.study_rules import DATE_FIELDS, TEXT_FIELDS
from backoffice.uuids import uuid7_bytes

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


def details_field(studies: Studies) -> bytes:
    """Return the jsonb field of what has no column of its own; null where the cell is blank."""
    days = {name: day.isoformat() if day else None for name, day in studies.dates.items()}
    known = {**studies.texts, **days}
    details = {name: known[name] for name in IN_DETAILS if name in known}
    return sized(b"\x01" + json.dumps(details, ensure_ascii=False).encode())


class RowEncoder:
    """Turns clean rows of one import into lines. A column the file lacks stays null."""

    def __init__(self, import_id: UUID, batch_id: UUID, roster_mode: str) -> None:
        self._begin = FIELD_COUNT + sized(import_id.bytes) + LENGTHS[8]
        self._batch_id = batch_id
        self._full = roster_mode == "full"
        self._last4: dict[tuple[str, ...], bytes] = {}
        self._studies: dict[Studies, bytes] = {}

    def encode(self, rows: Sequence[RosterRow]) -> list[bytes]:
        """Return the line of each row; sealed at every call anew.

        Column by column: what a cipher or a hash needs is set up once for all the rows.
        """
        columns: list[Iterable[bytes]] = [
            [self._begin + row.row.to_bytes(8, "big") for row in rows],
            [text_field(row.student_key) for row in rows],
            map(sized, uuid7_bytes(len(rows))),
            [text_field(row.student_no) for row in rows],
            *(self._full_identity(rows) if self._full else self._minimal_identity(rows)),
            [self._study_fields(row.studies) for row in rows],
        ]
        return list(map(b"".join, zip(*columns, strict=True)))

    def _minimal_identity(self, rows: Sequence[RosterRow]) -> list[Iterable[bytes]]:
        """Return the columns from `name` to `phone_index` where only masks are kept."""
        nulls = [NULL] * len(rows)
        return [
            nulls,
            [text_field(row.name_masked) for row in rows],
            *[nulls] * 5,
            self._last_four(rows),
            *[nulls] * 4,
        ]

    def _full_identity(self, rows: Sequence[RosterRow]) -> list[Iterable[bytes]]:
        """Return the columns from `name` to `phone_index`."""
        names = [row.name for row in rows]
        phones = [row.phone for row in rows]
        documents = [row.document for row in rows if row.document is not None]
        if None in names or len(documents) < len(rows):
            raise ValueError("a full roster row has a name and a document")
        return [
            sealed(names),
            [text_field(row.name_masked) for row in rows],
            indexed(names, name_indexes),
            [known_text(document.id_type.value) for document in documents],
            sealed([document.number for document in documents]),
            [text_field(row.id_masked) for row in rows],
            indexed([document.match_key for document in documents], id_number_indexes),
            self._last_four(rows),
            [known_text(row.gender) for row in rows],
            [date_field(row.birth_date) for row in rows],
            sealed(phones),
            indexed(phones, phone_indexes),
        ]

    def _last_four(self, rows: Sequence[RosterRow]) -> list[bytes]:
        """Return the columns `id_last4` and `id_last4_indexes`."""
        return [self._last_four_fields(tuple(row.id_last4_variants)) for row in rows]

    def _last_four_fields(self, variants: tuple[str, ...]) -> bytes:
        """Return both fields, made once: there are only some 11,000 last fours.

        Equal ones sealed alike tell nothing that their equal indexes do not.
        """
        found = self._last4.get(variants)
        if found is None:
            (last_four,) = sealed(variants[:1])
            indexes = [last4_index(self._batch_id, text) for text in variants]
            found = self._last4[variants] = last_four + bytes_array_field(indexes)
        return found

    def _study_fields(self, studies: Studies) -> bytes:
        """Return the columns from `level` to `details`; whole classes have the same ones."""
        found = self._studies.get(studies)
        if found is None:
            texts = [text_field(studies.texts.get(name)) for name in OWN_TEXTS]
            found = b"".join([*texts, details_field(studies)])
            if len(self._studies) < MAX_KNOWN:
                self._studies[studies] = found
        return found


def sealed(texts: Sequence[str | None]) -> Iterable[bytes]:
    """Return the fields of texts, each sealed."""
    return _spread(texts, keyring().encrypt_all([t.encode() for t in texts if t is not None]))


def indexed(
    texts: Sequence[str | None], indexes: Callable[[list[str]], list[bytes]]
) -> Iterable[bytes]:
    """Return the fields of the search keys of texts."""
    return _spread(texts, indexes([t for t in texts if t is not None]))


def _spread(texts: Sequence[str | None], made: Sequence[bytes]) -> Iterable[bytes]:
    """Return the fields of what was made of the texts, null where there is none."""
    if len(made) == len(texts):
        return map(sized, made)
    left = iter(made)
    return [NULL if text is None else sized(next(left)) for text in texts]
