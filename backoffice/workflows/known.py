"""What guards ask about orders, read beforehand for many of them with two statements.

Only for showing what would be allowed: a move itself reads under the order's lock.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Uuid, and_, any_, bindparam, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session, load_only, selectinload

from backoffice.models import Payment, Photo, Refund, ReviewDecision
from backoffice.models.vocabulary import PaymentStatus, PhotoStatus, RefundStatus

_IDS = bindparam("ids", type_=ARRAY(Uuid))
_PHOTOS = (
    select(Photo, ReviewDecision)
    .outerjoin(ReviewDecision, ReviewDecision.photo_id == Photo.id)
    .where(Photo.order_id == any_(_IDS))
    .options(
        load_only(Photo.order_id, Photo.attempt, Photo.status),
        selectinload(ReviewDecision.reasons),
    )
    .order_by(Photo.attempt.desc(), ReviewDecision.event_sequence.desc())
)
_PAYMENTS = (
    select(Payment, Refund)
    .outerjoin(
        Refund, and_(Refund.payment_id == Payment.id, Refund.status != RefundStatus.CANCELLED)
    )
    .where(
        Payment.order_id == any_(_IDS),
        Payment.status == PaymentStatus.SUCCEEDED,
        Payment.surplus.is_(False),
    )
)


@dataclass(frozen=True)
class Known:
    """An order's pictures (newest first), standing decisions (newest first) and settled money."""

    photos: tuple[Photo, ...] = ()
    decisions: tuple[ReviewDecision, ...] = ()
    payment: Payment | None = None
    refund: Refund | None = None

    @property
    def passed_photo(self) -> Photo | None:
        """The newest picture that passed and came after every rejected one."""
        rejected = {d.photo_id for d in self.decisions if d.decision == "reject"}
        for photo in self.photos:
            if photo.id in rejected:
                return None
            if photo.status == PhotoStatus.PASSED:
                return photo
        return None


def read_known(session: Session, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Known]:
    """Return order id -> what is known of it; every given id is there."""
    wanted = {"ids": list(ids)}
    photos: dict[uuid.UUID, list[Photo]] = defaultdict(list)
    decisions: dict[uuid.UUID, list[ReviewDecision]] = defaultdict(list)
    for photo, decision in session.execute(_PHOTOS, wanted):
        if not photos[photo.order_id] or photos[photo.order_id][-1] is not photo:
            photos[photo.order_id].append(photo)
        if decision is not None and decision.undone_at is None:
            decisions[photo.order_id].append(decision)
    money = {payment.order_id: (payment, refund) for payment, refund in
             session.execute(_PAYMENTS, wanted)}  # fmt: skip
    return {
        id: Known(
            tuple(photos[id]),
            tuple(sorted(decisions[id], key=lambda d: d.event_sequence, reverse=True)),
            *money.get(id, (None, None)),
        )
        for id in wanted["ids"]
    }
