"""Rate limits on the real Valkey: windows, several rules with one question, and without Valkey."""

from __future__ import annotations

import pytest
from limits import RateLimitItemPerMinute, RateLimitItemPerSecond
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from student_api.errors import TooManyRequests
from student_api.limits import Limiter, Rule
from tests.worker.waiting import wait_until

TWICE = Rule("twice", RateLimitItemPerMinute(2))
FIVE_TIMES = Rule("five", RateLimitItemPerMinute(5))
FIXED = Rule("fixed", RateLimitItemPerMinute(2), moving=False)


def stopped(work) -> bool:
    try:
        work()
    except TooManyRequests as refusal:
        return 1 <= refusal.retry_after <= 61
    return False


@pytest.fixture(params=["valkey", "no valkey"])
def limiter(request, redis):
    """With Valkey, and with an address where none answers: the same brake in this process."""
    nobody = Redis(port=1, retry=Retry(NoBackoff(), 0))
    return Limiter(redis if request.param == "valkey" else nobody)


def test_a_rule_is_used_up_by_its_own_calls_only(limiter):
    assert [stopped(lambda: limiter.take((TWICE, "a"))) for _ in range(3)] == [False, False, True]
    assert not stopped(lambda: limiter.take((TWICE, "b")))
    assert not stopped(lambda: limiter.take((FIVE_TIMES, "a")))


def test_nobody_is_neither_counted_nor_stopped(limiter):
    assert not any(stopped(lambda: limiter.take((TWICE, ""))) for _ in range(5))


def test_when_one_rule_is_used_up_no_other_is_counted(limiter):
    for _ in range(2):
        limiter.take((TWICE, "a"))
    for _ in range(9):
        assert stopped(lambda: limiter.take((FIVE_TIMES, "a"), (TWICE, "a")))
    assert not stopped(lambda: limiter.take((FIVE_TIMES, "a")))


def test_looking_counts_nothing_and_counting_is_never_stopped(limiter):
    for _ in range(5):
        limiter.check((TWICE, "a"))
    for _ in range(5):
        limiter.count((TWICE, "a"))
    assert stopped(lambda: limiter.check((TWICE, "a")))
    assert stopped(lambda: limiter.take((FIVE_TIMES, "a"), check=[(TWICE, "a")]))


def test_windows_end(redis):
    limiter = Limiter(redis)
    for moving in (True, False):
        rule = Rule(f"second-{moving}", RateLimitItemPerSecond(1), moving=moving)
        limiter.take((rule, "a"))
        assert stopped(lambda rule=rule: limiter.take((rule, "a")))
        wait_until(lambda rule=rule: not stopped(lambda: limiter.check((rule, "a"))))


def test_a_fixed_window_is_one_number_and_forgotten(redis):
    limiter = Limiter(redis)
    assert [stopped(lambda: limiter.take((FIXED, "a"))) for _ in range(3)] == [False, False, True]
    [key] = redis.keys("LIMITS:fixed:*")
    assert (redis.get(key), 0 < redis.ttl(key) <= 60) == (b"2", True)
    assert key.rpartition(b":")[2] != b"a"  # counted under a digest


def test_several_rules_are_one_question(redis, monkeypatch):
    limiter = Limiter(redis)
    asked = []
    send = Redis.execute_command
    monkeypatch.setattr(
        Redis,
        "execute_command",
        lambda self, *words, **o: asked.append(words[0]) or send(self, *words, **o),
    )
    limiter.take((TWICE, "a"), (FIXED, "b"), check=[(FIVE_TIMES, "c")])
    assert [word for word in asked if word == "EVALSHA"] == ["EVALSHA"]
    assert set(asked) <= {"EVALSHA", "SCRIPT LOAD"}
