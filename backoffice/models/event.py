"""The history of orders: append-only, numbered without gaps, each row hashed over the one before."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from backoffice.db import Base, EncryptedText, json_object, uuid_pk


class OrderEvent(Base):
    """One move of one order. Only `note` (sealed) may hold words a person wrote."""

    __tablename__ = "order_events"
    __table_args__ = (
        UniqueConstraint("order_id", "sequence"),
        CheckConstraint("sequence >= 1", name="sequence_positive"),
        CheckConstraint(
            "actor_kind IN ('student','staff','timer','provider','system')", name="actor_known"
        ),
        CheckConstraint("octet_length(hash) = 32", name="hash_length"),
        CheckConstraint("(sequence = 1) = (previous_hash IS NULL)", name="chain_start"),
        Index(
            "uq_order_events_idempotency_key",
            "order_id",
            "idempotency_key",
            unique=True,
            postgresql_where=text("idempotency_key IS NOT NULL"),
        ),
        Index("ix_order_events_at", "at", "id"),
        Index("ix_order_events_transition", "transition", "at", "id"),
    )

    id: Mapped[uuid_pk]
    order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("orders.id"))
    sequence: Mapped[int]
    transition: Mapped[str]
    from_state: Mapped[str]
    to_state: Mapped[str]
    at: Mapped[datetime]
    actor_kind: Mapped[str]
    actor_id: Mapped[str | None]
    reasons: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    note: Mapped[str | None] = mapped_column(EncryptedText)
    note_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    data: Mapped[json_object] = mapped_column(JSONB, default=dict)
    workflow: Mapped[str]
    workflow_version: Mapped[int]
    idempotency_key: Mapped[str | None]
    previous_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    hash: Mapped[bytes] = mapped_column(LargeBinary(32))


class Timer(Base):
    """Something that happens by itself at `due_at`, once.

    An order's timer fires a transition unless the order has left the state before; any other
    timer runs a named action on its subject (a batch that closes, a lease that expires).
    """

    __tablename__ = "timers"
    __table_args__ = (
        CheckConstraint("state IN ('waiting','fired','cancelled')", name="state_known"),
        CheckConstraint(
            "(order_id IS NULL) = (transition IS NULL) AND "
            "(order_id IS NULL) = (action IS NOT NULL) AND "
            "(order_id IS NULL) = (subject_id IS NOT NULL)",
            name="order_or_action",
        ),
        UniqueConstraint("order_id", "name", "armed_sequence"),
        Index("ix_timers_due", "due_at", postgresql_where=text("state = 'waiting'")),
        Index(
            "uq_timers_waiting_action",
            "action",
            "subject_id",
            unique=True,
            postgresql_where=text("state = 'waiting' AND action IS NOT NULL"),
        ),
    )

    id: Mapped[uuid_pk]
    order_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("orders.id"))
    name: Mapped[str]
    transition: Mapped[str | None]
    action: Mapped[str | None] = mapped_column(
        comment="what to do with the subject, e.g. batch.close"
    )
    subject_id: Mapped[uuid.UUID | None]
    armed_sequence: Mapped[int] = mapped_column(comment="order.version when it was armed")
    due_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(default="waiting", server_default="waiting")
    outcome: Mapped[str | None]
    settled_at: Mapped[datetime | None]
