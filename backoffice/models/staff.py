"""Staff accounts and roles, in the shape Flask-Security expects, and the record of their access."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from flask_security import AsaList, RoleMixin, UserMixin
from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.mutable import MutableList
from sqlalchemy.orm import Mapped, mapped_column, relationship

from backoffice.db import Base, Created, EncryptedText, json_object, utc_now, uuid_pk
from backoffice.models.vocabulary import StaffRole, one_of

if TYPE_CHECKING:
    from backoffice.models.school import School

staff_roles = Table(
    "staff_roles",
    Base.metadata,
    Column("staff_id", ForeignKey("staff.id", ondelete="CASCADE"), primary_key=True),
    Column("role_id", ForeignKey("roles.id", ondelete="RESTRICT"), primary_key=True),
)


class Role(Base, RoleMixin):
    """One of the five roles; the rows are laid by the first migration."""

    __tablename__ = "roles"
    __table_args__ = (UniqueConstraint("name"), one_of("name", StaffRole))

    id: Mapped[uuid_pk]  # type: ignore[assignment]
    name: Mapped[str]
    description: Mapped[str] = mapped_column(default="", server_default="")
    permissions: Mapped[Any] = mapped_column(MutableList.as_mutable(AsaList()), nullable=True)

    def __str__(self) -> str:
        return self.name


class Staff(Created, Base, UserMixin):
    """A member of staff. `school_id` set means: sees this school's rows only."""

    __tablename__ = "staff"
    __table_args__ = (
        UniqueConstraint("email"),
        UniqueConstraint("fs_uniquifier"),
        CheckConstraint("failed_sign_ins >= 0", name="failed_sign_ins_not_negative"),
        Index("ix_staff_school_id", "school_id"),
    )

    id: Mapped[uuid_pk]  # type: ignore[assignment]
    email: Mapped[str]
    name: Mapped[str]
    password: Mapped[str | None]
    active: Mapped[bool] = mapped_column(default=True, server_default="true")
    fs_uniquifier: Mapped[str] = mapped_column(String(64))
    locale: Mapped[str] = mapped_column(default="zh", server_default="zh")
    school_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("schools.id"))
    last_login_at: Mapped[datetime | None]  # type: ignore[assignment]
    current_login_at: Mapped[datetime | None]  # type: ignore[assignment]
    login_count: Mapped[int] = mapped_column(default=0, server_default="0")
    must_change_password: Mapped[bool] = mapped_column(
        default=False, server_default="false", comment="the password was given by somebody else"
    )
    failed_sign_ins: Mapped[int] = mapped_column(default=0, server_default="0")
    locked_until: Mapped[datetime | None]
    tf_primary_method: Mapped[str | None]
    tf_totp_secret: Mapped[str | None] = mapped_column(EncryptedText)
    tf_last_counter: Mapped[int | None] = mapped_column(
        comment="time step of the newest accepted code: no code opens twice"
    )
    mf_recovery_codes: Mapped[Any] = mapped_column(
        JSONB(none_as_null=True), nullable=True, comment="keyed digests of the codes not used yet"
    )

    roles: Mapped[list[Role]] = relationship(  # type: ignore[assignment]
        secondary=staff_roles, lazy="selectin"
    )
    school: Mapped[School | None] = relationship()

    @property
    def locked(self) -> bool:
        """True while too many wrong passwords or codes keep everybody out of this account."""
        return self.locked_until is not None and self.locked_until > datetime.now(UTC)

    def __str__(self) -> str:
        return self.name


class AccessRecord(Base):
    """Who looked at or took out what: one row per access to personal data, never changed."""

    __tablename__ = "access_records"
    __table_args__ = (
        Index("ix_access_records_subject", "subject_kind", "subject_id", "at"),
        Index("ix_access_records_staff_id_at", "staff_id", "at"),
    )

    id: Mapped[uuid_pk]
    at: Mapped[utc_now]
    staff_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("staff.id"))
    action: Mapped[str] = mapped_column(comment="tag such as photo:view, export:download")
    subject_kind: Mapped[str]
    subject_id: Mapped[str]
    address_digest: Mapped[bytes | None] = mapped_column(LargeBinary)
    data: Mapped[json_object] = mapped_column(JSONB, default=dict, server_default="{}")
