"""The steps of a move, inside the caller's transaction and under the order's lock."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg.errors
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from backoffice.db import uuid7
from backoffice.workflows.actors import SYSTEM
from backoffice.workflows.binding import Binding, Context
from backoffice.workflows.definition import Definition, Transition
from backoffice.workflows.errors import ChainBroken, TransitionDenied
from backoffice.workflows.events import Moved, event_hash, note_digest


class Mover:
    """Writes moves: state, event, records, timers and outbox rows, all at once."""

    def __init__(self, binding: Binding) -> None:
        self.binding = binding

    def definition_of(self, order: Any) -> Definition:
        """Return the definition, in the version, that the order started under."""
        return self.binding.definitions[(order.workflow, order.workflow_version)]

    def check_guards(self, transition: Transition, context: Context) -> None:
        """Raise TransitionDenied with the first guard's reason."""
        for guard in transition.guards:
            self.binding.guards[guard](context)

    def move(self, context: Context, transition: Transition, key: str | None) -> Moved:
        """Move along an allowed transition and return its event."""
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
            if any(rule.state == source for rule in self.definition_of(order).timers):
                self._cancel_timers(context)
            self.arm_timers(context)
            self._write_outbox(context, transition)
            self._write(context)
        return event

    def place(self, context: Context, name: str, state: str) -> Moved:
        """Put the order into `state` outside its transitions (undo, another version).

        Its timers are armed afresh. The event, called `name`, is returned.
        """
        session, order = context.session, context.order
        source = order.state
        with session.no_autoflush:
            self._cancel_timers(context)
            with self.binding.state_writer():
                order.state = state
            order.version += 1
            event = self._append_event(context, name, source, None)
            self.arm_timers(context)
            self._write(context)
        return event

    def _write(self, context: Context) -> None:
        """Write everything at once; raises ChainBroken if the event does not follow the last."""
        try:
            context.writing.write(context.session, context.order)
        except IntegrityError as error:
            if isinstance(error.orig, psycopg.errors.RestrictViolation):
                raise ChainBroken() from error
            raise

    def follow(self, context: Context, transition: Transition) -> None:
        """Fire what follows the transition by itself: the first whose condition holds."""
        for follow in transition.follows:
            then = self.definition_of(context.order).by_name[follow.transition]
            inner = Context(context.session, context.order, then, SYSTEM, context.now)
            try:
                self.binding.guards[follow.when](inner)
                self.check_guards(then, inner)
            except TransitionDenied:
                continue
            self.move(inner, then, None)
            self.follow(inner, then)
            return

    def arm_timers(self, context: Context) -> None:
        """Collect the timers of the order's present state."""
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

    def _cancel_timers(self, context: Context) -> None:
        timer = self.binding.timer
        context.session.execute(
            update(timer)
            .where(timer.order_id == context.order.id, timer.state == "waiting")
            .values(state="cancelled", settled_at=context.now)
        )

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
