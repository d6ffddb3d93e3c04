"""Filters a member of staff has named, shown above the list they belong to."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backoffice.db import uuid7
from backoffice.errors import InvalidInput
from backoffice.i18n import Text
from backoffice.models import SavedView

NAME_MAX = 30
PER_ROOM = 20


def views_of(session: Session, staff_id: uuid.UUID, room: str) -> Sequence[SavedView]:
    """Return the member's views of one room by name."""
    query = select(SavedView).where(SavedView.staff_id == staff_id, SavedView.room == room)
    return session.scalars(query.order_by(SavedView.name)).all()


def save_view(
    session: Session, staff_id: uuid.UUID, room: str, name: str, args: Mapping[str, Any]
) -> None:
    """Keep a filter under a name; the same name is overwritten. Raises InvalidInput."""
    cleaned = " ".join(name.split())
    if not 1 <= len(cleaned) <= NAME_MAX:
        reason = Text("请填写 1–30 字的名称。", "Give a name of 1–30 letters.")
        raise InvalidInput("name", reason)
    of_room = (SavedView.staff_id == staff_id, SavedView.room == room, SavedView.name != cleaned)
    if (session.scalar(select(func.count()).where(*of_room)) or 0) >= PER_ROOM:
        reason = Text(
            "每个列表最多保存 {most} 个筛选，请先删除不用的。",
            "A list keeps {most} filters at most; remove one first.",
        )
        raise InvalidInput("name", reason, most=PER_ROOM)
    row = insert(SavedView).values(
        id=uuid7(), staff_id=staff_id, room=room, name=cleaned, args=dict(args)
    )
    session.execute(
        row.on_conflict_do_update(
            index_elements=["staff_id", "room", "name"], set_={"args": row.excluded.args}
        )
    )


def drop_view(session: Session, staff_id: uuid.UUID, view_id: uuid.UUID) -> None:
    """Remove a view of one's own; anything else is left alone."""
    session.execute(
        delete(SavedView).where(SavedView.id == view_id, SavedView.staff_id == staff_id)
    )
