"""Comparing a staged file with the enrolments its batch has, set by set in the database.

What the file cannot do leaves the staging table: rows that change nothing, rows that must be
refused. What stays is what would be written.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass, field

from sqlalchemy import (
    ColumnElement,
    case,
    delete,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, array, insert
from sqlalchemy.orm import Session
from sqlalchemy.types import Text

from backoffice.imports.staging import (
    IDENTITY,
    MISSING,
    STAGED,
    E,
    S,
    differences,
    matching,
    missing_from,
    taken_numbers,
)
from backoffice.models import Batch
from backoffice.models.vocabulary import BatchState

MAX_WARNINGS = 10_000
JOINED = ("import_id", "row", "student_key", "id_index", "enrolment_id")
ROW_VERSION: ColumnElement[int] = literal_column("enrolments.xmin::text::bigint")


@dataclass
class Comparison:
    """What an import would do.

    refused: row -> (field, code) of rows that may not go in. warned: (row, name of the other
    batch of the school that has the student). missing: enrolments the file does not name.
    """

    new: int = 0
    changed: int = 0
    same: int = 0
    missing: int = 0
    refused: dict[int, tuple[str, str]] = field(default_factory=dict)
    warned: list[tuple[int, str]] = field(default_factory=list)


def compare(
    session: Session,
    import_id: uuid.UUID,
    batch: Batch,
    decided: Collection[str],
    rejected_keys: Collection[str],
) -> Comparison:
    """Return what the import would do, and leave in the staging table what it would write.

    rejected_keys: student keys of rows already refused; those students are in the file too.
    """
    comparer = _Comparer(session, import_id, batch, decided)
    return comparer.compare(rejected_keys)


class _Comparer:
    def __init__(
        self, session: Session, import_id: uuid.UUID, batch: Batch, decided: Collection[str]
    ) -> None:
        self.session, self.import_id, self.batch = session, import_id, batch
        self.differences = differences(decided)
        self.matching = matching(import_id, batch.id)

    def compare(self, rejected_keys: Collection[str]) -> Comparison:
        # The planner thinks it empty. What rows are joined by is enough: the rest is wide.
        self.session.execute(text(f"ANALYZE {STAGED.name} ({', '.join(JOINED)})"))
        found = Comparison(missing=self._missing(rejected_keys))
        self._refuse_claimed(found)
        self._refuse_taken_numbers(found)
        self._warn_of_other_batches(found)
        found.same = self._drop_same()
        self._mark_changed()
        is_new = S.columns.is_(None)
        found.new, found.changed = self.session.execute(
            select(func.count().filter(is_new), func.count().filter(~is_new)).where(
                S.import_id == self.import_id
            )
        ).one()
        return found

    def _missing(self, rejected_keys: Collection[str]) -> int:
        """Note which enrolments the file does not name; return how many."""
        rows = select(literal(self.import_id), E.id).where(
            missing_from(self.import_id, self.batch.id)
        )
        if rejected_keys:
            keys = select(func.unnest(literal(list(rejected_keys), ARRAY(Text))))
            rows = rows.where(func.upper(E.student_no).not_in(keys))
        statement = insert(MISSING).from_select(["import_id", "enrolment_id"], rows)
        result = self.session.execute(statement.execution_options(preserve_rowcount=True))
        return int(result.rowcount)  # type: ignore[attr-defined]

    def _refuse_claimed(self, found: Comparison) -> None:
        """Keep the identity of enrolments whose student has begun; other columns may change."""
        identity = [self.differences[name] for name in IDENTITY if name in self.differences]
        rows = self.session.scalars(
            delete(STAGED)
            .where(self.matching, E.student_id.is_not(None), or_(*identity))
            .returning(S.row)
        )
        found.refused |= {row: ("student_no", "enrolment_already_claimed") for row in rows}

    def _refuse_taken_numbers(self, found: Comparison) -> None:
        """Refuse an ID that stays with another enrolment of the batch.

        Two students whose numbers were swapped can be put right in one file: only an ID whose
        owner keeps it is taken. A refused row keeps its old ID, so the question is asked again.
        """
        taken = taken_numbers(self.import_id, self.batch.id)
        while True:
            rows = list(self.session.scalars(delete(STAGED).where(taken).returning(S.row)))
            if not rows:
                return
            found.refused |= {row: ("id_number", "id_number_on_other_student") for row in rows}

    def _warn_of_other_batches(self, found: Comparison) -> None:
        """Find students whom another running batch of the school has too."""
        ended = (BatchState.CLOSED, BatchState.ARCHIVED)
        others = self.session.execute(
            select(Batch.id, Batch.name).where(
                Batch.school_id == self.batch.school_id,
                Batch.id != self.batch.id,
                Batch.state.not_in(ended),
            )
        ).all()
        full = str(self.batch.roster_mode) == "full"
        same_person = (
            E.id_index == S.id_index if full else func.upper(E.student_no) == S.student_key
        )
        for batch_id, name in others:
            rows = self.session.scalars(
                select(S.row)
                .where(S.import_id == self.import_id, E.batch_id == batch_id, same_person)
                .limit(MAX_WARNINGS)
            )
            found.warned += [(row, name) for row in rows]

    def _drop_same(self) -> int:
        same = ~or_(*self.differences.values())
        result = self.session.execute(delete(STAGED).where(self.matching, same))
        return int(result.rowcount)  # type: ignore[attr-defined]

    def _mark_changed(self) -> None:
        """Note on the staged rows which enrolment they change, where, and its version."""
        differing = array(
            [case((differs, literal(name))) for name, differs in self.differences.items()]
        )
        self.session.execute(
            update(STAGED)
            .where(self.matching)
            .values(
                enrolment_id=E.id,
                seen=ROW_VERSION,
                columns=func.array_remove(differing, null()),
            )
            .execution_options(synchronize_session=False)
        )
