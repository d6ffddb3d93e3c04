"""The outbox (effects waiting to leave) and the messages sent to people."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from backoffice.db import Base, Created, EncryptedText, json_object, utc_now, uuid_pk


class OutboxRow(Created, Base):
    """One effect, written in the transaction that caused it. Its id is the RQ job id.

    `effect` names the job to run; `payload` holds ids only. `dedupe_key` makes it happen once.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("dedupe_key"),
        CheckConstraint(
            "state IN ('waiting','published','done','dead','cancelled')", name="state_known"
        ),
        CheckConstraint("tries >= 0", name="tries_not_negative"),
        Index("ix_outbox_waiting", "available_at", postgresql_where=text("state = 'waiting'")),
        Index("ix_outbox_published", "published_at", postgresql_where=text("state = 'published'")),
        Index("ix_outbox_order_id", "order_id"),
        Index("ix_outbox_created_at", "created_at", "id"),
        Index(
            "ix_outbox_stopped",
            "state",
            "created_at",
            "id",
            postgresql_where=text("state IN ('dead','cancelled')"),
        ),
    )

    id: Mapped[uuid_pk]
    order_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("orders.id"))
    effect: Mapped[str]
    queue: Mapped[str] = mapped_column(default="default", server_default="default")
    payload: Mapped[json_object] = mapped_column(JSONB, default=dict)
    dedupe_key: Mapped[str]
    state: Mapped[str] = mapped_column(default="waiting", server_default="waiting")
    tries: Mapped[int] = mapped_column(default=0, server_default="0")
    available_at: Mapped[utc_now]
    published_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    last_error: Mapped[str | None]


class Message(Created, Base):
    """One SMS or e-mail to a student (or to a phone of the roster); the dedupe key makes a repeated job send nothing twice."""

    __tablename__ = "messages"
    __table_args__ = (
        UniqueConstraint("dedupe_key"),
        CheckConstraint("channel IN ('sms','email')", name="channel_known"),
        CheckConstraint(
            "status IN ('sending','sent','delivered','failed','unknown')", name="status_known"
        ),
        CheckConstraint("num_nonnulls(student_id, enrolment_id) >= 1", name="has_recipient"),
        Index("ix_messages_order_id", "order_id"),
        Index(
            "ix_messages_enrolment_id",
            "enrolment_id",
            postgresql_where=text("enrolment_id IS NOT NULL"),
        ),
        Index("ix_messages_provider_id", "provider", "provider_id"),
    )

    id: Mapped[uuid_pk]
    order_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("orders.id"))
    student_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("students.id"))
    enrolment_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("enrolments.id"), comment="set where somebody without an order is reminded"
    )
    template: Mapped[str]
    channel: Mapped[str]
    locale: Mapped[str]
    dedupe_key: Mapped[str]
    recipient: Mapped[str] = mapped_column(EncryptedText)
    body: Mapped[str] = mapped_column(EncryptedText)
    provider: Mapped[str]
    provider_id: Mapped[str | None]
    status: Mapped[str] = mapped_column(default="sending")
    error: Mapped[str | None]
    sent_at: Mapped[datetime | None]
