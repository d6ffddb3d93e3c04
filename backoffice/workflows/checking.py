"""The checks that keep a wrong definition from starting: one sentence for each flaw."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from backoffice.workflows.definition import KNOWN_ROLES, RESERVED, Definition, DefinitionError


def verify(
    definition: Definition,
    guards: Collection[str],
    records: Collection[str],
    effects: Collection[str],
    due_rules: Collection[str],
) -> None:
    """Raise DefinitionError naming every flaw: see the `_…_flaws` generators below."""
    known = {"guard": guards, "record": records, "effect": effects, "due rule": due_rules}
    flaws = [
        *_state_flaws(definition),
        *_transition_flaws(definition),
        *_who_flaws(definition),
        *_follow_flaws(definition),
        *_label_flaws(definition),
        *_reach_flaws(definition),
        *_name_flaws(definition, known),
        *_timer_flaws(definition),
    ]
    if flaws:
        named = f"{definition.name} v{definition.version}"
        raise DefinitionError("\n".join(f"{named}: {flaw}" for flaw in flaws))


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
        if t.name in RESERVED:
            yield f"transition {t.name!r} is called like an event of the engine's own"


def _who_flaws(d: Definition) -> Iterator[str]:
    for t in d.transitions:
        if not t.sources:
            yield f"transition {t.name!r} starts nowhere, so nobody may fire it"
        for source in t.sources:
            if not t.roles_from(source):
                yield f"nobody may fire {t.name!r} from {source!r}"
        for who in t.who:
            if who.role not in KNOWN_ROLES | d.extra_roles:
                yield f"transition {t.name!r} names the unknown role {who.role!r}"
            for source in who.sources or ():
                if source not in t.sources:
                    yield f"{who.role!r} may fire {t.name!r} from {source!r}, which is no source of it"


def _follow_flaws(d: Definition) -> Iterator[str]:
    for t in d.transitions:
        for follow in t.follows:
            then = d.by_name.get(follow.transition)
            if then is None or t.target not in then.sources:
                yield f"{follow.transition!r} cannot follow {t.name!r}: not allowed from {t.target!r}"
                continue
            if "system" not in then.roles_from(t.target):
                yield f"{then.name!r} follows {t.name!r}, but the system may not fire it"
            if asked := [f.name for f in then.requires if f.required]:
                yield f"{then.name!r} follows {t.name!r} by itself, but asks for {asked[0]!r}"
        if t.name in _followers(d, t.name):
            yield f"transition {t.name!r} follows itself without end"


def _followers(d: Definition, name: str) -> set[str]:
    """Return every transition that may follow `name` by itself, directly or further on."""
    found: set[str] = set()
    frontier = [name]
    while frontier:
        t = d.by_name.get(frontier.pop())
        new = {f.transition for f in t.follows} - found if t else set()
        found |= new
        frontier += sorted(new)
    return found


def _label_flaws(d: Definition) -> Iterator[str]:
    named = [
        *((f"state {s.name!r}", s.label) for s in d.states),
        *((f"transition {t.name!r}", t.label) for t in d.transitions),
        *((f"field {f.name!r} of {t.name!r}", f.label) for t in d.transitions for f in t.requires),
    ]
    for what, label in named:
        for lang in ("zh", "en"):
            if not getattr(label, lang).strip():
                yield f"{what} has no label in {lang}"


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
    for name in _trapped(d):
        yield f"state {name!r} is a dead end: no terminal state can be reached from it"


def _trapped(d: Definition) -> list[str]:
    """Return the states that can be left, but only in circles: no end is ever reached."""
    ending = {s.name for s in d.states if s.terminal}
    grown = True
    while grown:
        more = {s for t in d.transitions if t.target in ending for s in t.sources} - ending
        ending |= more
        grown = bool(more)
    leaving = {s for t in d.transitions for s in t.sources if t.target != s}
    return [s.name for s in d.states if s.name in leaving and s.name not in ending]


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
    names = [timer.name for timer in d.timers]
    yield from (f"timer {n!r} is defined twice" for n in sorted(set(names)) if names.count(n) > 1)
    for timer in d.timers:
        t = d.by_name.get(timer.transition)
        if t is None or timer.state not in t.sources:
            yield f"timer {timer.name!r} fires {timer.transition!r}, not allowed from {timer.state!r}"
        elif "timer" not in t.roles_from(timer.state):
            yield f"timer {timer.name!r} fires {timer.transition!r}, which the timer may not"
        elif asked := [f.name for f in t.requires if f.required]:
            yield f"timer {timer.name!r} fires {timer.transition!r}, which asks for {asked[0]!r}"
