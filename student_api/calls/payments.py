"""Paying."""

from __future__ import annotations

from typing import Any, Literal

from backoffice.orders.views import find_order
from backoffice.payments.errors import (
    OrderNotPayable,
    PaymentProviderUnavailable,
    UnknownPaymentProvider,
)
from backoffice.payments.operations import payment_answer, start_payment
from backoffice.workflows.errors import OrderBusy, OrderNotFound
from backoffice.workflows.guards import PhotoNotReady
from student_api.operations import Call, operation
from student_api.schemas import Answer, Code, Fen, Request


class PaymentRequest(Request):
    """With whom to pay."""

    provider: Code


class PaymentAnswer(Answer):
    """A payment; while it is pending, `pay_url` or `client_params` says how to pay."""

    id: str
    provider: str
    status: Literal["pending", "succeeded", "failed", "closed"]
    amount_fen: Fen
    pay_url: str | None = None
    client_params: dict[str, Any] | None = None


class OnePaymentAnswer(Answer):
    """One payment."""

    payment: PaymentAnswer


@operation(
    "POST",
    "/orders/{id}/payments",
    tag="payments",
    summary="Pay",
    request=PaymentRequest,
    answer=OnePaymentAnswer,
    status=201,
    errors=(
        OrderNotFound,
        OrderNotPayable,
        PhotoNotReady,
        UnknownPaymentProvider,
        PaymentProviderUnavailable,
        OrderBusy,
    ),
)
def create_payment(call: Call, body: PaymentRequest) -> OnePaymentAnswer:
    """Start paying a draft; a payment still pending is returned again.

    An order of 0 fen is settled at once. Only the provider's own callback moves the order to
    `paid`. In photo-first batches a picture must have passed its checks.
    """
    order = find_order(call.session, call.student, call.id("id", OrderNotFound))
    settings = call.services.settings
    payment = start_payment(call.session, order, body.provider, settings)
    # The provider is asked without the order's lock. Until the answer is kept, a repetition
    # finds this same pending payment, so the early commit repeats nothing.
    call.session.commit()
    answer = payment_answer(payment, settings)
    return OnePaymentAnswer(payment=PaymentAnswer.model_validate(answer))
