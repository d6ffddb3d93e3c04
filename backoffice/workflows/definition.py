"""What a workflow definition is made of, and the checks that keep a wrong one from starting."""

from __future__ import annotations

from collections.abc import Collection, Iterator
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

    def verify(
        self,
        guards: Collection[str],
        records: Collection[str],
        effects: Collection[str],
        due_rules: Collection[str],
    ) -> None:
        """Raise DefinitionError naming every flaw: see the `_…_flaws` generators below."""
        known = {"guard": guards, "record": records, "effect": effects, "due rule": due_rules}
        flaws = [
            *_state_flaws(self),
            *_transition_flaws(self),
            *_reach_flaws(self),
            *_name_flaws(self, known),
            *_timer_flaws(self),
        ]
        if flaws:
            raise DefinitionError("\n".join(f"{self.name} v{self.version}: {f}" for f in flaws))


def _state_flaws(d: Definition) -> Iterator[str]:
    names = [s.name for s in d.states]
    yield from (f"state {n!r} is defined twice" for n in sorted(set(names)) if names.count(n) > 1)
    if d.initial not in names:
        yield f"the initial state {d.initial!r} is not a state"
    triggers = [t.name for t in d.transitions]
    for name in sorted(set(triggers)):
        if triggers.count(name) > 1:
            yield f"transition {name!r} is defined twice"


def _transition_flaws(d: Definition) -> Iterator[str]:
    for t in d.transitions:
        for state in (*t.sources, t.target):
            if state not in d.states_by_name:
                yield f"transition {t.name!r} names the unknown state {state!r}"
        for who in t.who:
            if who.role not in KNOWN_ROLES | d.extra_roles:
                yield f"transition {t.name!r} names the unknown role {who.role!r}"
        for source in t.sources:
            if not t.roles_from(source):
                yield f"nobody may fire {t.name!r} from {source!r}"
        for follow in t.follows:
            then = d.by_name.get(follow.transition)
            if then is None or t.target not in then.sources:
                yield f"{follow.transition!r} cannot follow {t.name!r}: not allowed from {t.target!r}"


def _reach_flaws(d: Definition) -> Iterator[str]:
    reached, frontier = {d.initial}, [d.initial]
    while frontier:
        here = frontier.pop()
        for t in d.transitions:
            if here in t.sources and t.target not in reached:
                reached.add(t.target)
                frontier.append(t.target)
    for state in d.states:
        leaves = any(state.name in t.sources and t.target != state.name for t in d.transitions)
        if state.name not in reached:
            yield f"state {state.name!r} cannot be reached"
        if not state.terminal and not leaves:
            yield f"state {state.name!r} is a dead end but not terminal"
        if state.terminal and leaves:
            yield f"state {state.name!r} is terminal but can be left"


def _name_flaws(d: Definition, known: dict[str, Collection[str]]) -> Iterator[str]:
    for t in d.transitions:
        used = {
            "guard": (*t.guards, *(f.when for f in t.follows)),
            "record": t.records,
            "effect": t.effects,
        }
        for kind, names in used.items():
            for name in names:
                if name not in known[kind]:
                    yield f"transition {t.name!r} uses the unknown {kind} {name!r}"
    for timer in d.timers:
        if timer.due not in known["due rule"]:
            yield f"timer {timer.name!r} uses the unknown due rule {timer.due!r}"


def _timer_flaws(d: Definition) -> Iterator[str]:
    for timer in d.timers:
        t = d.by_name.get(timer.transition)
        if t is None or timer.state not in t.sources:
            yield f"timer {timer.name!r} fires {timer.transition!r}, not allowed from {timer.state!r}"
        elif "timer" not in t.roles_from(timer.state):
            yield f"timer {timer.name!r} fires {timer.transition!r}, which the timer may not"
