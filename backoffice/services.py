"""What every door needs besides the database session: settings, engine, storage, queue address."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import cast

import redis
from flask import Flask, current_app

from backoffice.crypto import Keyring
from backoffice.settings import Settings
from backoffice.storage import Storage
from backoffice.workflows.engine import Engine

_KEY = "backoffice"


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
        return redis.Redis.from_url(self.settings.redis_url)


def install(app: Flask, services: Services) -> None:
    """Make `services` reachable through the application."""
    app.extensions[_KEY] = services


def services() -> Services:
    """Return the running application's services; needs an application context."""
    return cast(Services, current_app.extensions[_KEY])
