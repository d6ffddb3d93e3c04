"""What students ask a school to settle: wrong prefilled data, an entry somebody else has claimed."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from backoffice.db import Base, Created, EncryptedJSON, EncryptedText, uuid_pk
from backoffice.models.roster import Enrolment


class EnrolmentRequest(Created, Base):
    """One request about one roster entry; the school decides it once.

    `correction`: the data of an entry the student holds is wrong. `contest`: another account
    holds the entry. `details` is what the student wrote, sealed.
    """

    __tablename__ = "enrolment_requests"
    __table_args__ = (
        CheckConstraint("kind IN ('correction','contest')", name="kind_known"),
        CheckConstraint("state IN ('open','accepted','refused')", name="state_known"),
        CheckConstraint("(state = 'open') = (decided_at IS NULL)", name="decided_has_time"),
        CheckConstraint("(state = 'open') = (decided_by IS NULL)", name="decided_by_somebody"),
        Index(
            "uq_enrolment_requests_open",
            "enrolment_id",
            "student_id",
            "kind",
            unique=True,
            postgresql_where=text("state = 'open'"),
        ),
        Index("ix_enrolment_requests_state", "state", "id"),
        Index("ix_enrolment_requests_student_id", "student_id", "id"),
    )

    id: Mapped[uuid_pk]
    kind: Mapped[str]
    enrolment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("enrolments.id"))
    student_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("students.id"))
    details: Mapped[object] = mapped_column(
        EncryptedJSON, comment="{changes: {field: wanted value}, note}"
    )
    state: Mapped[str] = mapped_column(default="open", server_default="open")
    decided_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("staff.id"))
    decided_at: Mapped[datetime | None]
    answer: Mapped[str | None] = mapped_column(EncryptedText, comment="to the student")

    enrolment: Mapped[Enrolment] = relationship()
