"""Cursors: opaque to clients, a row's time-ordered id to us."""

from __future__ import annotations

import base64
import uuid

from pydantic import BaseModel, ConfigDict, Field

from student_api.field_messages import one_field

DEFAULT_LIMIT = 20
MAX_LIMIT = 50


class PageQuery(BaseModel):
    """`limit` items per page, from `cursor` on."""

    model_config = ConfigDict(extra="forbid")
    limit: int = Field(default=DEFAULT_LIMIT, ge=1, le=MAX_LIMIT)
    cursor: str | None = Field(default=None, max_length=60)

    def position(self) -> uuid.UUID | None:
        """Return the id the page starts after. Raises RequestInvalid."""
        if self.cursor is None:
            return None
        try:
            padded = self.cursor + "=" * (-len(self.cursor) % 4)
            return uuid.UUID(bytes=base64.urlsafe_b64decode(padded.encode("ascii")))
        except ValueError:
            raise one_field("cursor", "uuid_parsing") from None


def cursor_after(row_id: uuid.UUID) -> str:
    """Return the cursor of the page that follows this row."""
    return base64.urlsafe_b64encode(row_id.bytes).decode().rstrip("=")
