"""Per state: how many orders are in it now, and how long orders stayed there."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from backoffice.admin.labels import newest_definitions
from backoffice.admin.people import own_school
from backoffice.db import db
from backoffice.models import Batch, Order
from backoffice.security.tenancy import visible
from backoffice.workflows.definition import Definition, State
from backoffice.workflows.figures import ServiceTime, service_times

NEWEST = 20_000  # orders the times are drawn from: half a second, however long the history


@dataclass(frozen=True)
class StateRow:
    """One state: the orders in it now, and how long orders stayed; None when none has left it."""

    state: State
    count: int
    times: ServiceTime | None


@dataclass(frozen=True)
class WorkflowFigures:
    """One workflow with its states, in the order of the definition."""

    definition: Definition
    rows: Sequence[StateRow]

    @property
    def counts(self) -> dict[str, int]:
        """Orders by state."""
        return {row.state.name: row.count for row in self.rows}

    @property
    def used(self) -> bool:
        """True if there is any order of this workflow."""
        return any(self.counts.values())

    @property
    def newest(self) -> int | None:
        """How many orders the times are drawn from at most; None if that is all of them."""
        return NEWEST if sum(self.counts.values()) > NEWEST else None


def figures(batch: uuid.UUID | None) -> list[WorkflowFigures]:
    """Return every workflow with what this member may see, of one batch or of all."""
    counts = _counts(batch)
    times = {(r.workflow, r.state): r for r in service_times(db.session(), _batches(batch), NEWEST)}
    return [
        WorkflowFigures(
            definition,
            [
                StateRow(
                    state,
                    counts.get((definition.name, state.name), 0),
                    times.get((definition.name, state.name)),
                )
                for state in definition.states
            ],
        )
        for definition in newest_definitions()
    ]


def _counts(batch: uuid.UUID | None) -> dict[tuple[str, str], int]:
    query = select(Order.workflow, Order.state, func.count()).where(visible(Order, own_school()))
    if batch is not None:
        query = query.where(Order.batch_id == batch)
    rows = db.session.execute(query.group_by(Order.workflow, Order.state))
    return {(workflow, state): number for workflow, state, number in rows}


def _batches(chosen: uuid.UUID | None) -> list[uuid.UUID] | None:
    """Return the batches to look at: the chosen one, the school's, or None for all."""
    if chosen is None and own_school() is None:
        return None
    query = select(Batch.id).where(visible(Batch, own_school()))
    if chosen is not None:
        query = query.where(Batch.id == chosen)
    return list(db.session.scalars(query))
