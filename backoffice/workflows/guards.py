"""The conditions of the order workflows: each reads, none writes, each says what is missing."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import cast

from sqlalchemy import any_, or_, select
from sqlalchemy.orm import Session

from backoffice.i18n import Text
from backoffice.models import (
    Photo,
    PhotoStandard,
    RejectionReason,
)
from backoffice.models.vocabulary import (
    BatchMode,
    DeliveryMethod,
    RefundStatus,
    RejectPolicy,
)
from backoffice.workflows.binding import Context, Guard
from backoffice.workflows.errors import TransitionDenied
from backoffice.workflows.known import Known, Money, read_money, read_pictures


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
    """Return the newest picture that passed and came after every rejected one, or None."""
    if context.known is not None:
        return cast(Known, context.known).pictures.passed
    order_id = context.order.id
    return read_pictures(context.session, [order_id])[order_id].passed


def settled_money(context: Context) -> Money:
    """Return the payment that paid this order and its refund."""
    if context.known is not None:
        return cast(Known, context.known).money
    order_id = context.order.id
    return read_money(context.session, [order_id])[order_id]


def require_payment(context: Context) -> None:
    """The whole amount has been paid."""
    payment = settled_money(context).payment
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
    money = settled_money(context)
    if money.payment is None or money.refund is not None:
        raise NothingToRefund()


def _require_refund_status(context: Context, status: RefundStatus) -> None:
    refund = settled_money(context).refund
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
