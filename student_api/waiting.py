"""Long polling: a request waits for news instead of the client asking again and again.

While it waits it holds a thread but no database connection. Only LONG_POLL_WAITERS requests of a
process may wait, so that the other threads keep answering; whoever comes later is answered at once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from flask import Flask, current_app
from sqlalchemy.orm import Session

from backoffice.services import services

LOOK_SECONDS = 0.5
MAX_WAIT_SECONDS = 20
_KEY = "student_api_waiters"


def wait_until(session: Session, seconds: int, happened: Callable[[], bool]) -> None:
    """Return when `happened()` is true, after `seconds`, or at once when too many wait already.

    The session is rolled back before each pause: rows read earlier are read again on their next
    use, and the connection serves others meanwhile.
    """
    if seconds <= 0 or happened():
        return
    places = _places()
    if not places.acquire(blocking=False):
        return
    try:
        until = time.monotonic() + min(seconds, MAX_WAIT_SECONDS)
        while (left := until - time.monotonic()) > 0:
            session.rollback()
            time.sleep(min(LOOK_SECONDS, left))
            if happened():
                return
    finally:
        places.release()


def _places() -> threading.BoundedSemaphore:
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    found = app.extensions.setdefault(
        _KEY, threading.BoundedSemaphore(max(1, services().settings.long_poll_waiters))
    )
    assert isinstance(found, threading.BoundedSemaphore)
    return found
