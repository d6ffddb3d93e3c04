"""The calls, one file per topic. Importing a file declares its calls."""

from __future__ import annotations

from importlib import import_module

# In the order of a student's journey, which is the order of the documentation.
TOPICS = (
    "auth",
    "me",
    "texts",
    "batches",
    "enrolments",
    "addresses",
    "orders",
    "payments",
    "photos",
    "reprints",
    "tickets",
)


def load() -> None:
    """Declare every call."""
    for topic in TOPICS:
        import_module(f"student_api.calls.{topic}")
