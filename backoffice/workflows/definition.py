"""What a workflow definition is made of; `checking.py` keeps a wrong one from starting."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from transitions import Machine

from backoffice.i18n import Text

KNOWN_ROLES = frozenset(
    {
        "student",
        "admin",
        "school",
        "reviewer",
        "operator",
        "finance",
        "timer",
        "system",
        "payment_provider",
        "refund_provider",
    }
)


# What the engine calls its own events: nobody fires these.
UNDO = "undo"
ADOPT = "adopt_version"
RESERVED = frozenset({UNDO, ADOPT})


class DefinitionError(Exception):
    """The definition cannot be run; the message names what is wrong, one sentence a line."""


@dataclass(frozen=True)
class State:
    """A place an order can be in. `tone` is the colour family pages show it in."""

    name: str
    label: Text
    terminal: bool = False
    tone: Literal["neutral", "waiting", "working", "good", "bad"] = "neutral"


@dataclass(frozen=True)
class Who:
    """A role that may fire a transition, from all its sources or only from `sources`."""

    role: str
    sources: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Field:
    """One thing a transition must or may be given."""

    name: str
    label: Text
    kind: Literal["reasons", "text", "note"] = "text"
    required: bool = True
    max_length: int = 500


@dataclass(frozen=True)
class Follow:
    """A transition that follows in the same transaction when its guard `when` holds."""

    transition: str
    when: str


@dataclass(frozen=True)
class Transition:
    """One allowed move.

    guards: read-only conditions, checked after the lock, all must hold.
    records: rows written in the same transaction (a decision, a refund, a shipment).
    effects: jobs that leave through the outbox after the commit.
    undoable: whoever fired it may take it back within the undo window (see `Engine.undo`).
    """

    name: str
    sources: tuple[str, ...]
    target: str
    label: Text
    who: tuple[Who, ...]
    guards: tuple[str, ...] = ()
    records: tuple[str, ...] = ()
    effects: tuple[str, ...] = ()
    requires: tuple[Field, ...] = ()
    follows: tuple[Follow, ...] = ()
    undoable: bool = False

    def roles_from(self, source: str) -> frozenset[str]:
        """Return the roles that may fire this from `source`."""
        return frozenset(w.role for w in self.who if w.sources is None or source in w.sources)


@dataclass(frozen=True)
class TimerRule:
    """While an order is in `state`, fire `transition` at the time the rule `due` gives."""

    name: str
    state: str
    due: str
    transition: str


@dataclass(frozen=True)
class Definition:
    """A whole workflow as data. `name` and `version` are stored on every order that follows it."""

    name: str
    version: int
    title: Text
    initial: str
    states: tuple[State, ...]
    transitions: tuple[Transition, ...]
    timers: tuple[TimerRule, ...] = ()
    extra_roles: frozenset[str] = field(default_factory=frozenset)
    # states of earlier versions that are called differently now: (old name, new name)
    renamed_states: tuple[tuple[str, str], ...] = ()

    def state_now(self, old: str) -> str | None:
        """Return what a state of an earlier version is called here; None if it has no place."""
        name = dict(self.renamed_states).get(old, old)
        return name if name in self.states_by_name else None

    @cached_property
    def by_name(self) -> dict[str, Transition]:
        """Transitions by name."""
        return {t.name: t for t in self.transitions}

    @cached_property
    def states_by_name(self) -> dict[str, State]:
        """States by name."""
        return {s.name: s for s in self.states}

    @cached_property
    def machine(self) -> Machine:
        """The graph, run by the library `transitions`.

        No model is added and no automatic `to_…` triggers exist: those would skip every guard.
        """
        return Machine(
            model=None,
            states=[s.name for s in self.states],
            transitions=[
                {"trigger": t.name, "source": list(t.sources), "dest": t.target}
                for t in self.transitions
            ],
            initial=self.initial,
            auto_transitions=False,
            send_event=True,
        )
