"""How far a batch is: every student on the list stands at exactly one stage, by class.

One query gives the whole board, whatever the number of classes; one query gives a page of people.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, Subquery, and_, case, func, select, true
from sqlalchemy.orm import Session, aliased

from backoffice.models import Enrolment, Order
from backoffice.models.vocabulary import DEAD_STATES, OrderKind, OrderState

PAGE = 50
LARGE = 20_000  # students; half a million take two seconds to count


class Stage(StrEnum):
    """Where a student stands; the order is the order of the way."""

    NOT_STARTED = "not_started"
    IDENTIFIED = "identified"
    ORDERED = "ordered"
    PAID = "paid"
    SUBMITTED = "submitted"
    REJECTED = "rejected"
    FINISHED = "finished"
    REFUNDED = "refunded"


# What the state of a student's live order means. Without one: identified, or not started at all;
# refunded when an order was paid back and no new one placed.
STAGE_OF_STATE = {
    OrderState.DRAFT: Stage.ORDERED,
    OrderState.PAID: Stage.PAID,
    OrderState.PENDING_REVIEW: Stage.SUBMITTED,
    OrderState.REJECTED: Stage.REJECTED,
    OrderState.APPROVED: Stage.FINISHED,
    OrderState.PROCESSING: Stage.FINISHED,
    OrderState.SHIPPED: Stage.FINISHED,
    OrderState.COMPLETED: Stage.FINISHED,
    OrderState.REFUNDING: Stage.REFUNDED,
}


@dataclass(frozen=True, order=True)
class ClassRef:
    """A class within its college; empty where the roster says nothing."""

    college: str = ""
    class_name: str = ""

    @property
    def key(self) -> str:
        """The class as one word, for forms and addresses."""
        return f"{self.college}/{self.class_name}"

    @classmethod
    def of_key(cls, key: str) -> ClassRef | None:
        """Return the class of a key, None for anything else."""
        college, slash, class_name = key.partition("/")
        return cls(college, class_name) if slash else None

    def condition(self) -> ColumnElement[bool]:
        """Return the condition that keeps a query of enrolments to this class."""
        return and_(
            func.coalesce(Enrolment.college, "") == self.college,
            func.coalesce(Enrolment.class_name, "") == self.class_name,
        )


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
    live, refunded = live_orders(batch_id), _refunded(batch_id)
    stage = stage_of(live, refunded)
    figures: list[Any] = [func.count().filter(stage == one.value) for one in Stage]
    query = (
        _joined(select(Enrolment.college, Enrolment.class_name, *figures), live, refunded)
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
    live, refunded = live_orders(batch_id), _refunded(batch_id)
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
        _joined(query, live, refunded)
        .where(
            Enrolment.batch_id == batch_id,
            stage.in_([s.value for s in stages]) if stages else true(),
            class_ref.condition() if class_ref else true(),
        )
        .order_by(Enrolment.student_no)
    )


def live_orders(batch_id: uuid.UUID) -> Subquery:
    """Return each student's one live order (the database allows no second one)."""
    return (
        select(
            Order.enrolment_id,
            Order.id.label("order_id"),
            Order.number,
            Order.state,
            Order.entered_at,
        )
        .where(
            Order.batch_id == batch_id,
            Order.kind == OrderKind.CAPTURE,
            Order.state.not_in(DEAD_STATES),
        )
        .subquery("live")
    )


def _refunded(batch_id: uuid.UUID) -> Subquery:
    return (
        select(Order.enrolment_id)
        .where(
            Order.batch_id == batch_id,
            Order.kind == OrderKind.CAPTURE,
            Order.state == OrderState.REFUNDED,
        )
        .distinct()
        .subquery("refunded")
    )


def stage_of(live: Subquery, refunded: Subquery) -> ColumnElement[str]:
    """Return the stage as an expression over enrolments joined with both."""
    by_state = case(
        *((live.c.state == state, stage.value) for state, stage in STAGE_OF_STATE.items())
    )
    return case(
        (live.c.enrolment_id.is_not(None), by_state),
        (refunded.c.enrolment_id.is_not(None), Stage.REFUNDED.value),
        (Enrolment.student_id.is_not(None), Stage.IDENTIFIED.value),
        else_=Stage.NOT_STARTED.value,
    )


def _joined(query: Select[Any], live: Subquery, refunded: Subquery) -> Select[Any]:
    return (
        query.select_from(Enrolment)
        .outerjoin(live, live.c.enrolment_id == Enrolment.id)
        .outerjoin(refunded, refunded.c.enrolment_id == Enrolment.id)
    )


def joined_people(batch_id: uuid.UUID, *columns: Any) -> tuple[Select[Any], Any, Subquery]:
    """Return a query of `columns` over a batch's students, their stage, and their live orders."""
    live, refunded = live_orders(batch_id), _refunded(batch_id)
    query = _joined(select(*columns), live, refunded).where(Enrolment.batch_id == batch_id)
    return query, stage_of(live, refunded), live


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
