"""What somebody gives with a transition: reasons, carrier, note; trimmed, or refused as missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from backoffice.workflows.definition import Transition
from backoffice.workflows.errors import TransitionDataMissing

MAX_NOTE = 500


def cleaned_data(transition: Transition, data: Mapping[str, Any]) -> dict[str, Any]:
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
