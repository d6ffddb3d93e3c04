"""What the lives of made-up orders look like: which states are common, which path leads there."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from backoffice.workflows.capture_order import CAPTURE_ORDER
from backoffice.workflows.events import Moved, event_hash, note_digest

# Late in a collection season most orders are done; shares in percent.
SHARES: dict[str, float] = {
    "draft": 1.0,
    "paid": 6.0,
    "pending_review": 5.0,
    "rejected": 3.0,
    "approved": 5.0,
    "processing": 4.0,
    "shipped": 6.0,
    "completed": 63.0,
    "refunding": 0.5,
    "refunded": 2.5,
    "closed": 4.0,
}
PATHS: dict[str, tuple[tuple[str, ...], ...]] = {
    "draft": ((),),
    "closed": (("expire",), ("cancel",)),
    "paid": (("pay",), ("pay", "submit", "withdraw")),
    "pending_review": (("pay", "submit"), ("pay", "submit", "reject", "submit")),
    "rejected": (("pay", "submit", "reject"),),
    "approved": (("pay", "submit", "approve"), ("pay", "submit", "reject", "submit", "approve")),
    "processing": (("pay", "submit", "approve", "start_processing"),),
    "shipped": (("pay", "submit", "approve", "start_processing", "ship"),),
    "completed": (
        ("pay", "submit", "approve", "start_processing", "ship", "complete"),
        ("pay", "submit", "reject", "submit", "approve", "start_processing", "complete"),
        ("pay", "submit", "approve", "start_processing", "complete"),
    ),
    "refunding": (("pay", "request_refund"),),
    "refunded": (
        ("pay", "request_refund", "refund_succeeded"),
        ("pay", "submit", "reject", "request_refund", "refund_succeeded"),
    ),
}
REASONS = ("L01", "P01", "H01", "Q01", "B01", "P04")
ACTOR_KINDS = {
    "pay": "provider",
    "expire": "timer",
    "refund_succeeded": "provider",
    "cancel": "student",
    "submit": "student",
    "withdraw": "student",
    "request_refund": "student",
}


@dataclass(frozen=True)
class Plan:
    """The life of one order: its final state and the transitions to it."""

    state: str
    path: tuple[str, ...]


def draw_plan(rng: random.Random) -> Plan:
    """Return a life, by the shares above."""
    state = rng.choices(list(SHARES), list(SHARES.values()))[0]
    return Plan(state, rng.choice(PATHS[state]))


def make_events(
    rng: random.Random,
    order_id: uuid.UUID,
    plan: Plan,
    created_at: datetime,
    people: dict[str, str],
) -> Iterator[Moved]:
    """Yield the events of one life, hashed as the engine hashes them.

    people: actor kind -> actor id. The chain verifies; `flask audit verify` proves it.
    """
    at, state, previous = created_at, CAPTURE_ORDER.initial, None
    for sequence, name in enumerate(plan.path, start=1):
        transition = CAPTURE_ORDER.by_name[name]
        at += timedelta(seconds=rng.expovariate(1 / 3600))
        kind = ACTOR_KINDS.get(name, "staff")
        event = Moved(
            id=uuid.UUID(int=rng.getrandbits(128), version=4),
            order_id=order_id,
            sequence=sequence,
            transition=name,
            from_state=state,
            to_state=transition.target,
            at=at,
            actor_kind=kind,
            actor_id=people.get(kind),
            reasons=[rng.choice(REASONS)] if name == "reject" else [],
            note=None,
            note_digest=note_digest(order_id, sequence, None),
            data={},
            workflow=CAPTURE_ORDER.name,
            workflow_version=CAPTURE_ORDER.version,
            idempotency_key=None,
            previous_hash=previous,
        )
        event.hash = previous = event_hash(event)
        state = transition.target
        yield event
