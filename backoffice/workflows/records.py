"""Rows that a transition writes in its own transaction: both happen or neither does."""

from __future__ import annotations

import secrets
import uuid

from sqlalchemy import update

from backoffice.db import uuid7
from backoffice.models import (
    Payment,
    Refund,
    ReviewDecision,
    Shipment,
)
from backoffice.models.photo import review_decision_reasons
from backoffice.models.vocabulary import PaymentStatus, RefundStatus
from backoffice.workflows.binding import Context, Record
from backoffice.workflows.guards import latest_passed_photo, settled_money


def mark_paid(context: Context) -> None:
    """Note when the money arrived; a paid order no longer expires."""
    context.order.paid_at = context.now
    context.order.expires_at = None


def take_photo(context: Context) -> None:
    """Put the newest passed picture before the reviewers."""
    photo = latest_passed_photo(context)
    assert photo is not None, "the guard passed_photo holds"
    context.order.photo_id = photo.id
    context.event_data.update(photo_id=str(photo.id), attempt=photo.attempt)


def _decide(context: Context, decision: str) -> None:
    order, actor = context.order, context.actor
    decision_id = uuid7()
    context.writing.add(
        ReviewDecision,
        id=decision_id,
        order_id=order.id,
        photo_id=order.photo_id,
        event_sequence=order.version,
        staff_id=uuid.UUID(actor.id) if actor.kind == "staff" and actor.id else None,
        decision=decision,
        note=context.data.get("note"),
    )
    for code in context.data.get("reasons", []):
        context.writing.add(review_decision_reasons, decision_id=decision_id, reason_code=code)
    context.event_data["photo_id"] = str(order.photo_id)


def record_approval(context: Context) -> None:
    """Keep who approved which picture."""
    _decide(context, "approve")


def record_rejection(context: Context) -> None:
    """Keep who rejected which picture, and why."""
    _decide(context, "reject")


def record_revocation(context: Context) -> None:
    """Keep who took an approval back."""
    _decide(context, "revoke")


def record_shipment(context: Context) -> None:
    """Keep carrier and tracking number."""
    staff = context.actor.kind == "staff" and context.actor.id
    context.writing.add(
        Shipment,
        order_id=context.order.id,
        carrier=context.data["carrier"],
        tracking_no=context.data["tracking_no"],
        staff_id=uuid.UUID(staff) if staff else None,
        shipped_at=context.now,
    )  # not in the event: what a person types stays out of it


def record_receipt(context: Context) -> None:
    """Note when a parcel was received (or counted as received)."""
    context.session.execute(
        update(Shipment)
        .where(Shipment.order_id == context.order.id, Shipment.received_at.is_(None))
        .values(received_at=context.now)
    )


def open_refund(context: Context) -> None:
    """Write the refund of the whole payment, to be sent by the outbox."""
    payment = settled_money(context).payment
    assert payment is not None, "the guard refundable holds"
    refund_no = f"R{context.now:%Y%m%d}{secrets.token_hex(6).upper()}"
    context.writing.add(
        Refund,
        order_id=context.order.id,
        payment_id=payment.id,
        refund_no=refund_no,
        amount_fen=payment.amount_fen,
        status=RefundStatus.PENDING,
        reason=context.data.get("note"),
    )
    context.event_data.update(refund_no=refund_no, amount_fen=payment.amount_fen)


def flag_refund(context: Context) -> None:
    """Put the order on finance's list; the refund will be tried again."""
    context.order.flagged = "refund_failed"
    payment = settled_money(context).payment
    assert payment is not None, "the guard refund_failed holds"
    context.session.execute(
        update(Refund).where(Refund.payment_id == payment.id).values(status=RefundStatus.PENDING)
    )


def clear_flag(context: Context) -> None:
    """Take the order off finance's list."""
    context.order.flagged = None


def close_payments(context: Context) -> None:
    """Close what was not paid; money that still arrives is refunded as surplus."""
    context.session.execute(
        update(Payment)
        .where(Payment.order_id == context.order.id, Payment.status == PaymentStatus.PENDING)
        .values(status=PaymentStatus.CLOSED)
    )


RECORDS: dict[str, Record] = {
    "mark_paid": mark_paid,
    "take_photo": take_photo,
    "approval": record_approval,
    "rejection": record_rejection,
    "revocation": record_revocation,
    "shipment": record_shipment,
    "receipt": record_receipt,
    "open_refund": open_refund,
    "flag_refund": flag_refund,
    "clear_flag": clear_flag,
    "close_payments": close_payments,
}


def undo_decision(context: Context) -> None:
    """Mark the decision of the undone event as taken back; it no longer counts anywhere."""
    context.session.execute(
        update(ReviewDecision)
        .where(
            ReviewDecision.order_id == context.order.id,
            ReviewDecision.event_sequence == context.event.sequence,
        )
        .values(undone_at=context.now)
    )


def undo_refund(context: Context) -> None:
    """Cancel the refund of the undone event: its job never left the outbox."""
    context.session.execute(
        update(Refund)
        .where(Refund.refund_no == context.event.data["refund_no"])
        .values(status=RefundStatus.CANCELLED, settled_at=context.now)
    )


UNDO_RECORDS: dict[str, Record] = {
    "approval": undo_decision,
    "rejection": undo_decision,
    "open_refund": undo_refund,
}
