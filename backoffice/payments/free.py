"""The provider of orders that cost nothing: settled when they are started, nobody calls back."""

from __future__ import annotations

from collections.abc import Mapping

from backoffice.payments.errors import NoticeInvalid
from backoffice.payments.gateway import (
    Acknowledgement,
    Checkout,
    Invitation,
    Notice,
    Outcome,
    RefundAnswer,
    RefundRequest,
)


class FreeGateway:
    """Nothing to pay, nothing to give back."""

    name = "free"

    def create(self, checkout: Checkout) -> Invitation:
        """Return an empty invitation: there is nothing to do for the student."""
        return Invitation()

    def parse_notice(self, headers: Mapping[str, str], body: bytes) -> Notice:
        """Refuse everything: nobody may claim that a free order was paid."""
        raise NoticeInvalid()

    def acknowledge(self, outcome: Outcome | None) -> Acknowledgement:
        """Refuse."""
        return Acknowledgement(404, b"{}")

    def refund(self, request: RefundRequest) -> RefundAnswer:
        """Settle at once."""
        return RefundAnswer("succeeded")

    def query_refund(self, refund_no: str) -> RefundAnswer:
        """Settled."""
        return RefundAnswer("succeeded")
