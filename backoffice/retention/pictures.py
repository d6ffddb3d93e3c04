"""How long pictures are kept, as the consent texts promise (DOMAIN section 9).

Unused ones (not the picture an order was decided on, or the order came to nothing) until
UNUSED_PHOTO_DAYS after their batch closed; finished ones until FINISHED_PHOTO_DAYS after their
order was completed, and not while a reprint of them is under way.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from time import monotonic

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.orm import Session, aliased

from backoffice.models import Batch, Order, Photo
from backoffice.models.photo import GONE
from backoffice.models.vocabulary import DEAD_STATES, OrderState
from backoffice.retention.erasure import ENDED, delete_files
from backoffice.retention.traces import blank_photos
from backoffice.settings import Settings
from backoffice.storage import Storage

AT_ONCE = 200
SECONDS = 60.0  # of one run; what is left of very many is taken the next day


def purge_pictures(
    session: Session, storage: Storage, settings: Settings, now: datetime | None = None
) -> int:
    """Delete pictures whose time is over, files and what was measured; return how many.

    Commits after every AT_ONCE of them, then deletes their files.
    """
    moment = now or datetime.now(UTC)
    over = or_(
        _unused(moment - timedelta(days=settings.unused_photo_days)),
        _finished(moment - timedelta(days=settings.finished_photo_days)),
    )
    count, until = 0, monotonic() + SECONDS
    while True:
        rows = session.execute(
            select(Photo.id, Photo.original_key, Photo.result_key)
            .join(Order, Order.id == Photo.order_id)
            .join(Batch, Batch.id == Order.batch_id)
            .where(Photo.original_key != GONE, over)
            .limit(AT_ONCE)
            .with_for_update(of=Photo, skip_locked=True)
        ).all()
        blank_photos(session, Photo.id, [row.id for row in rows])
        session.commit()
        delete_files(storage, [key for _, *keys in rows for key in keys if key])
        count += len(rows)
        if len(rows) < AT_ONCE or monotonic() > until:
            return count


def _unused(closed_before: datetime) -> ColumnElement[bool]:
    not_chosen = or_(Order.photo_id.is_(None), Order.photo_id != Photo.id)
    return and_(Batch.closes_at < closed_before, or_(not_chosen, Order.state.in_(DEAD_STATES)))


def _finished(completed_before: datetime) -> ColumnElement[bool]:
    reprint = aliased(Order)
    return and_(
        Order.state == OrderState.COMPLETED,
        Order.entered_at < completed_before,
        ~exists().where(reprint.parent_id == Order.id, reprint.state.not_in(ENDED)),
    )
