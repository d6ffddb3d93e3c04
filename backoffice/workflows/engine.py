"""The workflow engine: the one place that moves anything from state to state.

It is generic: tables, guards, records and effects come in through a `Binding`, so it imports no
model. Everything happens inside the caller's transaction; the caller commits once.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import psycopg.errors
from sqlalchemy import bindparam, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, defer

from backoffice.errors import BackofficeError
from backoffice.i18n import Text
from backoffice.workflows.actors import SYSTEM, Actor
from backoffice.workflows.binding import Binding, Context
from backoffice.workflows.definition import ADOPT, RESERVED, UNDO, Definition, Transition
from backoffice.workflows.errors import (
    IdempotencyKeyReused,
    NoPlaceInVersion,
    OrderBusy,
    OrderNotFound,
    TransitionDenied,
    TransitionForbidden,
    TransitionNotAllowed,
    VersionConflict,
)
from backoffice.workflows.events import Moved
from backoffice.workflows.given_data import cleaned_data
from backoffice.workflows.moving import Mover
from backoffice.workflows.undoing import Undoer

log = logging.getLogger(__name__)


class Engine:
    """Moves orders. One instance serves the whole process; it keeps no state of its own."""

    def __init__(self, binding: Binding, clock: Callable[[], datetime] | None = None) -> None:
        binding.verify()
        self.binding = binding
        self._clock = clock or (lambda: datetime.now(UTC))
        self._mover = Mover(binding)
        self._undoer = Undoer(self._mover)
        defined = (t.name for d in binding.definitions.values() for t in d.transitions)
        self._names = RESERVED.union(defined)  # what may stand in a log line
        order = binding.order
        self._lock_query = (
            select(order)
            .where(order.id == bindparam("order_id"))
            .options(*(defer(attribute) for attribute in binding.unread))
            .with_for_update()
            .execution_options(populate_existing=True)
        )

    def definition_of(self, order: Any) -> Definition:
        """Return the definition, in the version, that the order started under."""
        return self._mover.definition_of(order)

    def allowed(
        self, session: Session, order: Any, actor: Actor, known: Any = None
    ) -> list[Transition]:
        """Return what `actor` may do with `order` now: exactly what `fire` would accept.

        Data a person still has to give (reasons, tracking number) is not counted as missing.
        known: what the guards ask, where the caller has read it for many orders at once.
        """
        if not actor.may_see(order):
            return []
        context = Context(session, order, None, actor, self._clock(), known=known)
        found = []
        for transition in self.definition_of(order).transitions:
            context.transition = transition
            if order.state in transition.sources and actor.roles & transition.roles_from(
                order.state
            ):
                try:
                    self._mover.check_guards(transition, context)
                except TransitionDenied:
                    continue
                found.append(transition)
        return found

    def start(self, session: Session, order: Any) -> None:
        """Add a new order in its initial state and arm that state's timers. Flushes."""
        now = self._clock()
        order.entered_at = now
        session.add(order)
        session.flush()
        context = Context(session, order, None, SYSTEM, now)
        self._mover.arm_timers(context)
        context.writing.insert(session)

    def fire(
        self,
        session: Session,
        order_id: uuid.UUID,
        name: str,
        *,
        actor: Actor,
        data: Mapping[str, Any] | None = None,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> Any:
        """Move one order and return the event. Runs in the caller's transaction.

        Locks the row, compares the version, checks role, state, data and guards, moves, raises the
        version, writes records, the event, timers and outbox rows; then what follows by itself.
        A repeated `idempotency_key` returns the first call's event and changes nothing.
        Raises OrderNotFound, OrderBusy, VersionConflict, TransitionForbidden,
        TransitionNotAllowed, TransitionDataMissing, TransitionDenied, IdempotencyKeyReused; each
        refusal is one log line.
        """
        with self._refusals_told(order_id, name, actor):
            order = self._lock_visible(session, order_id, actor)
            if idempotency_key is not None:
                earlier = self._earlier(session, order_id, idempotency_key)
                if earlier is not None:
                    return _same_call(earlier, name, actor)
            return self._fire(
                session, order, name, actor, data or {}, expected_version, idempotency_key
            )

    def _fire(
        self,
        session: Session,
        order: Any,
        name: str,
        actor: Actor,
        data: Mapping[str, Any],
        expected_version: int | None,
        key: str | None,
    ) -> Moved:
        if expected_version is not None and expected_version != order.version:
            raise VersionConflict(expected=expected_version, actual=order.version)
        transition = self._find(order, name, actor)
        context = Context(session, order, transition, actor, self._clock())
        context.data = cleaned_data(transition, data)
        self._mover.check_guards(transition, context)
        event = self._mover.move(context, transition, key)
        self._mover.follow(context, transition)
        return event

    def undo(self, session: Session, order_id: uuid.UUID, *, actor: Actor) -> Moved:
        """Take back `actor`'s own latest decision, and what followed it by itself.

        Possible while none of its effects has left the outbox: those rows are cancelled, the
        records taken back, and an event leads to the state before. History is added to, never
        removed. Raises UndoNotPossible, UndoTooLate, OrderNotFound, OrderBusy.
        """
        with self._refusals_told(order_id, UNDO, actor):
            order = self._lock_visible(session, order_id, actor)
            return self._undoer.undo(Context(session, order, None, actor, self._clock()))

    def undo_until(self, session: Session, order: Any, actor: Actor) -> datetime | None:
        """Return until when `undo` would succeed for this actor; None when it would not now."""
        if not actor.may_see(order):
            return None
        return self._undoer.until(session, order, actor, self._clock())

    def adopt(self, session: Session, order_id: uuid.UUID, version: int) -> Moved:
        """Move an order to another version of its definition and return the event.

        The state keeps its place (or takes its new name); timers are armed afresh. Raises
        NoPlaceInVersion, OrderNotFound, OrderBusy.
        """
        with self._refusals_told(order_id, ADOPT, SYSTEM):
            return self._adopt(session, self.lock(session, order_id), version)

    def _adopt(self, session: Session, order: Any, version: int) -> Moved:
        target = self.binding.definitions[(order.workflow, version)].state_now(order.state)
        if target is None:
            raise NoPlaceInVersion(state=order.state, workflow=order.workflow, version=version)
        context = Context(session, order, None, SYSTEM, self._clock())
        context.event_data = {"from_version": order.workflow_version}
        order.workflow_version = version
        return self._mover.place(context, ADOPT, target)

    def lock(self, session: Session, order_id: uuid.UUID) -> Any:
        """Return the order, freshly read under a row lock. Raises OrderNotFound, OrderBusy."""
        try:
            order = session.execute(self._lock_query, {"order_id": order_id}).scalar_one_or_none()
        except OperationalError as error:
            if isinstance(error.orig, psycopg.errors.LockNotAvailable):
                raise OrderBusy() from error
            raise
        if order is None:
            raise OrderNotFound()
        return order

    def _lock_visible(self, session: Session, order_id: uuid.UUID, actor: Actor) -> Any:
        order = self.lock(session, order_id)
        if not actor.may_see(order):
            raise OrderNotFound()
        return order

    @contextmanager
    def _refusals_told(self, order_id: uuid.UUID, name: str, actor: Actor) -> Iterator[None]:
        """Log what is refused: ids and codes, never anything a person typed."""
        try:
            yield
        except BackofficeError as error:
            log.warning(
                "refused order=%s transition=%s actor=%s/%s why=%s",
                order_id, name if name in self._names else "unknown",
                actor.kind, actor.id or "-", error.code,
            )  # fmt: skip
            raise

    def _earlier(self, session: Session, order_id: uuid.UUID, key: str) -> Any:
        event_table = self.binding.event
        return session.execute(
            select(event_table).where(
                event_table.order_id == order_id, event_table.idempotency_key == key
            )
        ).scalar_one_or_none()

    def _find(self, order: Any, name: str, actor: Actor) -> Transition:
        definition = self.definition_of(order)
        transition = definition.by_name.get(name)
        if transition is None:
            raise _not_allowed(definition, order.state, Text(name[:40], name[:40]))
        if not actor.roles & {w.role for w in transition.who}:
            raise TransitionForbidden()
        if order.state not in transition.sources or not actor.roles & transition.roles_from(
            order.state
        ):
            raise _not_allowed(definition, order.state, transition.label)
        return transition


def _same_call(earlier: Any, name: str, actor: Actor) -> Any:
    """Return the event of the first call under a key, if this is that call again."""
    if (earlier.transition, earlier.actor_kind, earlier.actor_id) != (name, actor.kind, actor.id):
        raise IdempotencyKeyReused()
    return earlier


def _not_allowed(definition: Definition, state: str, label: Text) -> TransitionNotAllowed:
    shown = definition.states_by_name[state].label
    return TransitionNotAllowed(
        state_zh=shown.zh, state_en=shown.en, transition_zh=label.zh, transition_en=label.en
    )
