"""The conditions of the order workflows: each reads, none writes, each says what is missing."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import cast

from sqlalchemy import any_, func, or_, select
from sqlalchemy.orm import Session

from backoffice.i18n import Text
from backoffice.models import (
    Payment,
    Photo,
    PhotoStandard,
    Refund,
    RejectionReason,
    ReviewDecision,
)
from backoffice.models.vocabulary import (
    BatchMode,
    DeliveryMethod,
    PaymentStatus,
    PhotoStatus,
    RefundStatus,
    RejectPolicy,
)
from backoffice.workflows.binding import Context, Guard
from backoffice.workflows.errors import TransitionDenied
from backoffice.workflows.known import Known


class PhotoNotReady(TransitionDenied):
    """No picture that passed the checks since the last rejection."""

    code = "photo_not_ready"
    title = Text("没有可提交的照片", "No photo to submit")
    detail = Text(
        "请先上传一张通过自动检测的新照片，再提交审核。",
        "Upload a new photo that passes the automatic checks, then submit it.",
    )


class NotPaid(TransitionDenied):
    """No successful payment of exactly the order's amount."""

    code = "payment_not_found"
    title = Text("尚未收到付款", "Payment not received")
    detail = Text("尚未收到该订单的付款。", "No payment for this order has arrived.")


class NothingToRefund(TransitionDenied):
    """There is no successful payment, or it has been refunded."""

    code = "nothing_to_refund"
    title = Text("没有可退的款项", "Nothing to refund")
    detail = Text("该订单没有可退的款项。", "This order has no payment that could be refunded.")


class RefundNotSettled(TransitionDenied):
    """The refund record does not (yet) say what the transition claims."""

    code = "refund_not_settled"
    title = Text("退款结果未确认", "Refund not settled")
    detail = Text("退款结果尚未确认。", "The provider has not settled the refund.")


class WrongDelivery(TransitionDenied):
    """Shipping what is not posted, or completing what must be posted."""

    code = "wrong_delivery_method"
    title = Text("配送方式不符", "Wrong delivery method")
    detail = Text(
        "该订单的配送方式不适用此操作：电子版直接完成，快递须先发货。",
        "Not for this delivery method: digital orders are completed, courier orders are shipped.",
    )


class UnknownReason(TransitionDenied):
    """A rejection reason that is not in the catalogue or has been retired."""

    code = "unknown_rejection_reason"
    title = Text("驳回原因无效", "Unknown rejection reason")
    detail = Text(
        "驳回原因 {codes} 不存在、已停用或不适用于该照片标准。",
        "Reason {codes} is unknown, retired, or not for this photo standard.",
    )


class ConditionNotMet(TransitionDenied):
    """A follow-up does not apply here; never shown to a person."""


def latest_passed_photo(context: Context) -> Photo | None:
    """Return the newest picture that passed and was not part of a rejection, or None."""
    if context.known is not None:
        return cast(Known, context.known).passed_photo
    rejected = (
        select(func.coalesce(func.max(Photo.attempt), 0))
        .join(ReviewDecision, ReviewDecision.photo_id == Photo.id)
        .where(
            ReviewDecision.order_id == context.order.id,
            ReviewDecision.decision == "reject",
            ReviewDecision.undone_at.is_(None),
        )
        .scalar_subquery()
    )
    return context.session.scalars(
        select(Photo)
        .where(
            Photo.order_id == context.order.id,
            Photo.status == PhotoStatus.PASSED,
            Photo.attempt > rejected,
        )
        .order_by(Photo.attempt.desc())
        .limit(1)
    ).one_or_none()


def settled_payment(context: Context) -> Payment | None:
    """Return the payment that paid this order, or None."""
    if context.known is not None:
        return cast(Known, context.known).payment
    return context.session.scalars(
        select(Payment).where(
            Payment.order_id == context.order.id,
            Payment.status == PaymentStatus.SUCCEEDED,
            Payment.surplus.is_(False),
        )
    ).one_or_none()


