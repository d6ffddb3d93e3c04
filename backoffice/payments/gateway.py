"""What every payment provider offers us, and the values that pass between us and them.

Money is whole fen, currency CNY. Nothing here touches the database: a gateway may be slow or down,
so it is never called while an order is locked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, Protocol


@dataclass(frozen=True)
class Checkout:
    """One payment to be offered. `out_trade_no` is our number; the same one may be offered again."""

    out_trade_no: str
    amount_fen: int
    description: str


@dataclass(frozen=True)
class Invitation:
    """How the student pays: an address to open, or parameters for the provider's own client."""

    pay_url: str | None = None
    client_params: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Notice:
    """A callback whose signature has been verified.

    kind `refund` carries `refund_no`; `error` is the provider's code when it did not succeed.
    """

    provider: str
    notice_id: str
    kind: Literal["payment", "refund"]
    out_trade_no: str
    trade_no: str
    amount_fen: int
    succeeded: bool
    body_sha256: bytes
    currency: str = "CNY"
    refund_no: str | None = None
    error: str | None = None


class Outcome(StrEnum):
    """What a notice led to."""

    PAID = "paid"
    PAYMENT_FAILED = "payment_failed"
    SURPLUS = "surplus"
    REFUNDED = "refunded"
    REFUND_FAILED = "refund_failed"
    ALREADY_SETTLED = "already_settled"
    UNKNOWN_TRADE = "unknown_trade"
    AMOUNT_MISMATCH = "amount_mismatch"
    TRADE_CONFLICT = "trade_conflict"

    @property
    def accepted(self) -> bool:
        """True when the provider may stop sending this notice."""
        return self not in (self.UNKNOWN_TRADE, self.AMOUNT_MISMATCH, self.TRADE_CONFLICT)


@dataclass(frozen=True)
class Acknowledgement:
    """The HTTP answer the provider expects to its notice."""

    status: int
    body: bytes
    content_type: str = "application/json"


@dataclass(frozen=True)
class RefundRequest:
    """Money to give back. A provider moves it once per `refund_no`, however often it is asked."""

    refund_no: str
    out_trade_no: str
    trade_no: str | None
    amount_fen: int
    total_fen: int


@dataclass(frozen=True)
class RefundAnswer:
    """`accepted`: a notice will tell the result. `unknown`: the provider never heard of it."""

    status: Literal["accepted", "succeeded", "failed", "unknown"]
    provider_refund_no: str | None = None
    error: str | None = None


class Gateway(Protocol):
    """One payment provider. Calls raise PaymentProviderUnavailable when it cannot be reached."""

    name: str

    def create(self, checkout: Checkout) -> Invitation:
        """Offer a payment; idempotent by `out_trade_no`."""
        ...

    def parse_notice(self, headers: Mapping[str, str], body: bytes) -> Notice:
        """Verify and read a callback. Raises NoticeInvalid."""
        ...

    def acknowledge(self, outcome: Outcome | None) -> Acknowledgement:
        """Return the answer to a callback; None means its signature was refused."""
        ...

    def refund(self, request: RefundRequest) -> RefundAnswer:
        """Ask for a refund; idempotent by `refund_no` until it failed, then tried anew."""
        ...

    def query_refund(self, refund_no: str) -> RefundAnswer:
        """Ask how a refund stands."""
        ...
