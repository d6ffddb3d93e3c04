"""Online customer service: a ticket and the messages in it."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from backoffice.db import Base, Created, EncryptedText, uuid_pk


class Ticket(Created, Base):
    """A student's question."""

    __tablename__ = "tickets"
    __table_args__ = (
        CheckConstraint("state IN ('open','answered','closed')", name="state_known"),
        Index("ix_tickets_student_id", "student_id", "created_at"),
        Index("ix_tickets_state", "state", "created_at"),
    )

    id: Mapped[uuid_pk]
    student_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("students.id"))
    order_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("orders.id"))
    subject: Mapped[str] = mapped_column(EncryptedText)
    state: Mapped[str] = mapped_column(default="open")
    closed_at: Mapped[datetime | None]

    messages: Mapped[list[TicketMessage]] = relationship(order_by="TicketMessage.created_at")


class TicketMessage(Created, Base):
    """One message of a ticket, from the student or from staff."""

    __tablename__ = "ticket_messages"
    __table_args__ = (
        CheckConstraint("author IN ('student','staff')", name="author_known"),
        CheckConstraint("(author = 'staff') = (staff_id IS NOT NULL)", name="staff_named"),
        Index("ix_ticket_messages_ticket_id", "ticket_id"),
    )

    id: Mapped[uuid_pk]
    ticket_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tickets.id"))
    author: Mapped[str]
    staff_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("staff.id"))
    body: Mapped[str] = mapped_column(EncryptedText)
