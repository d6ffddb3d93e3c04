"""Orders keep the version they started under; these functions move them to a newer one."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backoffice.models import Order
from backoffice.workflows.engine import Engine
from backoffice.workflows.errors import NoPlaceInVersion

CHUNK = 200


@dataclass(frozen=True)
class Step:
    """What would become of the orders in one state of one old version.

    `target` is None when the new version has no place for them: they stay as they are.
    """

    from_version: int
    state: str
    target: str | None
    orders: int


def plan(session: Session, engine: Engine, workflow: str, version: int) -> list[Step]:
    """Return what `migrate` would do, without doing it. Raises KeyError for an unknown version."""
    definition = engine.binding.definitions[(workflow, version)]
    rows = session.execute(
        select(Order.workflow_version, Order.state, func.count())
        .where(Order.workflow == workflow, Order.workflow_version != version)
        .group_by(Order.workflow_version, Order.state)
        .order_by(Order.workflow_version, Order.state)
    ).all()
    return [Step(old, state, definition.state_now(state), count) for old, state, count in rows]


def migrate(session: Session, engine: Engine, workflow: str, version: int) -> Iterator[int]:
    """Move the orders that have a place in `version`; yields after each chunk, to be committed.

    The number yielded is the orders moved so far. A crash leaves whole chunks done; run it again.
    """
    fitting = {s.state for s in plan(session, engine, workflow, version) if s.target is not None}
    moved, after = 0, uuid.UUID(int=0)
    while True:
        ids = session.scalars(
            select(Order.id)
            .where(
                Order.workflow == workflow,
                Order.workflow_version != version,
                Order.state.in_(fitting),
                Order.id > after,
            )
            .order_by(Order.id)
            .limit(CHUNK)
        ).all()
        if not ids:
            return
        for order_id in ids:
            try:
                engine.adopt(session, order_id, version)
            except NoPlaceInVersion:  # it moved on since it was listed: it stays, like the others
                continue
            moved += 1
        after = ids[-1]
        yield moved
