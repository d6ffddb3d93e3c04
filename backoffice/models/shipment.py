"""Shipments of prints."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from backoffice.db import Base, Created, uuid_pk


class Shipment(Created, Base):
    """One parcel for one order."""

    __tablename__ = "shipments"
    __table_args__ = (
        UniqueConstraint("order_id"),
        CheckConstraint("length(carrier) BETWEEN 1 AND 50", name="carrier_length"),
        CheckConstraint("length(tracking_no) BETWEEN 1 AND 50", name="tracking_no_length"),
        Index("ix_shipments_tracking_no", "tracking_no"),
    )

    id: Mapped[uuid_pk]
    order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("orders.id"))
    carrier: Mapped[str]
    tracking_no: Mapped[str]
    staff_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("staff.id"))
    shipped_at: Mapped[datetime]
    received_at: Mapped[datetime | None]
