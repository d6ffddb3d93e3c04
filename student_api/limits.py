"""Rate limits, counted in Valkey; while Valkey is away, in this process's memory."""

from __future__ import annotations

import hashlib
import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import redis
from flask import Flask, current_app
from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from backoffice.services import services
from student_api.errors import TooManyRequests

log = logging.getLogger("student_api")
_KEY = "student_api_limits"
_SCRIPT = Path(__file__).with_name("limits.lua").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Rule:
    """At most `item` calls per name; `name` says what is counted.

    moving: counted over the hour or minute before now; else over one that begins with the first
    call, which keeps a number instead of every call's time.
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


_Asked = tuple[Rule, str, bool, bool]  # rule, who, is looked at, is counted
# A rule and whom it counts. Nobody ("", an address that is not known) is neither counted nor stopped.
Counted = tuple[Rule, str]


class Limiter:
    """Windows counted in Valkey, any number of rules with one question.

    While Valkey does not answer, the moving ones are counted in this process: a brake is kept.
    """

    def __init__(self, client: redis.Redis) -> None:
        self._ask = client.register_script(_SCRIPT)
        self._local = MovingWindowRateLimiter(MemoryStorage())

    def check(self, *counted: Counted) -> None:
        """Raise TooManyRequests when somebody has used up a rule; counts nothing."""
        self.take(check=counted)

    def count(self, *counted: Counted) -> None:
        """Count one try each, whether or not a rule is used up."""
        self._weigh([(rule, who, False, True) for rule, who in counted if who])

    def take(self, *counted: Counted, check: Sequence[Counted] = ()) -> None:
        """Count one call each, or raise TooManyRequests and count nothing.

        check: looked at with the same question, not counted.
        """
        asked = [(rule, who, True, True) for rule, who in counted if who]
        asked += [(rule, who, True, False) for rule, who in check if who]
        wait = self._weigh(asked)
        if wait > 0:
            raise TooManyRequests(math.ceil(wait))

    def _weigh(self, asked: list[_Asked]) -> float:
        """Return the seconds to wait, 0 when nothing is used up."""
        if not asked:
            return 0.0
        keys = [f"LIMITS:{rule.name}:{_digest(who)}" for rule, who, _, _ in asked]
        values = [
            int(value)
            for rule, _, looks, counts in asked
            for value in (rule.item.amount, rule.item.get_expiry(), rule.moving, looks, counts)
        ]
        try:
            return float(self._ask(keys, values))
        except redis.RedisError:
            log.warning("rate limits: Valkey unavailable")
            return self._weigh_here([one for one in asked if one[0].moving])

    def _weigh_here(self, asked: list[_Asked]) -> float:
        for rule, who, looks, _ in asked:
            if looks and not self._local.test(rule.item, rule.name, _digest(who)):
                window = self._local.get_window_stats(rule.item, rule.name, _digest(who))
                return max(1.0, window.reset_time - time.time())
        for rule, who, _, counts in asked:
            if counts:
                self._local.hit(rule.item, rule.name, _digest(who))
        return 0.0


class NoLimits(Limiter):
    """RATE_LIMITS=false: nothing is counted."""

    def __init__(self) -> None:
        pass

    def _weigh(self, asked: list[_Asked]) -> float:
        return 0.0


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
