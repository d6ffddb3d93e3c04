"""Who moves an order."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Protocol


class Owned(Protocol):
    """Anything with an owner and a tenant."""

    student_id: uuid.UUID
    school_id: uuid.UUID


@dataclass(frozen=True)
class Actor:
    """The person or machine behind a transition.

    kind: student, staff, timer, provider or system. roles: what the definitions ask for.
    school_id: set for a school's own staff, who see this school's rows only.
    """

    kind: str
    id: str | None
    roles: frozenset[str]
    school_id: uuid.UUID | None = None

    def may_see(self, order: Owned) -> bool:
        """True if the order is this student's, or of this staff member's school."""
        if self.kind == "student":
            return str(order.student_id) == self.id
        return self.school_id is None or order.school_id == self.school_id


def student_actor(student_id: uuid.UUID) -> Actor:
    """Return the actor for a signed-in student."""
    return Actor("student", str(student_id), frozenset({"student"}))


def staff_actor(staff_id: uuid.UUID, roles: list[str], school_id: uuid.UUID | None = None) -> Actor:
    """Return the actor for a signed-in member of staff."""
    return Actor("staff", str(staff_id), frozenset(roles), school_id)


TIMER = Actor("timer", None, frozenset({"timer"}))
SYSTEM = Actor("system", None, frozenset({"system"}))
PAYMENT_PROVIDER = Actor("provider", None, frozenset({"payment_provider"}))
REFUND_PROVIDER = Actor("provider", None, frozenset({"refund_provider"}))
