"""The calls, one file per topic. Importing a file declares its calls."""

from __future__ import annotations

from importlib import import_module

# In the order of a student's journey, which is the order of the documentation.
TOPICS = (
    "documents",
    "auth",
    "me",
    "texts",
    "batches",
    "enrolments",
    "enrolment_requests",
    "addresses",
    "orders",
    "payments",
    "photos",
    "uploads",
    "reprints",
    "tickets",
)


def load() -> None:
    """Declare every call."""
    for topic in TOPICS:
        import_module(f"student_api.calls.{topic}")
