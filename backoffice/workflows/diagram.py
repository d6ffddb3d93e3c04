"""Definitions drawn: what the documentation and the admin show is what the engine runs."""

from __future__ import annotations

from backoffice.workflows.definition import Definition


def mermaid(definition: Definition, locale: str = "zh") -> str:
    """Return the definition as a Mermaid state diagram."""
    lines = ["stateDiagram-v2", f"    [*] --> {definition.initial}"]
    for state in definition.states:
        lines.append(f"    {state.name}: {state.label.get(locale)}")
        if state.terminal:
            lines.append(f"    {state.name} --> [*]")
    for transition in definition.transitions:
        for source in transition.sources:
            who = ", ".join(sorted(transition.roles_from(source)))
            label = f"{transition.label.get(locale)} ({who})"
            lines.append(f"    {source} --> {transition.target}: {label}")
    return "\n".join(lines)
