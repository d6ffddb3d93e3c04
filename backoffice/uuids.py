"""Ids of rows: UUIDs in the order of their making (RFC 9562 version 7)."""

from __future__ import annotations

import os
import time
import uuid


def uuid7() -> uuid.UUID:
    """Return a time-ordered UUID: new rows land together in the index.

    The 12 bits after the version hold the fraction of the millisecond (section 6.2, method 3).
    """
    return uuid.UUID(int=_at(time.time_ns(), os.urandom(8)))


def uuid7_bytes(count: int) -> list[bytes]:
    """Return the 16 bytes each of `count` ids, quicker than one by one."""
    chance = os.urandom(8 * count)
    return [
        _at(time.time_ns(), chance[start : start + 8]).to_bytes(16, "big")
        for start in range(0, 8 * count, 8)
    ]


def _at(nanoseconds: int, chance: bytes) -> int:
    millisecond, rest = divmod(nanoseconds, 1_000_000)
    ordered = millisecond << 80 | 0x7 << 76 | (rest * 4096 // 1_000_000) << 64
    return ordered | 0x2 << 62 | int.from_bytes(chance, "big") >> 2
