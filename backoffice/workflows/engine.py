"""The workflow engine: the one place that moves anything from state to state.

It is generic: tables, guards, records and effects come in through a `Binding`, so it imports no
model. Everything happens inside the caller's transaction; the caller commits once.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg.errors
from sqlalchemy import bindparam, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, defer

from backoffice.db import uuid7
from backoffice.i18n import Text
from backoffice.workflows.actors import SYSTEM, Actor
from backoffice.workflows.definition import Definition, DefinitionError, Transition
from backoffice.workflows.errors import (
    IdempotencyKeyReused,
    NoPlaceInVersion,
    OrderBusy,
    OrderNotFound,
    TransitionDataMissing,
    TransitionDenied,
    TransitionForbidden,
    TransitionNotAllowed,
    UndoNotPossible,
    UndoTooLate,
    VersionConflict,
)
from backoffice.workflows.writing import Writing

MAX_NOTE = 500
ADOPT, UNDO = "adopt_version", "undo"  # events, not transitions: nobody can fire them
MAX_FOLLOWS = 10


@dataclass
class Context:
    """What guards, records and due rules see. `event` is None while guards are checked."""

    session: Session
    order: Any
    transition: Transition | None
    actor: Actor
    now: datetime
    data: dict[str, Any] = field(default_factory=dict)
    event: Any = None
    event_data: dict[str, Any] = field(default_factory=dict)
    writing: Writing = field(default_factory=Writing)


@dataclass
class Moved:
    """The event of a move just written: the same fields as the event table's row."""

    id: uuid.UUID
    order_id: uuid.UUID
    sequence: int
    transition: str
    from_state: str
    to_state: str
    at: datetime
    actor_kind: str
    actor_id: str | None
    reasons: list[str]
    note: str | None
    note_digest: bytes | None
    data: dict[str, Any]
    workflow: str
    workflow_version: int
    idempotency_key: str | None
    previous_hash: bytes | None
    hash: bytes = b""


Guard = Callable[[Context], None]  # raises TransitionDenied
Record = Callable[[Context], None]  # writes rows in the same transaction, may fill event_data
DueRule = Callable[[Context], datetime | None]


@dataclass(frozen=True)
class Effect:
    """A job that follows a transition. `delay` in seconds holds it back (undo window, retry)."""

    queue: str = "default"
    delay: Callable[[Context], float] | None = None


@dataclass(frozen=True)
class Binding:
    """The tables and functions the engine works with."""

    order: type[Any]
    event: type[Any]
    timer: type[Any]
    outbox: type[Any]
    definitions: Mapping[tuple[str, int], Definition]
    guards: Mapping[str, Guard]
    records: Mapping[str, Record]
    effects: Mapping[str, Effect]
    due_rules: Mapping[str, DueRule]
    undo_records: Mapping[str, Record]  # by record name: how its rows are taken back
    state_writer: Callable[[], AbstractContextManager[None]]
    unread: tuple[Any, ...] = ()  # sealed columns that no guard or record looks at

    def verify(self) -> None:
        """Check every definition; raises DefinitionError naming all flaws."""
        flaws = []
        for definition in self.definitions.values():
            try:
                definition.verify(self.guards, self.records, self.effects, self.due_rules)
            except DefinitionError as error:
                flaws.append(str(error))
        if flaws:
            raise DefinitionError("\n".join(flaws))


