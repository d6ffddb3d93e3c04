"""What guards ask about orders, read for one order or for many with the same two statements.

A page reads it beforehand for all it shows; a move reads it anew under the order's lock.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from sqlalchemy import Uuid, and_, any_, bindparam, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session, load_only, selectinload

from backoffice.models import Payment, Photo, Refund, ReviewDecision
from backoffice.models.photo import GONE
from backoffice.models.vocabulary import PaymentStatus, PhotoStatus, RefundStatus

_IDS = bindparam("ids", type_=ARRAY(Uuid))
# as it stands in the table: a photo the session holds may be older
_USABLE = and_(Photo.status == PhotoStatus.PASSED, Photo.original_key != GONE)
_PICTURES = (
    select(Photo, _USABLE, ReviewDecision)
    .outerjoin(
        ReviewDecision,
        and_(ReviewDecision.photo_id == Photo.id, ReviewDecision.undone_at.is_(None)),
    )
    .where(Photo.order_id == any_(_IDS))
    .options(
        load_only(Photo.order_id, Photo.attempt, Photo.status),
        selectinload(ReviewDecision.reasons),
    )
    .order_by(Photo.attempt.desc(), ReviewDecision.event_sequence.desc())
)
_MONEY = (
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


@dataclass
class Pictures:
    """An order's pictures and the decisions that stand, each newest first.

    `passed`: the newest picture that passed the checks, is still kept, and came after every
    rejected one.
    """

    photos: list[Photo] = field(default_factory=list)
    decisions: list[ReviewDecision] = field(default_factory=list)
    passed: Photo | None = None


@dataclass(frozen=True)
class Money:
    """The payment that paid an order, and its refund unless that was taken back."""

    payment: Payment | None = None
    refund: Refund | None = None


@dataclass(frozen=True)
class Known:
    """All that guards ask about one order."""

    pictures: Pictures
    money: Money


def read_known(session: Session, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Known]:
    """Return order id -> what is known of it; every given id is there."""
    pictures, money = read_pictures(session, ids), read_money(session, ids)
    return {id: Known(pictures[id], money[id]) for id in ids}


def read_pictures(session: Session, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Pictures]:
    """Return order id -> its pictures; every given id is there."""
    found = {id: Pictures() for id in ids}
    passed: set[uuid.UUID] = set()
    for photo, usable, decision in session.execute(_PICTURES, {"ids": list(ids)}):
        order = found[photo.order_id]
        if photo not in order.photos[-1:]:
            order.photos.append(photo)
        if usable:
            passed.add(photo.id)
        if decision is not None:
            order.decisions.append(decision)
    for order in found.values():
        order.decisions.sort(key=lambda decision: decision.event_sequence, reverse=True)
        order.passed = _newest_passed(order, passed)
    return found


def _newest_passed(order: Pictures, passed: set[uuid.UUID]) -> Photo | None:
    rejected = {d.photo_id for d in order.decisions if d.decision == "reject"}
    after = takewhile(lambda photo: photo.id not in rejected, order.photos)
    return next((photo for photo in after if photo.id in passed), None)


def read_money(session: Session, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Money]:
    """Return order id -> its settled money; every given id is there."""
    rows = session.execute(_MONEY, {"ids": list(ids)})
    settled = {payment.order_id: Money(payment, refund) for payment, refund in rows}
    return {id: settled.get(id, Money()) for id in ids}
