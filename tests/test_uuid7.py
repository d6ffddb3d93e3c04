"""Row ids: version and variant bits of RFC 9562, the time in front, in order."""

from __future__ import annotations

import time
import uuid
from itertools import pairwise

from backoffice.uuids import uuid7, uuid7_bytes


def test_version_variant_and_time():
    before = time.time_ns() // 1_000_000
    made = [uuid7() for _ in range(2000)]
    after = time.time_ns() // 1_000_000
    assert {u.version for u in made} == {7}
    assert {u.variant for u in made} == {uuid.RFC_4122}
    assert all(before <= u.int >> 80 <= after for u in made)
    assert len(set(made)) == len(made)


def test_ids_follow_the_clock(monkeypatch):
    """Also within a millisecond, down to its 4096th part."""
    start = 1_795_000_000_000_000_000
    made = []
    for step in range(3000):
        monkeypatch.setattr(time, "time_ns", lambda now=start + step * 250: now)
        made.append(uuid7())
    assert all(a.int >> 64 <= b.int >> 64 for a, b in pairwise(made))
    assert len({u.int >> 64 for u in made}) > 2900
    assert made[0].int >> 80 == start // 1_000_000
    assert all((u.int >> 62) & 3 == 2 for u in made)


def test_many_at_once_are_the_same_kind_of_id():
    before = uuid7()
    made = [uuid.UUID(bytes=raw) for raw in uuid7_bytes(2000)]
    assert {(u.version, u.variant) for u in made} == {(7, uuid.RFC_4122)}
    assert len({u.int & (1 << 62) - 1 for u in made}) == len(made)
    assert all(a.int >> 64 <= b.int >> 64 for a, b in pairwise([before, *made, uuid7()]))