class Engine:
    """Moves orders. One instance serves the whole process; it keeps no state of its own."""

    def __init__(self, binding: Binding, clock: Callable[[], datetime] | None = None) -> None:
        binding.verify()
        self.binding = binding
        self._clock = clock or (lambda: datetime.now(UTC))
        order = binding.order
        self._lock_query = (
            select(order)
            .where(order.id == bindparam("order_id"))
            .options(*(defer(attribute) for attribute in binding.unread))
            .with_for_update()
            .execution_options(populate_existing=True)
        )

    # -- asking ---------------------------------------------------------------------------

    def definition_of(self, order: Any) -> Definition:
        """Return the definition, in the version, that the order started under."""
        return self.binding.definitions[(order.workflow, order.workflow_version)]

    def allowed(self, session: Session, order: Any, actor: Actor) -> list[Transition]:
        """Return what `actor` may do with `order` now: exactly what `fire` would accept.

        Data a person still has to give (reasons, tracking number) is not counted as missing.
        """
        if not actor.may_see(order):
            return []
        context = Context(session, order, None, actor, self._clock())
        found = []
        for transition in self.definition_of(order).transitions:
            context.transition = transition
            if order.state in transition.sources and actor.roles & transition.roles_from(
                order.state
            ):
                try:
                    self._check_guards(transition, context)
                except TransitionDenied:
                    continue
                found.append(transition)
        return found

    # -- moving ---------------------------------------------------------------------------

    def start(self, session: Session, order: Any) -> None:
        """Add a new order in its initial state and arm that state's timers. Flushes."""
        now = self._clock()
        order.entered_at = now
        session.add(order)
        session.flush()
        context = Context(session, order, None, SYSTEM, now)
        self._arm_timers(context)
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
        TransitionNotAllowed, TransitionDataMissing, TransitionDenied, IdempotencyKeyReused.
        """
        order = self.lock(session, order_id)
        if not actor.may_see(order):
            raise OrderNotFound()
        if idempotency_key is not None:
            earlier = self._earlier(session, order_id, idempotency_key)
            if earlier is not None:
                if earlier.transition != name:
                    raise IdempotencyKeyReused()
                return earlier
        if expected_version is not None and expected_version != order.version:
            raise VersionConflict(expected=expected_version, actual=order.version)
        transition = self._find(order, name, actor)
        context = Context(session, order, transition, actor, self._clock())
        context.data = _clean_data(transition, data or {})
        self._check_guards(transition, context)
        event = self._move(context, transition, idempotency_key)
        self._follow(context, transition)
        return event

    def undo(self, session: Session, order_id: uuid.UUID, *, actor: Actor) -> Moved:
        """Take back `actor`'s own latest decision, and what followed it by itself.

        Possible while none of its effects has left the outbox: those rows are cancelled, the
        records taken back, and an event leads to the state before. History is added to, never
        removed. Raises UndoNotPossible, UndoTooLate, OrderNotFound, OrderBusy.
        """
        order = self.lock(session, order_id)
        if not actor.may_see(order):
            raise OrderNotFound()
        undone = self._undoable_tail(session, order, actor)
        self._cancel_effects(session, order, undone)
        context = Context(session, order, None, actor, self._clock())
        context.event_data = {"undoes": undone[-1].sequence}
        source = order.state
        with session.no_autoflush:
            self._cancel_timers(context)
            for event in undone:
                context.event = event
                for record in self.definition_of(order).by_name[event.transition].records:
                    if record in self.binding.undo_records:
                        self.binding.undo_records[record](context)
            with self.binding.state_writer():
                order.state = undone[-1].from_state
            order.version += 1
            order.entered_at = context.now
            moved = self._append_event(context, UNDO, source, None)
            self._arm_timers(context)
            context.writing.write(session, order)
        return moved

    def undo_until(self, session: Session, order: Any, actor: Actor) -> datetime | None:
        """Return until when `undo` would succeed for this actor; None when it would not now."""
        if not actor.may_see(order):
            return None
        try:
            undone = self._undoable_tail(session, order, actor)
            held = self._held_effects(session, order, undone)
        except (UndoNotPossible, UndoTooLate):
            return None
        until: datetime = min(row.available_at for row in held)
        return until

    def can_undo(self, session: Session, order: Any, actor: Actor) -> bool:
        """Return whether `undo` would succeed for this actor now."""
        return self.undo_until(session, order, actor) is not None

    def _undoable_tail(self, session: Session, order: Any, actor: Actor) -> list[Any]:
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
        if not tail or tail[-1].transition not in self.definition_of(order).by_name:
            raise UndoNotPossible()
        first = tail[-1]
        transition = self.definition_of(order).by_name[first.transition]
        if not transition.undoable or (first.actor_kind, first.actor_id) != (actor.kind, actor.id):
            raise UndoNotPossible()
        return tail

    def _cancel_effects(self, session: Session, order: Any, undone: list[Any]) -> None:
        """Cancel the waiting outbox rows of these events; UndoTooLate if any has left."""
        now = self._clock()
        for row in self._held_effects(session, order, undone, lock=True):
            row.state, row.done_at = "cancelled", now
        session.flush()

    def _held_effects(
        self, session: Session, order: Any, undone: list[Any], lock: bool = False
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
        now = self._clock()
        if not rows or any(row.state != "waiting" or row.available_at <= now for row in rows):
            raise UndoTooLate()
        return rows

    def adopt(self, session: Session, order_id: uuid.UUID, version: int) -> Moved:
        """Move an order to another version of its definition and return the event.

        The state keeps its place (or takes its new name); timers are armed afresh. Raises
        NoPlaceInVersion, OrderNotFound, OrderBusy.
        """
        order = self.lock(session, order_id)
        target = self.binding.definitions[(order.workflow, version)].state_now(order.state)
        if target is None:
            raise NoPlaceInVersion(state=order.state, workflow=order.workflow, version=version)
        context = Context(session, order, None, SYSTEM, self._clock())
        context.event_data = {"from_version": order.workflow_version}
        source = order.state
        with session.no_autoflush:
            self._cancel_timers(context)
            with self.binding.state_writer():
                order.state = target
            order.workflow_version = version
            order.version += 1
            event = self._append_event(context, ADOPT, source, None)
            self._arm_timers(context)
            context.writing.write(session, order)
        return event

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

    # -- the steps of a move --------------------------------------------------------------

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

    def _check_guards(self, transition: Transition, context: Context) -> None:
        for guard in transition.guards:
            self.binding.guards[guard](context)

    def _move(self, context: Context, transition: Transition, key: str | None) -> Any:
        session, order = context.session, context.order
        source = order.state
        # no flush before the end: the new state reaches the database together with its event
        with session.no_autoflush:
            with self.binding.state_writer():
                self.definition_of(order).machine.events[transition.name].trigger(order)
            order.version += 1
            order.entered_at = context.now
            for record in transition.records:
                self.binding.records[record](context)
            event = self._append_event(context, transition.name, source, key)
            self._replace_timers(context, source)
            self._write_outbox(context, transition)
            context.writing.write(session, order)
        return event

    def _append_event(self, context: Context, name: str, source: str, key: str | None) -> Moved:
        order = context.order
        note = context.data.get("note")
        event = Moved(
            id=uuid7(),
            order_id=order.id,
            sequence=order.version,
            transition=name,
            from_state=source,
            to_state=order.state,
            at=context.now,
            actor_kind=context.actor.kind,
            actor_id=context.actor.id,
            reasons=list(context.data.get("reasons", [])),
            note=note,
            note_digest=note_digest(order.id, order.version, note),
            data=context.event_data,
            workflow=order.workflow,
            workflow_version=order.workflow_version,
            idempotency_key=key,
            previous_hash=order.last_hash,
        )
        event.hash = order.last_hash = event_hash(event)
        context.writing.add(self.binding.event, **vars(event))
        context.event = event
        return event

    def _replace_timers(self, context: Context, source: str) -> None:
        if any(rule.state == source for rule in self.definition_of(context.order).timers):
            self._cancel_timers(context)
        self._arm_timers(context)

    def _cancel_timers(self, context: Context) -> None:
        timer = self.binding.timer
        context.session.execute(
            update(timer)
            .where(timer.order_id == context.order.id, timer.state == "waiting")
            .values(state="cancelled", settled_at=context.now)
        )

    def _arm_timers(self, context: Context) -> None:
        order = context.order
        for rule in self.definition_of(order).timers:
            if rule.state != order.state:
                continue
            due = self.binding.due_rules[rule.due](context)
            if due is not None:
                context.writing.add(
                    self.binding.timer,
                    order_id=order.id,
                    name=rule.name,
                    transition=rule.transition,
                    armed_sequence=order.version,
                    due_at=due,
                )

    def _write_outbox(self, context: Context, transition: Transition) -> None:
        order = context.order
        for name in transition.effects:
            effect = self.binding.effects[name]
            delay = effect.delay(context) if effect.delay else 0.0
            context.writing.add(
                self.binding.outbox,
                order_id=order.id,
                effect=name,
                queue=effect.queue,
                payload={"order_id": str(order.id), "sequence": order.version},
                dedupe_key=f"{order.id}/{order.version}/{name}",
                available_at=context.now + timedelta(seconds=delay),
            )

    def _follow(self, context: Context, transition: Transition) -> None:
        for follow in transition.follows:
            then = self.definition_of(context.order).by_name[follow.transition]
            inner = Context(context.session, context.order, then, SYSTEM, context.now)
            try:
                self.binding.guards[follow.when](inner)
                self._check_guards(then, inner)
            except TransitionDenied:
                continue
            self._move(inner, then, None)
            self._follow(inner, then)
            return


def _not_allowed(definition: Definition, state: str, label: Text) -> TransitionNotAllowed:
    shown = definition.states_by_name[state].label
    return TransitionNotAllowed(
        state_zh=shown.zh, state_en=shown.en, transition_zh=label.zh, transition_en=label.en
    )


def _clean_data(transition: Transition, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the data the transition asks for, trimmed; raises TransitionDataMissing.

    Anything it does not ask for is dropped, except `note`, which every transition may carry.
    """
    cleaned: dict[str, Any] = {}
    missing = {}
    for wanted in transition.requires:
        value = data.get(wanted.name)
        if wanted.kind == "reasons":
            value = _unique_words(value)
        elif isinstance(value, str):
            value = value.strip()[: wanted.max_length]
        elif value is not None:
            value = None
        if value:
            cleaned[wanted.name] = value
        elif wanted.required:
            missing[wanted.name] = wanted.label
    if missing:
        raise TransitionDataMissing(missing)
    note = data.get("note")
    if "note" not in cleaned and isinstance(note, str) and note.strip():
        cleaned["note"] = note.strip()[:MAX_NOTE]
    return cleaned


def _unique_words(value: Any) -> list[str]:
    words: Iterable[Any] = value if isinstance(value, list | tuple) else []
    return list(dict.fromkeys(w.strip().upper() for w in words if isinstance(w, str) and w.strip()))


def note_digest(order_id: uuid.UUID, sequence: int, note: str | None) -> bytes | None:
    """Return the digest of a note that the hash chain covers (the note itself stays sealed)."""
    if note is None:
        return None
    return hashlib.sha256(f"{order_id}/{sequence}/{note}".encode()).digest()


def event_hash(event: Any) -> bytes:
    """Return SHA-256 over everything the event says and the hash of the event before it."""
    digest = event.note_digest
    said = {
        "order": str(event.order_id),
        "sequence": event.sequence,
        "transition": event.transition,
        "from": event.from_state,
        "to": event.to_state,
        "at": event.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": [event.actor_kind, event.actor_id],
        "reasons": list(event.reasons),
        "note": digest.hex() if digest else None,
        "data": event.data,
        "workflow": [event.workflow, event.workflow_version],
        "key": event.idempotency_key,
    }
    body = json.dumps(said, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256((event.previous_hash or b"") + body.encode()).digest()
