"""Taking a decision back while none of its effects has left the outbox."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from backoffice.workflows.actors import Actor
from backoffice.workflows.binding import Context
from backoffice.workflows.definition import UNDO
from backoffice.workflows.errors import UndoNotPossible, UndoTooLate
from backoffice.workflows.events import Moved
from backoffice.workflows.moving import Mover

MAX_FOLLOWS = 10


class Undoer:
    """Finds what may be taken back, and takes it back."""

    def __init__(self, mover: Mover) -> None:
        self.mover = mover
        self.binding = mover.binding

    def undo(self, context: Context) -> Moved:
        """Take back the actor's latest decision on the locked order; UndoNotPossible, UndoTooLate."""
        session, order = context.session, context.order
        undone = self._tail(session, order, context.actor)
        for row in self._held(session, order, undone, context.now, lock=True):
            row.state, row.done_at = "cancelled", context.now
        session.flush()
        context.event_data = {"undoes": undone[-1].sequence}
        with session.no_autoflush:
            for event in undone:
                context.event = event
                for record in self.mover.definition_of(order).by_name[event.transition].records:
                    if record in self.binding.undo_records:
                        self.binding.undo_records[record](context)
            order.entered_at = context.now
            return self.mover.place(context, UNDO, undone[-1].from_state)

    def until(self, session: Session, order: Any, actor: Actor, now: datetime) -> datetime | None:
        """Return until when `undo` would succeed; None when it would not now."""
        try:
            undone = self._tail(session, order, actor)
            held = self._held(session, order, undone, now)
        except (UndoNotPossible, UndoTooLate):
            return None
        until: datetime = min(row.available_at for row in held)
        return until

    def _tail(self, session: Session, order: Any, actor: Actor) -> list[Any]:
        """Return the events to undo, newest first: system follow-ups, then the actor's own."""
        table = self.binding.event
        newest = session.scalars(
            select(table)
            .where(table.order_id == order.id)
            .order_by(table.sequence.desc())
            .limit(MAX_FOLLOWS)
        )
        tail = []
        for event in newest:
            tail.append(event)
            if event.actor_kind != "system":
                break
        known = self.mover.definition_of(order).by_name
        # an undo itself, or the move to another version since, is nobody's decision
        if not tail or any(event.transition not in known for event in tail):
            raise UndoNotPossible()
        first = tail[-1]
        transition = known[first.transition]
        if not transition.undoable or (first.actor_kind, first.actor_id) != (actor.kind, actor.id):
            raise UndoNotPossible()
        if not actor.roles & transition.roles_from(first.from_state):
            raise UndoNotPossible()  # the role was taken away meanwhile
        return tail

    def _held(
        self, session: Session, order: Any, undone: list[Any], now: datetime, lock: bool = False
    ) -> list[Any]:
        """Return the outbox rows of these events, all still waiting; UndoTooLate otherwise."""
        outbox = self.binding.outbox
        query = select(outbox).where(
            outbox.order_id == order.id,
            outbox.dedupe_key.in_(
                f"{order.id}/{event.sequence}/{effect}"
                for event in undone
                for effect in self.binding.effects
            ),
        )
        if lock:
            query = query.with_for_update().execution_options(populate_existing=True)
        rows = list(session.scalars(query))
        if not rows or any(row.state != "waiting" or row.available_at <= now for row in rows):
            raise UndoTooLate()
        return rows
