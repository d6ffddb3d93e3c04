"""What every door needs besides the database session: settings, engine, storage, queue address."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import cast

import redis
from flask import Flask, current_app
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from backoffice.crypto import Keyring
from backoffice.settings import Settings
from backoffice.storage import Storage
from backoffice.workflows.engine import Engine

_KEY = "backoffice"
# While Valkey is away every call asks it once or twice and goes on without: that must not take long.
VALKEY_CONNECT_SECONDS = 1
VALKEY_ANSWER_SECONDS = 3


@dataclass
class Services:
    """The process's shared parts, made once by `create_app`."""

    settings: Settings
    keyring: Keyring
    engine: Engine
    storage: Storage

    @cached_property
    def redis(self) -> redis.Redis:
        """Connection pool to Valkey; connects on first use."""
        return valkey(self.settings.redis_url)


def valkey(url: str) -> redis.Redis:
    """Return a client whose commands fail soon when Valkey is away, after trying once again.

    Not for waiting on queues, where an answer may take as long as it likes.
    """
    return redis.Redis.from_url(
        url,
        socket_connect_timeout=VALKEY_CONNECT_SECONDS,
        socket_timeout=VALKEY_ANSWER_SECONDS,
        retry=Retry(ConstantBackoff(0.05), 1),  # a restart closes the connections it had
    )


def install(app: Flask, services: Services) -> None:
    """Make `services` reachable through the application."""
    app.extensions[_KEY] = services


def services() -> Services:
    """Return the running application's services; needs an application context."""
    return cast(Services, current_app.extensions[_KEY])
