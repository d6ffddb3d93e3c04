"""Where members of staff are signed in, and the invitations that let them choose a password."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from backoffice.db import Base, Created, utc_now, uuid_pk


class StaffSession(Created, Base):
    """One sign-in on one device. The cookie names it; an ended one opens nothing any more."""

    __tablename__ = "staff_sessions"
    __table_args__ = (
        CheckConstraint(
            "end_reason IN ('signed_out','ended_elsewhere','password_changed','idle','closed')",
            name="end_reason_known",
        ),
        CheckConstraint("(ended_at IS NULL) = (end_reason IS NULL)", name="ended_has_reason"),
        Index(
            "ix_staff_sessions_live",
            "staff_id",
            "last_seen_at",
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[uuid_pk]
    staff_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("staff.id"))
    last_seen_at: Mapped[utc_now]
    device: Mapped[str] = mapped_column(comment="browser and system in a few words")
    address_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str | None]


class StaffInvitation(Created, Base):
    """A one-time link by e-mail. The token is drawn when it is sent; only its digest is kept."""

    __tablename__ = "staff_invitations"
    __table_args__ = (Index("ix_staff_invitations_staff_id", "staff_id", "created_at"),)

    id: Mapped[uuid_pk]
    staff_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("staff.id"))
    invited_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("staff.id"))
    token_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    sent_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
