"""Closed sets of words used in columns; the database refuses any other by a named check."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import CheckConstraint


class OrderState(StrEnum):
    """Wire names of CONTRACT section 3."""

    DRAFT = "draft"
    PAID = "paid"
    PENDING_REVIEW = "pending_review"
    REJECTED = "rejected"
    APPROVED = "approved"
    PROCESSING = "processing"
    SHIPPED = "shipped"
    COMPLETED = "completed"
    REFUNDING = "refunding"
    REFUNDED = "refunded"
    CLOSED = "closed"


DEAD_STATES = (OrderState.CLOSED, OrderState.REFUNDED)  # an enrolment may order again after these


class OrderKind(StrEnum):
    """Which definition an order follows."""

    CAPTURE = "capture"
    REPRINT = "reprint"


class BatchKind(StrEnum):
    """Whom the batch is for."""

    GRADUATE = "graduate"
    FRESHMAN = "freshman"


class BatchMode(StrEnum):
    """The two money models of DOMAIN section 0.2."""

    PAY_FIRST = "pay_first"
    PHOTO_FIRST = "photo_first"


class RosterMode(StrEnum):
    """How much of a roster the school may hand over (DOMAIN section 0.1)."""

    FULL = "full"
    MINIMAL = "minimal"
    NONE = "none"


class RejectPolicy(StrEnum):
    """What a rejection leads to."""

    RESUBMIT = "resubmit"
    REFUND = "refund"


class BatchState(StrEnum):
    """Life of a batch."""

    DRAFT = "draft"
    OPEN = "open"
    CLOSED = "closed"
    ARCHIVED = "archived"


class DeliveryMethod(StrEnum):
    """How the prints reach the student."""

    DIGITAL = "digital"
    SCHOOL = "school"
    COURIER = "courier"


class PhotoStatus(StrEnum):
    """Where the machine is with one uploaded picture."""

    QUEUED = "queued"
    PROCESSING = "processing"
    PASSED = "passed"
    FAILED = "failed"


class PaymentStatus(StrEnum):
    """Life of one payment attempt."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CLOSED = "closed"


class RefundStatus(StrEnum):
    """Life of one refund. Cancelled: taken back before it was sent."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class StaffRole(StrEnum):
    """Roles of CONTRACT section 5."""

    ADMIN = "admin"
    SCHOOL = "school"
    REVIEWER = "reviewer"
    OPERATOR = "operator"
    FINANCE = "finance"


def one_of(column: str, words: type[StrEnum]) -> CheckConstraint:
    """Return the named check that keeps `column` inside `words`."""
    listed = ", ".join(f"'{word.value}'" for word in words)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")
