"""Pictures like this one found elsewhere, for the reviewer's eye; no machine verdict."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from backoffice.models import Enrolment, Order, Photo
from backoffice.orders.similar_photos import SimilarPhoto, similar_photos
from backoffice.security.tenancy import visible

SHOWN = 4


@dataclass(frozen=True)
class SimilarPicture:
    """A picture of another order, with what a reviewer may know of its owner."""

    found: SimilarPhoto
    number: str
    name_masked: str


def similar_pictures(
    session: Session, photo: Photo, school_id: uuid.UUID | None
) -> list[SimilarPicture]:
    """Return pictures of other orders that look like this one, as far as this reviewer may see."""
    alike = [one for one in similar_photos(session, photo) if one.order_id != photo.order_id]
    if not alike:
        return []
    rows = session.execute(
        select(Order.id, Order.number, Enrolment.name_masked)
        .join(Enrolment, Enrolment.id == Order.enrolment_id)
        .where(Order.id.in_({one.order_id for one in alike}), visible(Order, school_id))
    )
    known = {row.id: row for row in rows}
    return [
        SimilarPicture(one, known[one.order_id].number, known[one.order_id].name_masked)
        for one in alike
        if one.order_id in known
    ][:SHOWN]
