r"""A payment provider for demo and tests that speaks a real protocol.

It keeps a ledger of its own (in Valkey, apart from our tables), shows a page where a person or a
program pays, and tells us the result by signed notices that arrive late, twice or not at all unless
they are acknowledged, as real providers' do. Refused in production by the settings.

Notice: JSON body; headers X-Sandbox-Timestamp (Unix seconds), X-Sandbox-Nonce, X-Sandbox-Signature
(hex HMAC-SHA256 over "timestamp\nnonce\nbody\n" under SANDBOX_PAYMENT_SECRET).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import redis

from backoffice.payments.errors import NoticeInvalid, PaymentProviderUnavailable
from backoffice.payments.gateway import (
    Acknowledgement,
    Checkout,
    Invitation,
    Notice,
    Outcome,
    RefundAnswer,
    RefundRequest,
)
from backoffice.services import valkey
from backoffice.settings import Settings

FRESH_SECONDS = 300  # an older or future signature is a replay
REFUND_SECONDS = 1.0  # how long the sandbox takes to settle a refund
DELIVERY_LEAD_SECONDS = 5.0  # the pay page delivers at once; after this the scheduler does
DELIVERY_TRIES = 20
LEDGER_SECONDS = 90 * 24 * 3600
BODY_MAX = 16 * 1024
_QUEUE = "sandbox:notices"

Deliver = Callable[[Mapping[str, str], bytes], bool]


@dataclass(frozen=True)
class Trade:
    """One payment as the sandbox sees it. status: open, failed or paid."""

    out_trade_no: str
    amount_fen: int
    status: str
    trade_no: str | None


class SandboxGateway:
    """The sandbox, as a gateway for us and as a provider with a ledger."""

    name = "sandbox"

    def __init__(self, settings: Settings, client: redis.Redis | None = None) -> None:
        self._secret = settings.sandbox_payment_secret.encode()
        self._base = settings.public_url
        self._redis: redis.Redis = client or valkey(settings.redis_url)

    # -- as our gateway -------------------------------------------------------------------

    def create(self, checkout: Checkout) -> Invitation:
        """Open the trade in the ledger and return the address of its page."""
        key = _trade_key(checkout.out_trade_no)
        with _reachable():
            self._redis.hsetnx(key, "amount_fen", str(checkout.amount_fen))
            self._redis.expire(key, LEDGER_SECONDS)
        return Invitation(pay_url=f"{self._base}/sandbox/pay/{checkout.out_trade_no}")

    def parse_notice(self, headers: Mapping[str, str], body: bytes) -> Notice:
        """Verify signature and age, then read the body. Raises NoticeInvalid."""
        self._verify(headers, body)
        try:
            said = json.loads(body)
            return Notice(
                provider=self.name,
                notice_id=_word(said["notice_id"]),
                kind=said["kind"] if said["kind"] in ("payment", "refund") else _refuse(),
                out_trade_no=_word(said["out_trade_no"]),
                trade_no=_word(said["trade_no"]),
                amount_fen=_whole(said["amount_fen"]),
                succeeded=said["result"] == "success",
                body_sha256=hashlib.sha256(body).digest(),
                currency=_word(said["currency"]),
                refund_no=_word(said["refund_no"]) if said["kind"] == "refund" else None,
                error=_word(said["error"]) if said.get("error") else None,
            )
        except (ValueError, KeyError, TypeError):
            raise NoticeInvalid() from None

    def acknowledge(self, outcome: Outcome | None) -> Acknowledgement:
        """Answer SUCCESS, or FAIL with the outcome; anything but 200 is sent again."""
        if outcome is not None and outcome.accepted:
            return Acknowledgement(200, b'{"code":"SUCCESS"}')
        reason = outcome.value if outcome else "signature_invalid"
        return Acknowledgement(
            401 if outcome is None else 422,
            json.dumps({"code": "FAIL", "message": reason}).encode(),
        )

    def refund(self, request: RefundRequest) -> RefundAnswer:
        """Accept a refund; a notice tells the result about a second later."""
        known = self._refund(request.refund_no)
        if known and not (known["result"] == "fail" and _settled(known)):
            return _answer(known)
        refusal = self._refusal(request)
        if refusal:
            return RefundAnswer("failed", error=refusal)
        with _reachable():
            attempt = int(known.get("attempt", 0)) + 1
            failing = self._take_failure(request.out_trade_no)
            entry = {
                "out_trade_no": request.out_trade_no,
                "trade_no": request.trade_no or f"SBX-{request.out_trade_no}",
                "amount_fen": str(request.amount_fen),
                "number": known.get("number") or f"SR{secrets.token_hex(8).upper()}",
                "attempt": str(attempt),
                "result": "fail" if failing else "success",
                "settles_at": str(time.time() + REFUND_SECONDS),
            }
            key = f"sandbox:refund:{request.refund_no}"
            pipe = self._redis.pipeline(transaction=True)
            pipe.hset(key, mapping=dict[Any, Any](entry))
            pipe.expire(key, LEDGER_SECONDS)
            self._queue_notice(
                pipe,
                {
                    "notice_id": f"{request.refund_no}-{attempt}",
                    "kind": "refund",
                    "refund_no": request.refund_no,
                    "out_trade_no": request.out_trade_no,
                    "trade_no": entry["trade_no"],
                    "amount_fen": request.amount_fen,
                    "currency": "CNY",
                    "result": entry["result"],
                    "error": "ACCOUNT_ABNORMAL" if failing else None,
                },
                delay=REFUND_SECONDS,
            )
            pipe.execute()
        return RefundAnswer("accepted", entry["number"])

    def query_refund(self, refund_no: str) -> RefundAnswer:
        """Return how a refund stands in the ledger."""
        known = self._refund(refund_no)
        return _answer(known) if known else RefundAnswer("unknown")

    # -- as the provider ------------------------------------------------------------------

    def trade(self, out_trade_no: str) -> Trade | None:
        """Return a trade of the ledger, or None."""
        with _reachable():
            raw = self._hash(_trade_key(out_trade_no))
        if "amount_fen" not in raw:
            return None
        return Trade(
            out_trade_no, int(raw["amount_fen"]), raw.get("status", "open"), raw.get("trade_no")
        )

    def pay(self, out_trade_no: str, *, succeed: bool) -> str | None:
        """Let the payer pay or fail; return the id of the notice to deliver.

        A paid trade stays paid: asking again sends its notice again. None: no such trade.
        """
        trade = self.trade(out_trade_no)
        if trade is None:
            return None
        key = _trade_key(out_trade_no)
        with _reachable():
            if trade.status != "paid" and succeed:
                self._redis.hsetnx(key, "trade_no", f"SBX{secrets.token_hex(12).upper()}")
            raw = self._hash(key)
            paid = "trade_no" in raw
            notice_id = f"{raw['trade_no']}-P" if paid else f"SBXF{secrets.token_hex(12).upper()}"
            pipe = self._redis.pipeline(transaction=True)
            pipe.hset(key, "status", "paid" if paid else "failed")
            self._queue_notice(
                pipe,
                {
                    "notice_id": notice_id,
                    "kind": "payment",
                    "out_trade_no": out_trade_no,
                    "trade_no": raw.get("trade_no", notice_id),
                    "amount_fen": trade.amount_fen,
                    "currency": "CNY",
                    "result": "success" if paid else "fail",
                    "error": None if paid else "PAYER_CANCELLED",
                },
                delay=DELIVERY_LEAD_SECONDS,
            )
            pipe.execute()
        return notice_id

    def fail_next_refunds(self, out_trade_no: str, times: int) -> None:
        """Let the next `times` refunds of this trade fail, to see what we do then."""
        with _reachable():
            self._redis.set(_failures_key(out_trade_no), times, ex=LEDGER_SECONDS)

    def sign(self, body: bytes, timestamp: int | None = None) -> dict[str, str]:
        """Return the headers that go with a notice."""
        stamp, nonce = (
            str(int(time.time()) if timestamp is None else timestamp),
            secrets.token_hex(8),
        )
        return {
            "X-Sandbox-Timestamp": stamp,
            "X-Sandbox-Nonce": nonce,
            "X-Sandbox-Signature": self._signature(stamp, nonce, body),
        }

    def deliver(self, notice_id: str, deliver: Deliver) -> bool:
        """Deliver one waiting notice; True if it was acknowledged and is forgotten."""
        with _reachable():
            body = cast(bytes | None, self._redis.get(f"sandbox:notice:{notice_id}"))
        if body is None:
            with _reachable():
                self._redis.zrem(_QUEUE, notice_id)
            return False
        if deliver(self.sign(body), body):
            with _reachable():
                self._redis.zrem(_QUEUE, notice_id)
            return True
        return False

    def deliver_due(self, deliver: Deliver, now: float | None = None) -> int:
        """Deliver every notice that is due; return how many were acknowledged.

        One that is refused comes again later and later, and is given up after some twenty tries.
        """
        moment = time.time() if now is None else now
        with _reachable():
            due = cast(list[bytes], self._redis.zrangebyscore(_QUEUE, 0, moment, start=0, num=50))
        done = 0
        for raw in due:
            notice_id = raw.decode()
            self._postpone(notice_id, moment)
            done += self.deliver(notice_id, deliver)
        return done

    # -- inside ---------------------------------------------------------------------------

    def _postpone(self, notice_id: str, moment: float) -> None:
        with _reachable():
            tries = self._redis.incr(f"sandbox:notice:{notice_id}:tries")
            self._redis.expire(f"sandbox:notice:{notice_id}:tries", LEDGER_SECONDS)
            if tries > DELIVERY_TRIES:
                self._redis.zrem(_QUEUE, notice_id)
            else:
                again = moment + min(15 * 2 ** (tries - 1), 3600)
                self._redis.zadd(_QUEUE, {notice_id: again}, xx=True)

    def _queue_notice(self, pipe: Any, said: dict[str, Any], delay: float) -> None:
        body = json.dumps(said, separators=(",", ":")).encode()
        pipe.set(f"sandbox:notice:{said['notice_id']}", body, ex=LEDGER_SECONDS)
        pipe.delete(f"sandbox:notice:{said['notice_id']}:tries")
        pipe.zadd(_QUEUE, {said["notice_id"]: time.time() + delay})

    def _signature(self, stamp: str, nonce: str, body: bytes) -> str:
        message = f"{stamp}\n{nonce}\n".encode() + body + b"\n"
        return hmac.new(self._secret, message, hashlib.sha256).hexdigest()

    def _verify(self, headers: Mapping[str, str], body: bytes) -> None:
        given = {name.lower(): value for name, value in headers.items()}
        stamp, nonce = given.get("x-sandbox-timestamp", ""), given.get("x-sandbox-nonce", "")
        claimed = given.get("x-sandbox-signature", "")
        if not self._secret or len(body) > BODY_MAX or not stamp.isascii() or not stamp.isdigit():
            raise NoticeInvalid()
        genuine = self._signature(stamp, nonce, body)
        if not hmac.compare_digest(genuine.encode(), claimed.encode(errors="replace")):
            raise NoticeInvalid()
        if abs(time.time() - int(stamp)) > FRESH_SECONDS:
            raise NoticeInvalid()

    def _hash(self, key: str) -> dict[str, str]:
        raw = cast(dict[bytes, bytes], self._redis.hgetall(key))
        return {name.decode(): value.decode() for name, value in raw.items()}

    def _refund(self, refund_no: str) -> dict[str, str]:
        with _reachable():
            return self._hash(f"sandbox:refund:{refund_no}")

    def _refusal(self, request: RefundRequest) -> str | None:
        """Return why the ledger refuses; a trade it never saw is taken at its word (demo data)."""
        trade = self.trade(request.out_trade_no)
        if trade is not None and trade.status != "paid":
            return "TRADE_NOT_PAID"
        total = trade.amount_fen if trade else request.total_fen
        return "AMOUNT_EXCEEDS_TRADE" if request.amount_fen > total else None

    def _take_failure(self, out_trade_no: str) -> bool:
        key = _failures_key(out_trade_no)
        if not self._redis.exists(key):
            return False
        left = self._redis.decr(key)
        if left <= 0:
            self._redis.delete(key)
        return left >= 0


def _trade_key(out_trade_no: str) -> str:
    return f"sandbox:trade:{out_trade_no}"


def _failures_key(out_trade_no: str) -> str:
    return f"sandbox:refund_failures:{out_trade_no}"


def _settled(entry: Mapping[str, str]) -> bool:
    return time.time() >= float(entry["settles_at"])


def _answer(entry: Mapping[str, str]) -> RefundAnswer:
    if not _settled(entry):
        return RefundAnswer("accepted", entry["number"])
    if entry["result"] == "success":
        return RefundAnswer("succeeded", entry["number"])
    return RefundAnswer("failed", entry["number"], "ACCOUNT_ABNORMAL")


def _word(value: Any) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= 64 or not value.isascii():
        raise ValueError
    return value


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError
    return value


def _refuse() -> Any:
    raise ValueError


@contextmanager
def _reachable() -> Iterator[None]:
    try:
        yield
    except (redis.ConnectionError, redis.TimeoutError) as error:
        raise PaymentProviderUnavailable() from error
