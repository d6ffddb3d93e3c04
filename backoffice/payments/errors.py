"""What payments refuse, each with a stable code."""

from __future__ import annotations

from backoffice.errors import BackofficeError
from backoffice.i18n import Text


class OrderNotPayable(BackofficeError):
    """The order is not an unpaid draft within its time."""

    code = "order_not_payable"
    title = Text("订单不能支付", "The order cannot be paid")
    detail = Text(
        "该订单已支付、已关闭或已超过支付时限，请刷新后再看。",
        "The order is already paid, closed or past its payment time; please refresh.",
    )


class UnknownPaymentProvider(BackofficeError):
    """No such provider, or not switched on here."""

    code = "unknown_payment_provider"
    title = Text("支付方式不可用", "Payment method not available")
    detail = Text(
        "该支付方式不可用，可选：{known}。", "This payment method is not available; use: {known}."
    )


class PaymentProviderUnavailable(BackofficeError):
    """The provider cannot be reached; a retry can help."""

    code = "payment_provider_unavailable"
    title = Text("支付渠道暂不可用", "The payment provider is unavailable")
    detail = Text(
        "支付渠道暂时不可用，请稍后重试。",
        "The payment provider cannot be reached now; please try again later.",
    )


class NoticeInvalid(BackofficeError):
    """A callback without a genuine, fresh signature, or whose content cannot be read."""

    code = "payment_notice_invalid"
    title = Text("支付通知无效", "Invalid payment notice")
    detail = Text("支付通知的签名或内容无效。", "The notice's signature or content is invalid.")
