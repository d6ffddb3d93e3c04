"""The event of a move, and the hash that chains it to the one before."""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass
class Moved:
    """The event of a move just written: the same fields as the event table's row."""

    id: uuid.UUID
    order_id: uuid.UUID
    sequence: int
    transition: str
    from_state: str
    to_state: str
    at: datetime
    actor_kind: str
    actor_id: str | None
    reasons: list[str]
    note: str | None
    note_digest: bytes | None
    data: dict[str, Any]
    workflow: str
    workflow_version: int
    idempotency_key: str | None
    previous_hash: bytes | None
    hash: bytes = b""


def note_digest(order_id: uuid.UUID, sequence: int, note: str | None) -> bytes | None:
    """Return the digest of a note that the hash chain covers (the note itself stays sealed)."""
    if note is None:
        return None
    return hashlib.sha256(f"{order_id}/{sequence}/{note}".encode()).digest()


def event_hash(event: Any) -> bytes:
    """Return SHA-256 over everything the event says and the hash of the event before it."""
    digest = event.note_digest
    said = {
        "order": str(event.order_id),
        "sequence": event.sequence,
        "transition": event.transition,
        "from": event.from_state,
        "to": event.to_state,
        "at": event.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": [event.actor_kind, event.actor_id],
        "reasons": list(event.reasons),
        "note": digest.hex() if digest else None,
        "data": event.data,
        "workflow": [event.workflow, event.workflow_version],
        "key": event.idempotency_key,
    }
    body = json.dumps(said, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256((event.previous_hash or b"") + body.encode()).digest()
