"""What the engine works with: the tables, guards, records, effects and due rules bound to it.

Nothing here knows an order: `workflows/orders.py` puts the real parts in, tests others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from backoffice.workflows.actors import Actor
from backoffice.workflows.definition import Definition, DefinitionError, Transition
from backoffice.workflows.writing import Writing


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
