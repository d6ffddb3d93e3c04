"""What the engine works with: the tables, guards, records, effects and due rules bound to it.

Nothing here knows an order: `workflows/orders.py` puts the real parts in, tests others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from backoffice.workflows.actors import Actor
from backoffice.workflows.checking import verify
from backoffice.workflows.definition import Definition, DefinitionError, Transition
from backoffice.workflows.writing import Writing


@dataclass
class Context:
    """What guards, records and due rules see. `event` is None while guards are checked.

    `known`: what guards ask, where it was read beforehand (moves read it themselves).
    """

    session: Session
    order: Any
    transition: Transition | None
    actor: Actor
    now: datetime
    data: dict[str, Any] = field(default_factory=dict)
    event: Any = None
    event_data: dict[str, Any] = field(default_factory=dict)
    writing: Writing = field(default_factory=Writing)
    known: Any = None


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
                verify(definition, self.guards, self.records, self.effects, self.due_rules)
            except DefinitionError as error:
                flaws.append(str(error))
            flaws += self._undo_flaws(definition)
        if flaws:
            raise DefinitionError("\n".join(flaws))

    def _undo_flaws(self, definition: Definition) -> Iterator[str]:
        """Name what an undo of a decision, and of what may follow it, would leave behind."""
        for first in definition.transitions:
            if not first.undoable:
                continue
            follows = [definition.by_name.get(f.transition) for f in first.follows]
            for then in (first, *(t for t in follows if t is not None)):
                for record in then.records:
                    if record in self.records and record not in self.undo_records:
                        yield (
                            f"{definition.name} v{definition.version}: {first.name!r} may be "
                            f"undone, but nothing takes the record {record!r} back"
                        )
