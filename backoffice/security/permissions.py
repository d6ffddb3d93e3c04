"""The table of rooms and the roles that may enter them. What is not in the table is closed.

Moving an order is not decided here: the workflow definitions say who may fire which transition.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from typing import Protocol

from backoffice.models import Staff
from backoffice.models.vocabulary import StaffRole
from backoffice.workflows.actors import Actor, staff_actor

ADMIN, SCHOOL, REVIEWER, OPERATOR, FINANCE = (
    StaffRole.ADMIN,
    StaffRole.SCHOOL,
    StaffRole.REVIEWER,
    StaffRole.OPERATOR,
    StaffRole.FINANCE,
)
EVERYBODY = frozenset(StaffRole)

# `room` opens its pages, `room.edit` its forms. Roles: CONTRACT section 5.
PERMISSIONS: dict[str, frozenset[StaffRole]] = {
    "dashboard": EVERYBODY,
    "account": EVERYBODY,
    "exports": frozenset({ADMIN, SCHOOL, OPERATOR, FINANCE}),
    "orders.export": frozenset({ADMIN, SCHOOL, OPERATOR, FINANCE}),
    "enrolments.export": frozenset({ADMIN, SCHOOL}),
    "payments.export": frozenset({ADMIN, FINANCE}),
    "refunds.export": frozenset({ADMIN, FINANCE}),
    "orders": EVERYBODY,
    "tickets": frozenset({ADMIN, SCHOOL, OPERATOR}),
    "requests": frozenset({ADMIN, SCHOOL}),
    "requests.erase": frozenset({ADMIN}),
    "photos": frozenset({ADMIN, SCHOOL, REVIEWER, OPERATOR}),
    "events": frozenset({ADMIN, SCHOOL, FINANCE}),
    "pictures": frozenset({ADMIN, SCHOOL, REVIEWER, OPERATOR}),
    "addresses": frozenset({OPERATOR}),
    "review": frozenset({REVIEWER}),
    "opinions": frozenset({REVIEWER}),  # and a senior: see the room
    "review_figures": frozenset({ADMIN, REVIEWER}),
    "review_rules": frozenset({ADMIN}),
    "reasons": frozenset({ADMIN, SCHOOL, REVIEWER}),
    "reasons.edit": frozenset({ADMIN}),
    "standards": frozenset({ADMIN, SCHOOL, REVIEWER, OPERATOR}),
    "standards.edit": frozenset({ADMIN}),
    "batches": frozenset({ADMIN, SCHOOL, REVIEWER, OPERATOR}),
    "batches.edit": frozenset({ADMIN, SCHOOL}),
    "batches.remind": frozenset({ADMIN, SCHOOL}),
    "batches.export": frozenset({ADMIN, SCHOOL, OPERATOR}),
    "imports": frozenset({ADMIN, SCHOOL}),
    "enrolments": frozenset({ADMIN, SCHOOL}),
    "fulfilment": frozenset({OPERATOR}),
    "finance": frozenset({ADMIN, FINANCE}),
    "payments": frozenset({ADMIN, FINANCE}),
    "refunds": frozenset({ADMIN, FINANCE}),
    "schools": frozenset({ADMIN, SCHOOL}),
    "schools.edit": frozenset({ADMIN}),
    "staff": frozenset({ADMIN}),
    "bulk": frozenset({ADMIN, OPERATOR, FINANCE}),
    "bulk.everybodys": frozenset({ADMIN}),
    "workflow": frozenset({ADMIN, REVIEWER, OPERATOR, FINANCE}),
    "outbox": frozenset({ADMIN}),
}
# These concern every school, so an account bound to one school stays outside whatever its role.
HOUSE_ONLY = frozenset(
    {
        "staff",
        "outbox",
        "requests.erase",
        "reasons.edit",
        "standards.edit",
        "schools.edit",
        "bulk.everybodys",
        "review_rules",
    }
)


class Member(Protocol):
    """What a decision needs to know of a staff account."""

    active: bool
    school_id: uuid.UUID | None

    @property
    def roles(self) -> Collection[object]:
        """Rows with a `name`."""
        ...


def role_names(member: Member) -> frozenset[str]:
    """Return the names of the member's roles."""
    return frozenset(str(getattr(role, "name", "")) for role in member.roles)


def staff_as_actor(member: Staff) -> Actor:
    """Return the member as the workflow engine wants them, with the roles they have now.

    Without roles, so that nothing moves, when the account is closed or has the role `school` but
    no school: what an account may not see, it may not move either.
    """
    names = role_names(member)
    if not member.active or (SCHOOL in names and member.school_id is None):
        names = frozenset()
    return staff_actor(member.id, sorted(names), member.school_id)


def may_enter(member: Member, room: str) -> bool:
    """Return whether the member may use `room` (or `room.edit`); False for unknown rooms.

    An account with the role `school` but no school would see every school: it sees nothing.
    """
    names = role_names(member)
    if not member.active or not names & PERMISSIONS.get(room, frozenset()):
        return False
    if SCHOOL in names and member.school_id is None:
        return False
    return member.school_id is None or room not in HOUSE_ONLY
