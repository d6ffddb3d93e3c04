"""The reasons on the number keys: those of the order's standard, most used in this batch first."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from backoffice.models import ReasonUse, RejectionReason


def count_uses(session: Session, batch_id: uuid.UUID, codes: Collection[str]) -> None:
    """Count each reason of one rejection in its batch."""
    if not codes:
        return
    # sorted: two reviewers who count the same reasons lock the rows in the same order
    rows = [{"batch_id": batch_id, "reason_code": code, "uses": 1} for code in sorted(set(codes))]
    counting = insert(ReasonUse).values(rows)
    session.execute(
        counting.on_conflict_do_update(
            index_elements=["batch_id", "reason_code"], set_={"uses": ReasonUse.uses + 1}
        )
    )


def reasons_by_batch(
    session: Session, batches: Collection[tuple[uuid.UUID, str]]
) -> dict[tuple[uuid.UUID, str], list[RejectionReason]]:
    """Return, for each (batch, standard's name), the reasons in force in the order of their keys."""
    wanted = (ReasonUse.reason_code == RejectionReason.code) & ReasonUse.batch_id.in_(
        {batch_id for batch_id, _ in batches}
    )
    rows = session.execute(
        select(RejectionReason, ReasonUse.batch_id, ReasonUse.uses)
        .outerjoin(ReasonUse, wanted)
        .where(RejectionReason.retired_at.is_(None))
        .order_by(RejectionReason.position, RejectionReason.code)
    ).all()
    catalogue = list({row.RejectionReason.code: row.RejectionReason for row in rows}.values())
    counts = {(row.batch_id, row.RejectionReason.code): row.uses for row in rows}
    return {
        (batch_id, standard): sorted(
            reasons_for(catalogue, standard),
            key=lambda reason: -counts.get((batch_id, reason.code), 0),
        )
        for batch_id, standard in batches
    }


def reasons_for(catalogue: Sequence[RejectionReason], standard: str) -> list[RejectionReason]:
    """Return the reasons that may be given for photos of this standard."""
    return [r for r in catalogue if not r.standards or standard in r.standards]
