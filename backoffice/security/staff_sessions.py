"""Where a member of staff is signed in: one row a device, seen, listed and ended."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from backoffice.crypto import keyring
from backoffice.models import StaffSession

SEEN_EVERY = timedelta(minutes=1)  # a page view writes at most this often
_BROWSERS = (
    ("MicroMessenger", "WeChat"),
    ("Edg/", "Edge"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("HarmonyOS", "HarmonyOS"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


def open_session(
    session: Session, staff_id: uuid.UUID, user_agent: str, address: str | None, now: datetime
) -> StaffSession:
    """Write a new session and return it. Flushes. The address is kept as a keyed digest."""
    row = StaffSession(
        staff_id=staff_id,
        last_seen_at=now,
        device=device_of(user_agent),
        address_digest=keyring().blind_index("address", address) if address else None,
    )
    session.add(row)
    session.flush()
    return row


def device_of(user_agent: str) -> str:
    """Return browser and system in a few words; nothing else of the header is kept."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "?")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "?")
    return f"{browser} · {system}"


def live_session(
    session: Session, raw_id: object, staff_id: uuid.UUID, now: datetime, idle: timedelta
) -> StaffSession | None:
    """Return this member's session the cookie names; None if it has ended or slept too long."""
    try:
        row = session.get(StaffSession, uuid.UUID(str(raw_id)))
    except ValueError:
        return None
    if row is None or row.staff_id != staff_id or row.ended_at is not None:
        return None
    if row.last_seen_at < now - idle:
        row.ended_at, row.end_reason = now, "idle"
        return None
    return row


def note_seen(row: StaffSession, now: datetime) -> bool:
    """Write down that the session was used; True if that changed anything."""
    if row.last_seen_at > now - SEEN_EVERY:
        return False
    row.last_seen_at = now
    return True


def live_sessions(session: Session, staff_id: uuid.UUID) -> Sequence[StaffSession]:
    """Return the member's open sessions, the one used last first."""
    query = select(StaffSession).where(
        StaffSession.staff_id == staff_id, StaffSession.ended_at.is_(None)
    )
    return session.scalars(query.order_by(StaffSession.last_seen_at.desc()).limit(100)).all()


def end_all(
    session: Session,
    staff_id: uuid.UUID,
    reason: str,
    *,
    only: uuid.UUID | None = None,
    keep: uuid.UUID | None = None,
) -> int:
    """End the member's sessions and return how many.

    only: just this one. keep: all but this one. reason: one of the table's words.
    """
    query = update(StaffSession).where(
        StaffSession.staff_id == staff_id, StaffSession.ended_at.is_(None)
    )
    if only is not None:
        query = query.where(StaffSession.id == only)
    if keep is not None:
        query = query.where(StaffSession.id != keep)
    ended = session.execute(query.values(ended_at=datetime.now(UTC), end_reason=reason))
    return int(ended.rowcount)  # type: ignore[attr-defined]
