"""What a school's headings mean, remembered from the last time a clerk said so."""

from __future__ import annotations

import uuid
from collections.abc import Mapping as Pairs
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backoffice.imports.fields import heading_key
from backoffice.models.roster import RosterMapping


def recall(session: Session, school_id: uuid.UUID) -> dict[str, str]:
    """Return heading key -> field name (`-` for none) as the school last had it."""
    rows = session.execute(
        select(RosterMapping.heading, RosterMapping.field).where(
            RosterMapping.school_id == school_id
        )
    )
    return {heading: name for heading, name in rows}


def remember(session: Session, school_id: uuid.UUID, choices: Pairs[str, str]) -> None:
    """Keep heading -> field name for the school's next file; blank headings say nothing."""
    now = datetime.now(UTC)
    rows = {heading_key(heading): name for heading, name in choices.items() if heading_key(heading)}
    if not rows:
        return
    statement = insert(RosterMapping).values(
        [
            {"school_id": school_id, "heading": key, "field": name, "updated_at": now}
            for key, name in sorted(rows.items())
        ]
    )
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["school_id", "heading"],
            set_={"field": statement.excluded.field, "updated_at": now},
        )
    )
