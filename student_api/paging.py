"""Cursors: opaque to clients; to us a row's time-ordered id, or a place in a short list."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Sequence
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field

from student_api.field_messages import one_field

Item = TypeVar("Item")
DEFAULT_LIMIT = 20
MAX_LIMIT = 100


class PageQuery(BaseModel):
    """`limit` items per page, from `cursor` on."""

    model_config = ConfigDict(extra="forbid")
    limit: int = Field(default=DEFAULT_LIMIT, ge=1, le=MAX_LIMIT)
    cursor: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_-]{22}$")

    def position(self) -> uuid.UUID | None:
        """Return the id the page starts after. Raises RequestInvalid."""
        if self.cursor is None:
            return None
        try:
            return uuid.UUID(bytes=_decoded(self.cursor))
        except ValueError:
            raise one_field("cursor", "uuid_parsing") from None


class ShortListQuery(BaseModel):
    """`limit` items from `cursor` on; without `limit` everything that is left."""

    model_config = ConfigDict(extra="forbid")
    limit: int | None = Field(default=None, ge=1, le=MAX_LIMIT)
    cursor: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_-]{6}$")

    def page(self, items: Sequence[Item]) -> tuple[list[Item], str | None]:
        """Return this page of a list that is short by nature, and the cursor of the next.

        Raises RequestInvalid for a cursor that is none of ours.
        """
        start = self._start()
        end = len(items) if self.limit is None else start + self.limit
        more = _encoded(end.to_bytes(4, "big")) if end < len(items) else None
        return list(items[start:end]), more

    def _start(self) -> int:
        if self.cursor is None:
            return 0
        try:
            place = _decoded(self.cursor)
        except ValueError:
            place = b""
        if len(place) != 4:
            raise one_field("cursor", "uuid_parsing")
        return int.from_bytes(place, "big")


def cursor_after(row_id: uuid.UUID) -> str:
    """Return the cursor of the page that follows this row."""
    return _encoded(row_id.bytes)


def _encoded(place: bytes) -> str:
    return base64.urlsafe_b64encode(place).decode().rstrip("=")


def _decoded(cursor: str) -> bytes:
    padded = cursor + "=" * (-len(cursor) % 4)
    return base64.urlsafe_b64decode(padded.encode("ascii"))
