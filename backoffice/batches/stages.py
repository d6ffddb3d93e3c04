"""The stages of the way through a batch, and how a query tells at which one a student stands."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, Subquery, and_, case, func, select

from backoffice.models import Enrolment, Order
from backoffice.models.vocabulary import DEAD_STATES, OrderKind, OrderState


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


def refunded_students(batch_id: uuid.UUID) -> Subquery:
    """Return the students with an order that was paid back."""
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


def joined(query: Select[Any], live: Subquery, refunded: Subquery) -> Select[Any]:
    """Return a query of enrolments joined with both."""
    return (
        query.select_from(Enrolment)
        .outerjoin(live, live.c.enrolment_id == Enrolment.id)
        .outerjoin(refunded, refunded.c.enrolment_id == Enrolment.id)
    )


def joined_people(batch_id: uuid.UUID, *columns: Any) -> tuple[Select[Any], Any, Subquery]:
    """Return a query of `columns` over a batch's students, their stage, and their live orders."""
    live, refunded = live_orders(batch_id), refunded_students(batch_id)
    query = joined(select(*columns), live, refunded).where(Enrolment.batch_id == batch_id)
    return query, stage_of(live, refunded), live
