"""Rate limits, counted in Valkey; while Valkey is away, in this process's memory."""

from __future__ import annotations

import hashlib
import logging
import time
from dataclasses import dataclass

import redis
from flask import Flask, current_app
from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import (
    FixedWindowRateLimiter,
    MovingWindowRateLimiter,
    RateLimiter,
)

from backoffice.services import services
from student_api.errors import TooManyRequests

log = logging.getLogger("student_api")
_KEY = "student_api_limits"


@dataclass(frozen=True)
class Rule:
    """At most `item` calls per name; `name` says what is counted.

    moving: counted over the last hour or minute; else over the one on the clock, which costs one
    question to Valkey instead of two.
    """

    name: str
    item: RateLimitItem
    moving: bool = True


# CONTRACT section 4: ten wrong tries an hour, for the account and for the address.
IDENTIFY_ACCOUNT = Rule("identify-account", RateLimitItemPerHour(10))
IDENTIFY_ADDRESS = Rule("identify-address", RateLimitItemPerHour(10))
# Guesses spread over many accounts and addresses still meet at the school they aim at.
IDENTIFY_SCHOOL = Rule("identify-school", RateLimitItemPerHour(3000))
# A campus shares one address, so what is counted there must leave room for a whole class.
LOGIN_ACCOUNT = Rule("login-account", RateLimitItemPerMinute(10, 15))
LOGIN_ADDRESS = Rule("login-address", RateLimitItemPerMinute(200, 15))
REGISTER_ADDRESS = Rule("register-address", RateLimitItemPerHour(600))
PASSWORD_ACCOUNT = Rule("password-account", RateLimitItemPerMinute(10, 15))
# Ten times what DOMAIN section 7 expects of one school on its last day.
UPLOAD_SCHOOL = Rule("upload-school", RateLimitItemPerHour(30_000))
UPLOAD_ACCOUNT = Rule("upload-account", RateLimitItemPerHour(120))
DECODE_ACCOUNT = Rule("decode-account", RateLimitItemPerHour(120))
EMAIL_ACCOUNT = Rule("email-account", RateLimitItemPerHour(10))
TICKET_ACCOUNT = Rule("ticket-account", RateLimitItemPerHour(60))
REQUEST_ACCOUNT = Rule("request-account", RateLimitItemPerHour(20))
WECHAT_ADDRESS = Rule("wechat-address", RateLimitItemPerHour(2000))
# Any signed-in call: far above what a page needs, below what a loop gone wild sends.
ANY_ACCOUNT = Rule("any-account", RateLimitItemPerMinute(300), moving=False)


class Limiter:
    """Moving windows over Valkey; the fallback keeps a brake when Valkey does not answer."""

    def __init__(self, client: redis.Redis) -> None:
        shared = RedisStorage("redis://", connection_pool=client.connection_pool)
        self._shared: RateLimiter = MovingWindowRateLimiter(shared)
        self._clock: RateLimiter = FixedWindowRateLimiter(shared)
        self._local: RateLimiter = MovingWindowRateLimiter(MemoryStorage())

    def check(self, rule: Rule, who: str) -> None:
        """Raise TooManyRequests when `who` has used up the rule; counts nothing.

        An empty `who` (an address that is not known) is neither counted nor stopped.
        """
        if not who:
            return
        try:
            self._check(self._shared, rule, who)
        except redis.RedisError:
            log.warning("rate limits: Valkey unavailable")
            self._check(self._local, rule, who)

    def count(self, rule: Rule, who: str) -> None:
        """Count one try."""
        if not who:
            return
        try:
            self._shared.hit(rule.item, rule.name, _digest(who))
        except redis.RedisError:
            log.warning("rate limits: Valkey unavailable")
            self._local.hit(rule.item, rule.name, _digest(who))

    def take(self, rule: Rule, who: str) -> None:
        """Count one call, or raise TooManyRequests."""
        if not rule.moving:
            return self._take_by_clock(rule, who)
        self.check(rule, who)
        self.count(rule, who)

    def _take_by_clock(self, rule: Rule, who: str) -> None:
        try:
            if self._clock.hit(rule.item, rule.name, _digest(who)):
                return
            reset = self._clock.get_window_stats(rule.item, rule.name, _digest(who)).reset_time
        except redis.RedisError:
            log.warning("rate limits: Valkey unavailable")
            return
        raise TooManyRequests(max(1, round(reset - time.time() + 0.5)))

    def _check(self, limiter: RateLimiter, rule: Rule, who: str) -> None:
        if limiter.test(rule.item, rule.name, _digest(who)):
            return
        reset = limiter.get_window_stats(rule.item, rule.name, _digest(who)).reset_time
        raise TooManyRequests(max(1, round(reset - time.time() + 0.5)))


class NoLimits(Limiter):
    """RATE_LIMITS=false: nothing is counted."""

    def __init__(self) -> None:
        pass

    def check(self, rule: Rule, who: str) -> None:
        """Allow."""

    def count(self, rule: Rule, who: str) -> None:
        """Forget."""

    def take(self, rule: Rule, who: str) -> None:
        """Allow."""


def limiter() -> Limiter:
    """Return the application's limiter."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    found = app.extensions.get(_KEY)
    if found is None:
        shared = services()
        found = Limiter(shared.redis) if shared.settings.rate_limits else NoLimits()
        app.extensions[_KEY] = found
    assert isinstance(found, Limiter)
    return found


def _digest(who: str) -> str:
    """Addresses and accounts are counted under a digest, not under their names."""
    return hashlib.sha256(who.encode()).hexdigest()[:32]
