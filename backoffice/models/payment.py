"""Payments, the notices providers send about them, and refunds. Money is whole fen."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from backoffice.db import Base, Created, EncryptedText, fen, uuid_pk
from backoffice.models.vocabulary import PaymentStatus, RefundStatus, one_of


class Payment(Created, Base):
    """One attempt to pay an order; at most one per order succeeds."""

    __tablename__ = "payments"
    __table_args__ = (
        one_of("status", PaymentStatus),
        CheckConstraint("amount_fen >= 0", name="amount_fen_not_negative"),
        CheckConstraint(
            "(status = 'succeeded') = (paid_at IS NOT NULL)", name="succeeded_has_paid_at"
        ),
        UniqueConstraint("out_trade_no"),
        Index(
            "uq_payments_trade_no",
            "provider",
            "trade_no",
            unique=True,
            postgresql_where=text("trade_no IS NOT NULL"),
        ),
        Index(
            "uq_payments_one_succeeded",
            "order_id",
            unique=True,
            postgresql_where=text("status = 'succeeded' AND NOT surplus"),
        ),
        Index("ix_payments_order_id", "order_id"),
        Index("ix_payments_created_at", "created_at", "id"),
        Index("ix_payments_status", "status", "created_at", "id"),
        Index("ix_payments_surplus", "created_at", "id", postgresql_where=text("surplus")),
        Index(
            "ix_payments_paid_at",
            "paid_at",
            postgresql_where=text("status = 'succeeded'"),
            postgresql_include=["amount_fen"],
        ),
    )

    id: Mapped[uuid_pk]
    order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("orders.id"))
    provider: Mapped[str]
    out_trade_no: Mapped[str] = mapped_column(comment="our number at the provider")
    trade_no: Mapped[str | None] = mapped_column(comment="the provider's number")
    status: Mapped[str] = mapped_column(default=PaymentStatus.PENDING)
    amount_fen: Mapped[fen]
    surplus: Mapped[bool] = mapped_column(
        default=False,
        server_default="false",
        comment="money that came for an order already paid or closed: to be refunded",
    )
    paid_at: Mapped[datetime | None]


class PaymentNotice(Created, Base):
    """A provider's callback we accepted; its unique id makes a second delivery a no-op."""

    __tablename__ = "payment_notices"
    __table_args__ = (UniqueConstraint("provider", "notice_id"),)

    id: Mapped[uuid_pk]
    provider: Mapped[str]
    notice_id: Mapped[str]
    body_sha256: Mapped[bytes] = mapped_column(LargeBinary(32))
    outcome: Mapped[str]


class Refund(Created, Base):
    """Money going back. `refund_no` stays the same over all retries, so it moves once."""

    __tablename__ = "refunds"
    __table_args__ = (
        one_of("status", RefundStatus),
        UniqueConstraint("refund_no"),
        CheckConstraint("amount_fen >= 0", name="amount_fen_not_negative"),
        CheckConstraint("tries >= 0", name="tries_not_negative"),
        Index(
            "uq_refunds_one_per_payment",
            "payment_id",
            unique=True,
            postgresql_where=text("status <> 'cancelled'"),
        ),
        Index("ix_refunds_order_id", "order_id"),
        Index("ix_refunds_created_at", "created_at", "id"),
        Index("ix_refunds_status", "status", "created_at", "id"),
        Index(
            "ix_refunds_settled_at", "settled_at", postgresql_where=text("settled_at IS NOT NULL")
        ),
    )

    id: Mapped[uuid_pk]
    order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("orders.id"))
    payment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("payments.id"))
    refund_no: Mapped[str]
    amount_fen: Mapped[fen]
    status: Mapped[str] = mapped_column(default=RefundStatus.PENDING)
    reason: Mapped[str | None] = mapped_column(EncryptedText)
    provider_refund_no: Mapped[str | None]
    tries: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None] = mapped_column(comment="the provider's code, no personal data")
    settled_at: Mapped[datetime | None]
