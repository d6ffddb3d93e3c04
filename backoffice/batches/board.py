"""How far a batch is: every student on the list stands at exactly one stage, by class.

One query gives the whole board, whatever the number of classes; one query gives a page of people.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Select, func, select, true
from sqlalchemy.orm import Session, aliased

from backoffice.batches.stages import (
    ClassRef,
    Stage,
    joined,
    live_orders,
    refunded_students,
    stage_of,
)
from backoffice.models import Enrolment

PAGE = 50
LARGE = 20_000  # students; half a million take two seconds to count


@dataclass
class Figures:
    """Students by stage."""

    counts: Counter[Stage] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        """Everybody."""
        return self.counts.total()

    def share(self, stage: Stage) -> float:
        """Return how much of everybody stands at a stage, 0 to 1."""
        return self.counts[stage] / self.total if self.total else 0.0


@dataclass
class Board:
    """A batch's figures: all together, and class by class in their order; when they were counted."""

    whole: Figures
    classes: dict[ClassRef, Figures]
    counted_at: datetime


@dataclass(frozen=True, repr=False)
class Person:
    """One student on the list. `since`: when they came to where they stand, None before."""

    enrolment_id: uuid.UUID
    student_no: str
    name_masked: str
    college: str
    class_name: str
    stage: Stage
    order_id: uuid.UUID | None
    order_number: str | None
    since: datetime | None

    def __repr__(self) -> str:  # names stay out of logs
        return f"Person({self.enrolment_id})"


def is_large(session: Session, batch_id: uuid.UUID) -> bool:
    """Return True if counting the batch takes so long that its figures are worth keeping."""
    some = select(Enrolment.id).where(Enrolment.batch_id == batch_id).limit(LARGE + 1).subquery()
    return (session.scalar(select(func.count()).select_from(some)) or 0) > LARGE


def board(session: Session, batch_id: uuid.UUID) -> Board:
    """Return the figures of a batch in one query: one row for each class."""
    live, refunded = live_orders(batch_id), refunded_students(batch_id)
    stage = stage_of(live, refunded)
    figures: list[Any] = [func.count().filter(stage == one.value) for one in Stage]
    query = (
        joined(select(Enrolment.college, Enrolment.class_name, *figures), live, refunded)
        .where(Enrolment.batch_id == batch_id)
        .group_by(Enrolment.college, Enrolment.class_name)
    )
    found = Board(Figures(), {}, datetime.now(UTC))
    classes: dict[ClassRef, Figures] = {}
    for college, class_name, *counts in session.execute(query):
        of_class = classes.setdefault(ClassRef(college or "", class_name or ""), Figures())
        for one, count in zip(Stage, counts, strict=True):
            if count:
                of_class.counts[one] += count
                found.whole.counts[one] += count
    # nameless ones last, as on the printed sheets
    found.classes = {
        ref: classes[ref]
        for ref in sorted(classes, key=lambda r: (not r.college, r.college, not r.class_name, r))
    }
    return found


def people(
    session: Session,
    batch_id: uuid.UUID,
    stages: Collection[Stage] = (),
    class_ref: ClassRef | None = None,
    after: uuid.UUID | None = None,
    limit: int = PAGE,
) -> list[Person]:
    """Return up to `limit` students by student number, those after the place `after`, in one query.

    stages: those to show, all when empty. class_ref: one class, or everybody.
    """
    query = people_query(batch_id, stages, class_ref)
    if after is not None:  # an id, since student numbers do not belong into addresses
        last = aliased(Enrolment)
        place = select(last.student_no).where(last.id == after, last.batch_id == batch_id)
        query = query.where(Enrolment.student_no > place.scalar_subquery())
    return [_person(row) for row in session.execute(query.limit(limit))]


def everybody(session: Session, batch_id: uuid.UUID) -> Iterator[Person]:
    """Yield every student of a batch by class and student number, read in portions."""
    query = people_query(batch_id, (), None).order_by(None)
    query = query.order_by(Enrolment.college, Enrolment.class_name, Enrolment.student_no)
    for row in session.execute(query.execution_options(yield_per=1000)):
        yield _person(row)


def people_query(
    batch_id: uuid.UUID, stages: Collection[Stage], class_ref: ClassRef | None
) -> Select[Any]:
    """Return the query of `people` without a page."""
    live, refunded = live_orders(batch_id), refunded_students(batch_id)
    stage = stage_of(live, refunded)
    query = select(
        Enrolment.id,
        Enrolment.student_no,
        Enrolment.name_masked,
        Enrolment.college,
        Enrolment.class_name,
        stage.label("stage"),
        live.c.order_id,
        live.c.number,
        func.coalesce(live.c.entered_at, Enrolment.claimed_at).label("since"),
    )
    return (
        joined(query, live, refunded)
        .where(
            Enrolment.batch_id == batch_id,
            stage.in_([s.value for s in stages]) if stages else true(),
            class_ref.condition() if class_ref else true(),
        )
        .order_by(Enrolment.student_no)
    )


def _person(row: Any) -> Person:
    return Person(
        row.id,
        row.student_no,
        row.name_masked,
        row.college or "",
        row.class_name or "",
        Stage(row.stage),
        row.order_id,
        row.number,
        row.since,
    )