def refund_of(context: Context, payment_id: uuid.UUID) -> Refund | None:
    """Return the refund of a payment that was not taken back, or None."""
    if context.known is not None:
        return cast(Known, context.known).refund
    return context.session.scalars(
        select(Refund).where(
            Refund.payment_id == payment_id, Refund.status != RefundStatus.CANCELLED
        )
    ).one_or_none()


def require_payment(context: Context) -> None:
    """The whole amount has been paid."""
    payment = settled_payment(context)
    if payment is None or payment.amount_fen != context.order.amount_fen:
        raise NotPaid()


def require_passed_photo(context: Context) -> None:
    """A picture that passed the checks is there."""
    if latest_passed_photo(context) is None:
        raise PhotoNotReady()


def unknown_reasons(session: Session, codes: Sequence[str], standard_id: uuid.UUID) -> list[str]:
    """Return the codes that are not in the catalogue, retired, or not for this photo standard."""
    if not codes:
        return []
    name = select(PhotoStandard.name).where(PhotoStandard.id == standard_id).scalar_subquery()
    known = set(
        session.scalars(
            select(RejectionReason.code).where(
                RejectionReason.code.in_(codes),
                RejectionReason.retired_at.is_(None),
                or_(RejectionReason.standards == [], name == any_(RejectionReason.standards)),
            )
        )
    )
    return [code for code in codes if code not in known]


def require_known_reasons(context: Context) -> None:
    """Every given reason is in the catalogue for this standard and not retired."""
    given = context.data.get("reasons", [])
    unknown = unknown_reasons(context.session, given, context.order.standard_id)
    if unknown:
        raise UnknownReason(codes=", ".join(code[:10] for code in unknown))


def require_refundable(context: Context) -> None:
    """There is a payment, and it has not been refunded."""
    payment = settled_payment(context)
    if payment is None or refund_of(context, payment.id) is not None:
        raise NothingToRefund()


def _require_refund_status(context: Context, status: RefundStatus) -> None:
    payment = settled_payment(context)
    refund = refund_of(context, payment.id) if payment else None
    if refund is None or refund.status != status:
        raise RefundNotSettled()


def require_refund_succeeded(context: Context) -> None:
    """The provider confirmed the refund."""
    _require_refund_status(context, RefundStatus.SUCCEEDED)


def require_refund_failed(context: Context) -> None:
    """The provider refused the refund."""
    _require_refund_status(context, RefundStatus.FAILED)


def require_something_to_post(context: Context) -> None:
    """The order has prints that travel."""
    if context.order.delivery_method == DeliveryMethod.DIGITAL:
        raise WrongDelivery()


def require_nothing_to_post(context: Context) -> None:
    """From processing, only digital or school-delivered orders complete without a parcel."""
    order = context.order
    if order.state == "processing" and order.delivery_method == DeliveryMethod.COURIER:
        raise WrongDelivery()


def when_photo_first(context: Context) -> None:
    """Follow-up condition: the batch's students shoot before they pay."""
    if context.order.batch.mode != BatchMode.PHOTO_FIRST:
        raise ConditionNotMet()


def when_refund_policy(context: Context) -> None:
    """Follow-up condition: the batch refunds rejected orders."""
    if context.order.batch.reject_policy != RejectPolicy.REFUND:
        raise ConditionNotMet()


GUARDS: dict[str, Guard] = {
    "payment": require_payment,
    "passed_photo": require_passed_photo,
    "known_reasons": require_known_reasons,
    "refundable": require_refundable,
    "refund_succeeded": require_refund_succeeded,
    "refund_failed": require_refund_failed,
    "something_to_post": require_something_to_post,
    "nothing_to_post": require_nothing_to_post,
    "photo_first": when_photo_first,
    "refund_policy": when_refund_policy,
}
