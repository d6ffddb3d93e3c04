"""A brake on guessing passwords: counted in Valkey per address and account, both as digests."""

from __future__ import annotations

import hashlib
import logging

import redis

LIMIT = 10
WINDOW_SECONDS = 15 * 60
log = logging.getLogger(__name__)


class SignInBrake:
    """Counts failed sign-ins. Without Valkey nobody is locked out: the passwords still hold."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def seconds_to_wait(self, address: str, email: str) -> int:
        """Return how long this pair has to wait; 0 when it may try."""
        try:
            count = self._client.get(_key(address, email))
            if count is None or int(str(count, "ascii")) < LIMIT:  # type: ignore[arg-type]
                return 0
            return max(1, int(self._client.ttl(_key(address, email))))
        except redis.RedisError:
            log.warning("sign-in brake: Valkey unavailable")
            return 0

    def failed(self, address: str, email: str) -> None:
        """Count one failure; the window starts with the first."""
        try:
            key = _key(address, email)
            if self._client.incr(key) == 1:
                self._client.expire(key, WINDOW_SECONDS)
        except redis.RedisError:
            log.warning("sign-in brake: Valkey unavailable")

    def succeeded(self, address: str, email: str) -> None:
        """Forget the failures."""
        try:
            self._client.delete(_key(address, email))
        except redis.RedisError:
            log.warning("sign-in brake: Valkey unavailable")

    def forget(self, email: str) -> None:
        """Forget the failures from every address: an administrator has unlocked the account."""
        try:
            for key in self._client.scan_iter(f"{_account(email)}:*", count=1000):
                self._client.delete(key)
        except redis.RedisError:
            log.warning("sign-in brake: Valkey unavailable")


def _key(address: str, email: str) -> str:
    return f"{_account(email)}:{_digest(address)}"


def _account(email: str) -> str:
    return f"sign-in:{_digest(email.strip().lower())}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
