"""Figures kept for a while: counting a million orders must not hold a page up.

A value younger than FIGURES_SECONDS is shown as it is. An older one is shown too, once more, while
a thread of this process counts anew; only the first reader after a start, or after an hour of
nobody looking, waits.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any, TypeVar

from flask import copy_current_request_context

from backoffice.admin.people import own_school
from backoffice.services import services

STALE_SECONDS = 3600  # older figures would mislead more than a wait annoys
ENTRIES = 1000
Value = TypeVar("Value")
Key = tuple[object, ...]
logger = logging.getLogger(__name__)
_kept: dict[Key, tuple[float, Any]] = {}
_counting: set[Key] = set()
_lock = Lock()
# One thread: figures counted anew are never in a hurry, and the database serves people first.
_behind = ThreadPoolExecutor(max_workers=1, thread_name_prefix="figures")


def kept(name: str, produce: Callable[[], Value], *more: object) -> Value:
    """Return `produce()` of this school, from before if that was not long ago.

    more: what else the value depends on. `produce` runs within the request, or a copy of it.
    """
    seconds = services().settings.figures_seconds
    key = (services().settings.database_url, own_school(), name, *more)
    with _lock:
        found = _kept.get(key)
    age = time.monotonic() - found[0] if found else STALE_SECONDS
    if not seconds or found is None or age >= max(seconds, STALE_SECONDS):
        return _store(key, produce())
    if age >= seconds:
        _count_behind(key, produce)
    return found[1]  # type: ignore[no-any-return]


def _count_behind(key: Key, produce: Callable[[], Any]) -> None:
    with _lock:
        if key in _counting:
            return
        _counting.add(key)

    @copy_current_request_context
    def count() -> None:
        try:
            _store(key, produce())
        except Exception:  # the page has its figures; the next reader tries again
            logger.exception("figures_not_counted", extra={"figures": key[2]})
        finally:
            with _lock:
                _counting.discard(key)

    _behind.submit(count)


def _store(key: Key, value: Value) -> Value:
    with _lock:
        if len(_kept) > ENTRIES:
            _kept.clear()
        _kept[key] = (time.monotonic(), value)
    return value
