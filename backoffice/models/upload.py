"""Uploads that arrive in parts, so that a dropped connection costs one part and not the picture."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from backoffice.db import Base, Created, uuid_pk


class PhotoUpload(Created, Base):
    """A picture on its way. Parts are sealed files `uploads/{id}/{offset}`; `photo_id` ends it."""

    __tablename__ = "photo_uploads"
    __table_args__ = (
        CheckConstraint("source IN ('camera','album')", name="source_known"),
        CheckConstraint("total_bytes > 0", name="total_positive"),
        CheckConstraint("received_bytes BETWEEN 0 AND total_bytes", name="received_in_range"),
        CheckConstraint("octet_length(sha256) = 32", name="sha256_length"),
        Index("ix_photo_uploads_order_id", "order_id"),
        Index("ix_photo_uploads_expires_at", "expires_at"),
    )

    id: Mapped[uuid_pk]
    order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("orders.id"))
    student_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("students.id"))
    source: Mapped[str]
    total_bytes: Mapped[int]
    received_bytes: Mapped[int] = mapped_column(default=0, server_default="0")
    offsets: Mapped[list[int]] = mapped_column(
        ARRAY(BigInteger), default=list, server_default="{}", comment="where each part begins"
    )
    sha256: Mapped[bytes | None] = mapped_column(LargeBinary(32), comment="announced by the client")
    photo_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("photos.id"))
    expires_at: Mapped[datetime]
