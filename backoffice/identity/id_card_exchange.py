"""Handing a picture of an ID card to the reading process and its answer back; nothing is kept.

Valkey writes what is *stored* to its append-only file, so a stored picture would outlive its key.
What is *published* is written nowhere: the caller publishes the sealed picture when a reader asks
for it, and the reader publishes the sealed answer. The queue holds a random ticket and nothing
else. If either side dies, nothing is left but a ticket that expires.

Order: caller listens on its answer channel and enqueues the ticket; reader listens on the picture
channel and says READY; caller publishes the picture; reader publishes the answer.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import redis
from redis.client import PubSub

from backoffice.crypto import Keyring

QUEUE = "documents"
JOB = "worker.jobs.documents.read"
WAIT_SECONDS = 8.0  # a caller waits so long in all
TICKET_SECONDS = 10  # a ticket waits in the queue no longer
PICTURE_SECONDS = 3.0  # a reader waits so long for the picture it asked for
JOB_SECONDS = 15  # a reading is stopped after that
READY = b"ready"


class NoAnswer(Exception):
    """Nobody read the picture in time."""


def ask(
    client: redis.Redis,
    keyring: Keyring,
    picture: bytes,
    enqueue: Callable[[str], None],
    seconds: float | None = None,
) -> dict[str, Any]:
    """Return what a reader answers. `enqueue` puts the ticket into the queue.

    Raises NoAnswer after `seconds` (WAIT_SECONDS), redis.RedisError when Valkey cannot be reached.
    """
    until = time.monotonic() + (WAIT_SECONDS if seconds is None else seconds)
    ticket = secrets.token_urlsafe(16)
    with _listening(client, _answers(ticket), until) as channel:
        enqueue(ticket)
        while (message := _next(channel, until)) is not None:
            if message == READY:
                sealed = keyring.encrypt(picture, _context("picture", ticket))
                client.publish(_pictures(ticket), sealed)
            else:
                plain = keyring.decrypt(message, _context("answer", ticket))
                answer: dict[str, Any] = json.loads(plain)
                return answer
    raise NoAnswer


def take(
    client: redis.Redis, keyring: Keyring, ticket: str, seconds: float = PICTURE_SECONDS
) -> bytes | None:
    """Return the picture of a ticket, or None when its caller has gone."""
    until = time.monotonic() + seconds
    with _listening(client, _pictures(ticket), until) as channel:
        if not client.publish(_answers(ticket), READY):
            return None  # nobody listens any more
        sealed = _next(channel, until)
    return None if sealed is None else keyring.decrypt(sealed, _context("picture", ticket))


def reply(client: redis.Redis, keyring: Keyring, ticket: str, answer: dict[str, Any]) -> None:
    """Send the answer, sealed; lost if the caller has gone."""
    plain = json.dumps(answer, ensure_ascii=False).encode()
    client.publish(_answers(ticket), keyring.encrypt(plain, _context("answer", ticket)))


@contextmanager
def _listening(client: redis.Redis, channel: str, until: float) -> Iterator[PubSub]:
    """Yield a subscription that the server has confirmed."""
    with client.pubsub() as subscription:  # type: ignore[no-untyped-call]
        subscription.subscribe(channel)
        while time.monotonic() < until:
            message = subscription.get_message(timeout=max(0.0, until - time.monotonic()))
            if message is not None and message["type"] == "subscribe":
                break
        yield subscription


def _next(subscription: PubSub, until: float) -> bytes | None:
    while (left := until - time.monotonic()) > 0:
        message = subscription.get_message(ignore_subscribe_messages=True, timeout=left)
        if message is not None and message["type"] == "message":
            data: bytes = message["data"]
            return data
    return None


def _answers(ticket: str) -> str:
    return f"documents:answer:{ticket}"


def _pictures(ticket: str) -> str:
    return f"documents:picture:{ticket}"


def _context(what: str, ticket: str) -> bytes:
    return f"id card {what} {ticket}".encode()
