"""Student accounts, their consents, sign-in tokens and addresses."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from backoffice.db import Base, Created, EncryptedText, utc_now, uuid_pk


class Student(Created, Base):
    """An account in the student API. Everything personal is sealed.

    An account opened by WeChat has no document, name and password until the student gives them.
    An erased one has nothing left but its id, to which anonymous orders point.
    """

    __tablename__ = "students"
    __table_args__ = (
        UniqueConstraint("id_index"),
        UniqueConstraint("wechat_index"),
        Index("ix_students_phone_index", "phone_index"),
        CheckConstraint("gender IN ('male','female')", name="gender_known"),
        CheckConstraint("locale IN ('zh','en')", name="locale_known"),
        CheckConstraint(
            "id_type IN ('resident_id','hk_macau_permit','taiwan_permit','passport',"
            "'foreign_pr','hk_id')",
            name="id_type_known",
        ),
        CheckConstraint(
            "(id_number IS NULL) = (id_index IS NULL) AND (id_number IS NULL) = (id_type IS NULL)"
            " AND (id_number IS NULL) = (name IS NULL)",
            name="document_whole",
        ),
        CheckConstraint(
            "(id_index IS NOT NULL AND password_hash IS NOT NULL) OR wechat_index IS NOT NULL"
            " OR erased_at IS NOT NULL",
            name="can_sign_in",
        ),
        CheckConstraint(
            "erased_at IS NULL OR (NOT active AND num_nonnulls(id_index, name, email, gender,"
            " wechat_index, password_hash) = 0)",
            name="erased_is_empty",
        ),
        Index(
            "ix_students_erasure_requested_at",
            "erasure_requested_at",
            postgresql_where=text("erasure_requested_at IS NOT NULL AND erased_at IS NULL"),
        ),
    )

    id: Mapped[uuid_pk]
    id_type: Mapped[str | None]
    id_number: Mapped[str | None] = mapped_column(EncryptedText)
    id_index: Mapped[bytes | None] = mapped_column(
        LargeBinary(32), comment="of the document's match key"
    )
    name: Mapped[str | None] = mapped_column(EncryptedText)
    phone: Mapped[str] = mapped_column(EncryptedText, comment="E.164")
    phone_index: Mapped[bytes] = mapped_column(LargeBinary(32))
    email: Mapped[str | None] = mapped_column(EncryptedText)
    gender: Mapped[str | None]
    locale: Mapped[str] = mapped_column(default="zh", server_default="zh")
    wechat_index: Mapped[bytes | None] = mapped_column(
        LargeBinary(32), comment="blind index of the WeChat openid"
    )
    password_hash: Mapped[str | None]
    must_change_password: Mapped[bool] = mapped_column(default=False)
    active: Mapped[bool] = mapped_column(default=True, server_default="true")
    erasure_requested_at: Mapped[datetime | None]
    erased_at: Mapped[datetime | None]


class StudentConsent(Base):
    """Which version of which text a student agreed to, and when."""

    __tablename__ = "student_consents"
    __table_args__ = (
        UniqueConstraint("student_id", "kind", "version"),
        CheckConstraint("kind IN ('terms','privacy','portrait')", name="kind_known"),
    )

    id: Mapped[uuid_pk]
    student_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("students.id"))
    kind: Mapped[str]
    version: Mapped[str]
    given_at: Mapped[utc_now]


class StudentToken(Created, Base):
    """An opaque access or refresh token, kept as SHA-256 only.

    Tokens of one sign-in share a `family`; a spent refresh token used again revokes the family.
    """

    __tablename__ = "student_tokens"
    __table_args__ = (
        UniqueConstraint("token_hash"),
        CheckConstraint("kind IN ('access','refresh')", name="kind_known"),
        CheckConstraint("octet_length(token_hash) = 32", name="token_hash_length"),
        Index("ix_student_tokens_family", "family"),
        Index("ix_student_tokens_student_id", "student_id"),
    )

    id: Mapped[uuid_pk]
    student_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("students.id"))
    family: Mapped[uuid.UUID]
    kind: Mapped[str]
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    expires_at: Mapped[datetime]
    spent_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class Address(Created, Base):
    """A student's delivery address; deleting hides it, orders keep their own snapshot."""

    __tablename__ = "addresses"
    __table_args__ = (
        Index("ix_addresses_student_id", "student_id"),
        Index(
            "uq_addresses_default",
            "student_id",
            unique=True,
            postgresql_where=text("is_default AND deleted_at IS NULL"),
        ),
    )

    id: Mapped[uuid_pk]
    student_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("students.id"))
    recipient: Mapped[str] = mapped_column(EncryptedText)
    phone: Mapped[str] = mapped_column(EncryptedText)
    province: Mapped[str]
    city: Mapped[str]
    district: Mapped[str]
    detail: Mapped[str] = mapped_column(EncryptedText)
    postcode: Mapped[str | None]
    is_default: Mapped[bool] = mapped_column(default=False)
    deleted_at: Mapped[datetime | None]


class IdempotencyRecord(Created, Base):
    """The answer given to a request with an Idempotency-Key, written in the same transaction."""

    __tablename__ = "idempotency_records"
    __table_args__ = (
        UniqueConstraint("scope", "key"),
        Index("ix_idempotency_created", "created_at"),
    )

    id: Mapped[uuid_pk]
    scope: Mapped[str] = mapped_column(comment="account or address digest, method and path")
    key: Mapped[str]
    body_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    status: Mapped[int]
    answer: Mapped[str] = mapped_column(EncryptedText)
