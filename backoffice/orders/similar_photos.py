"""Pictures that look the same: found by fingerprint, through an index, among all that were uploaded."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy import Integer, String, and_, cast, exists, func, literal, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, BIT
from sqlalchemy.orm import Session

from backoffice.models import Order, Photo, ReviewDecision
from backoffice.models.vocabulary import PhotoStatus
from backoffice.photos import duplicates

LIMIT = 20


@dataclass(frozen=True)
class SimilarPhoto:
    """A picture like the one asked about. `distance`: fingerprint bits that differ (0 to 4).

    `rejected`: a reviewer rejected it and that stands.
    """

    photo_id: uuid.UUID
    order_id: uuid.UUID
    same_student: bool
    same_file: bool
    rejected: bool
    distance: int


def similar_photos(session: Session, photo: Photo, limit: int = LIMIT) -> list[SimilarPhoto]:
    """Return other pictures that look like `photo` or are the same file, nearest first.

    Pictures of all students; only those the machine passed or a reviewer rejected, so that two
    pictures of an empty wall are no pair. Whoever shows them must see to it that nobody learns
    another student's name.
    """
    look = photo.perceptual_hash.hex() if photo.perceptual_hash else None
    return find_similar(session, photo, look, limit)


def find_similar(
    session: Session, photo: Photo, look: str | None, limit: int = LIMIT
) -> list[SimilarPhoto]:
    """As `similar_photos`, for a fingerprint (16 hex characters) that is not stored yet."""
    student_id = session.scalar(select(Order.student_id).where(Order.id == photo.order_id))
    rejected = exists().where(
        ReviewDecision.photo_id == Photo.id,
        ReviewDecision.decision == "reject",
        ReviewDecision.undone_at.is_(None),
    )
    same_file = Photo.original_sha256 == photo.original_sha256
    distance = func.bit_count(
        cast(func.concat("x", func.encode(Photo.perceptual_hash, "hex")), BIT(64)).op("#")(
            cast(literal(f"x{look or 0:0>16}", String), BIT(64))
        )
    )
    near = cast(duplicates.bands(look) if look else [], ARRAY(Integer))
    looks_alike = and_(Photo.look_bands.op("&&")(near), distance <= duplicates.NEAR_BITS)
    rows = session.execute(
        select(Photo.id, Photo.order_id, Order.student_id, same_file, rejected, distance)
        .join(Order, Order.id == Photo.order_id)
        .where(
            or_(same_file, looks_alike),
            Photo.id != photo.id,
            or_(Photo.status == PhotoStatus.PASSED, rejected),
        )
        .order_by(same_file.desc(), distance, Photo.created_at)
        .limit(limit)
    )
    return [
        SimilarPhoto(
            photo_id=photo_id,
            order_id=order_id,
            same_student=owner == student_id,
            same_file=is_file,
            rejected=was_rejected,
            distance=0 if is_file else int(bits),
        )
        for photo_id, order_id, owner, is_file, was_rejected, bits in rows
    ]
