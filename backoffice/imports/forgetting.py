"""What imports keep about a student besides the enrolment itself, for the day it must be erased.

That is the values an import replaced (for its undo), and, while an upload waits for the clerk or
can still be fetched with its findings marked, the file, its sample cells and its staged rows.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection

from sqlalchemy import ColumnElement, delete, or_, select
from sqlalchemy.orm import Session, aliased

from backoffice.imports import uploads
from backoffice.imports.errors import ImportRunning
from backoffice.imports.staging import E
from backoffice.imports.writing import REPLACED, take_turn
from backoffice.models import Enrolment, RosterImport
from backoffice.models.roster import RUNNING
from backoffice.storage import Storage

R = REPLACED.c


def forget(session: Session, storage: Storage, enrolment_ids: Collection[uuid.UUID]) -> None:
    """Erase what the imports of these enrolments' batches keep about them. Flushes.

    To be called while the enrolments still have their ID numbers: an import may have replaced
    these under somebody else's student number. Uploads of the batches are deleted, waiting
    previews given up: one person cannot be taken out of a file. Raises ImportRunning, with
    nothing erased, while an import works in one of the batches: to be tried again.
    """
    batches = sorted(session.scalars(select(E.batch_id).where(E.id.in_(enrolment_ids)).distinct()))
    for batch_id in batches:
        take_turn(session, batch_id)
    for import_id in _uploads(session, batches):
        uploads.forget(session, storage, import_id)
    session.execute(
        delete(REPLACED).where(_about(enrolment_ids)).execution_options(synchronize_session=False)
    )


def _uploads(session: Session, batch_ids: Collection[uuid.UUID]) -> list[uuid.UUID]:
    """Return the imports that still hold the file or something out of it; raises ImportRunning."""
    rows = session.execute(
        select(RosterImport.id, RosterImport.state)
        .where(
            RosterImport.batch_id.in_(batch_ids),
            or_(
                RosterImport.storage_key.is_not(None),
                RosterImport.proposal.is_not(None),
                RosterImport.state.in_(RUNNING),
            ),
        )
        .order_by(RosterImport.id)
        .with_for_update()
    ).all()
    if any(state in RUNNING for _, state in rows):
        raise ImportRunning
    return [import_id for import_id, _ in rows]


def _about(enrolment_ids: Collection[uuid.UUID]) -> ColumnElement[bool]:
    """Return when a replaced row is about one of the students, by enrolment or by ID number."""
    own, there = aliased(Enrolment), aliased(Enrolment)
    same_person = (
        select(own.id)
        .join(there, there.batch_id == own.batch_id)
        .where(own.id.in_(enrolment_ids), own.id_index == R.id_index, there.id == R.enrolment_id)
    )
    return or_(R.enrolment_id.in_(enrolment_ids), same_person.exists())
