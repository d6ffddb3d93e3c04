"""How long the machine's queue may get: then uploads are put off instead of waiting unseen."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backoffice.errors import BackofficeError
from backoffice.i18n import Text
from backoffice.models import Photo
from backoffice.models.vocabulary import PhotoStatus


class PhotoQueueFull(BackofficeError):
    """So many pictures wait for the machine that another one is not taken now."""

    code = "photo_queue_full"
    title = Text("处理照片的人较多", "Many pictures are waiting")
    detail = Text(
        "正在排队处理的照片较多，请一分钟后再上传；本次上传不计入次数。",
        "Many pictures are waiting. Upload again in a minute; this try does not count.",
    )


def waiting(session: Session, at_most: int) -> int:
    """Return how many pictures wait for the machine, counting no further than `at_most`."""
    queued = select(Photo.id).where(Photo.status == PhotoStatus.QUEUED).limit(at_most)
    return session.scalar(select(func.count()).select_from(queued.subquery())) or 0


def check_room(session: Session, limit: int) -> None:
    """Raise PhotoQueueFull when `limit` pictures are waiting already."""
    if waiting(session, limit) >= limit:
        raise PhotoQueueFull()
