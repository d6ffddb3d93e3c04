"""Orders and their items. `state` is written by the workflow engine and by nobody else."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    UniqueConstraint,
    event,
    inspect,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from backoffice.db import Base, Created, EncryptedJSON, EncryptedText, fen, uuid_pk
from backoffice.models.batch import Batch
from backoffice.models.roster import Enrolment
from backoffice.models.standard import PhotoStandard
from backoffice.models.student import Student
from backoffice.models.vocabulary import DeliveryMethod, OrderKind, OrderState, one_of


class Order(Created, Base):
    """One student's order; the workflow's subject.

    `version` counts its events: it is the sequence of the newest one.
    """

    __tablename__ = "orders"
    __table_args__ = (
        UniqueConstraint("number"),
        one_of("state", OrderState),
        one_of("kind", OrderKind),
        one_of("delivery_method", DeliveryMethod),
        CheckConstraint("amount_fen BETWEEN 0 AND 10000000", name="amount_fen_range"),
        CheckConstraint("currency = 'CNY'", name="currency_cny"),
        CheckConstraint("version >= 0", name="version_not_negative"),
        CheckConstraint("(kind = 'reprint') = (parent_id IS NOT NULL)", name="reprint_has_parent"),
        Index(
            "uq_orders_live_enrolment",
            "enrolment_id",
            unique=True,
            postgresql_where=text("kind = 'capture' AND state NOT IN ('closed','refunded')"),
        ),
        Index("ix_orders_state_created", "state", "created_at", "id"),
        Index("ix_orders_school_state", "school_id", "state", "created_at"),
        Index("ix_orders_student_id", "student_id", "created_at"),
        Index("ix_orders_enrolment_id", "enrolment_id"),
        # the lists: every filter in the order it is shown, so that a page costs the same at any size
        Index("ix_orders_created_at", "created_at", "id"),
        Index("ix_orders_school_id_created_at", "school_id", "created_at", "id"),
        Index("ix_orders_batch_id_created_at", "batch_id", "created_at", "id"),
        Index("ix_orders_batch_id_state_created_at", "batch_id", "state", "created_at", "id"),
        Index(
            "ix_orders_flagged",
            "flagged",
            "created_at",
            "id",
            postgresql_where=text("flagged IS NOT NULL"),
        ),
        # the review desk: what waits, oldest first, in all schools, one school, one batch
        *(
            Index(
                f"ix_orders_review_queue{suffix}",
                *columns,
                "entered_at",
                "id",
                postgresql_where=text("state = 'pending_review' AND kind = 'capture'"),
            )
            for suffix, columns in (
                ("", ()),
                ("_school", ("school_id",)),
                ("_batch", ("batch_id",)),
            )
        ),
        Index("ix_orders_reprints", "created_at", "id", postgresql_where=text("kind = 'reprint'")),
    )

    id: Mapped[uuid_pk]
    number: Mapped[str]
    kind: Mapped[str] = mapped_column(default=OrderKind.CAPTURE)
    workflow: Mapped[str] = mapped_column(default="capture_order")
    workflow_version: Mapped[int] = mapped_column(default=1)
    state: Mapped[str] = mapped_column(default=OrderState.DRAFT)
    version: Mapped[int] = mapped_column(default=0)
    last_hash: Mapped[bytes | None] = mapped_column(
        LargeBinary(32), comment="hash of the newest event: the head of the chain"
    )
    school_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("schools.id"))
    batch_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("batches.id"))
    enrolment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("enrolments.id"))
    student_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("students.id"))
    parent_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("orders.id"))
    standard_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("photo_standards.id"), comment="the version this order is judged by"
    )
    amount_fen: Mapped[fen]
    currency: Mapped[str] = mapped_column(default="CNY", server_default="CNY")
    delivery_method: Mapped[str]
    delivery_address: Mapped[Any] = mapped_column(EncryptedJSON, nullable=True)
    layout: Mapped[str | None]
    remark: Mapped[str | None] = mapped_column(EncryptedText)
    photo_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("photos.id", use_alter=True), comment="the picture submitted for review"
    )
    expires_at: Mapped[datetime | None] = mapped_column(comment="unpaid drafts close then")
    paid_at: Mapped[datetime | None]
    entered_at: Mapped[datetime | None] = mapped_column(comment="when the present state began")
    flagged: Mapped[str | None] = mapped_column(comment="why finance must look, e.g. refund_failed")

    batch: Mapped[Batch] = relationship()
    enrolment: Mapped[Enrolment] = relationship()
    student: Mapped[Student] = relationship()
    standard: Mapped[PhotoStandard] = relationship()
    items: Mapped[list[OrderItem]] = relationship(
        back_populates="order", order_by="OrderItem.position"
    )

    def __str__(self) -> str:
        return self.number


class OrderItem(Base):
    """One line of an order, with the price it had when it was ordered."""

    __tablename__ = "order_items"
    __table_args__ = (
        UniqueConstraint("order_id", "service_code"),
        CheckConstraint("quantity BETWEEN 1 AND 100", name="quantity_range"),
        CheckConstraint("unit_price_fen >= 0", name="unit_price_fen_not_negative"),
        CheckConstraint("amount_fen = quantity * unit_price_fen", name="amount_fen_adds_up"),
    )

    id: Mapped[uuid_pk]
    order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("orders.id"))
    service_code: Mapped[str]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    quantity: Mapped[int] = mapped_column(default=1)
    unit_price_fen: Mapped[fen]
    amount_fen: Mapped[fen]
    position: Mapped[int] = mapped_column(default=0, server_default="0")

    order: Mapped[Order] = relationship(back_populates="items")


class StateWrittenOutsideEngine(RuntimeError):
    """A programming error: some code set `order.state` without the workflow engine."""


_engine_writes: ContextVar[bool] = ContextVar("engine_writes", default=False)


@contextmanager
def engine_may_write_state() -> Iterator[None]:
    """Open the state attribute for the workflow engine; nobody else calls this."""
    token = _engine_writes.set(True)
    try:
        yield
    finally:
        _engine_writes.reset(token)


@event.listens_for(Order.state, "set")
def _only_the_engine_writes_state(order: Order, value: str, old: Any, initiator: Any) -> None:
    row = inspect(order)
    if _engine_writes.get() or (not row.persistent and value == OrderState.DRAFT):
        return
    raise StateWrittenOutsideEngine("order.state moves only through workflows.engine")
