"""Making, retiring and putting into use the versions of the photo standards. Nothing commits here.

A version never changes: whoever edits one makes the next. At most one version of a name is in force
for new batches. A batch keeps its version until somebody moves it; an order keeps the version it was
placed under.
"""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backoffice.batches.changes import by_staff, record_change
from backoffice.errors import BackofficeError, InvalidInput
from backoffice.i18n import Text
from backoffice.models import Batch, PhotoStandard
from backoffice.models.batch_life import BatchAction
from backoffice.models.vocabulary import BatchState
from backoffice.photos.standards import Standard
from backoffice.photos.standards_rules import problems

# A batch in these states still takes orders, or will.
MOVABLE = (BatchState.DRAFT, BatchState.OPEN)


class StandardUnchanged(BackofficeError):
    """The new version would be what the newest one is."""

    code = "standard_unchanged"
    title = Text("没有改动", "Nothing changed")
    detail = Text(
        "与现行版本完全相同，没有生成新版本。",
        "This is the same as the version in force; no new version was made.",
    )


class StandardChangedMeanwhile(BackofficeError):
    """Somebody else made a version since this form was opened."""

    code = "version_conflict"
    status = 409
    title = Text("标准已被他人修改", "Changed meanwhile")
    detail = Text(
        "在您填写期间，{name} 已有第 {version} 版。请重新打开，在新版本上修改。",
        "Version {version} of {name} was made while you were editing. Open it again and edit that.",
    )


def versions_of(session: Session, name: str) -> list[PhotoStandard]:
    """Return all versions of a standard, the newest first."""
    return list(
        session.scalars(
            select(PhotoStandard)
            .where(PhotoStandard.name == name)
            .order_by(PhotoStandard.version.desc())
        )
    )


def make_version(
    session: Session,
    standard: Standard,
    *,
    based_on: int,
    staff_id: uuid.UUID,
    note: str | None = None,
) -> PhotoStandard:
    """Make the next version of `standard.name` (the first of a new name) and put it into force.

    based_on: the newest version its author had seen, 0 for a new name. Raises InvalidInput naming
    the field, StandardUnchanged, StandardChangedMeanwhile.
    """
    for problem in problems(standard):
        raise InvalidInput(problem.field, problem.message)
    # One at a time per name; the unique key would tell too, but not in words.
    session.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"standard:{standard.name}"))))
    known = versions_of(session, standard.name)
    newest = known[0] if known else None
    if (newest.version if newest else 0) != based_on:
        if based_on == 0:
            raise InvalidInput(
                "name", Text("已有同名的标准。", "There is already a standard of this name.")
            )
        raise StandardChangedMeanwhile(name=standard.name, version=newest.version if newest else 0)
    if newest is not None and newest.as_standard() == replace(standard, version=newest.version):
        raise StandardUnchanged()
    for row in known:
        row.retired_at = row.retired_at or datetime.now(UTC)
    session.flush()
    made = replace(standard, version=based_on + 1)
    row = PhotoStandard(
        name=made.name,
        version=made.version,
        title_zh=made.title_zh,
        title_en=made.title_en,
        data=made.to_dict(),
        author_id=staff_id,
        note=(note or "").strip()[:300] or None,
    )
    session.add(row)
    session.flush()
    return row


def retire(session: Session, standard: PhotoStandard) -> None:
    """Take a version out of use for new batches. Batches and orders that have it keep it."""
    standard.retired_at = standard.retired_at or datetime.now(UTC)
    session.flush()


def restore(session: Session, standard: PhotoStandard) -> None:
    """Put a version into force (again), instead of the one that is; also an older one."""
    for row in versions_of(session, standard.name):
        row.retired_at = row.retired_at or datetime.now(UTC)
    session.flush()
    standard.retired_at = None
    session.flush()


def batches_on_other_versions(session: Session, standard: PhotoStandard) -> list[Batch]:
    """Return the batches that still take orders by another version of the same standard."""
    return list(
        session.scalars(
            select(Batch)
            .join(PhotoStandard, Batch.standard_id == PhotoStandard.id)
            .where(
                PhotoStandard.name == standard.name,
                PhotoStandard.id != standard.id,
                Batch.state.in_(MOVABLE),
            )
            .order_by(Batch.feature_code)
        )
    )


def move_batches(session: Session, standard: PhotoStandard, staff_id: uuid.UUID) -> list[Batch]:
    """Have those batches use this version from now on; returns them.

    Each batch records it. Orders that were placed keep the version they have.
    """
    moved = batches_on_other_versions(session, standard)
    for batch in moved:
        change = {"field": "standard", "old": str(batch.standard), "new": str(standard)}
        batch.standard = standard
        session.flush()
        record_change(session, batch, BatchAction.CHANGE, by_staff(staff_id), [change])
    return moved


def batches_by_version(session: Session, name: str) -> dict[uuid.UUID, int]:
    """Return by version how many batches have it; versions nobody has are left out."""
    ids = select(PhotoStandard.id).where(PhotoStandard.name == name)
    rows = session.execute(
        select(Batch.standard_id, func.count())
        .where(Batch.standard_id.in_(ids))
        .group_by(Batch.standard_id)
    )
    return {version: count for version, count in rows}
