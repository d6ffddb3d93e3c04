"""Whether the system works: /healthz, /readyz, /metrics. No personal data, no secrets."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from threading import Lock

from flask import Blueprint, Flask, Response, jsonify
from sqlalchemy import func, select, text

from backoffice.db import db
from backoffice.models import Message, Order, OutboxRow, Payment, Photo, Refund, Timer
from backoffice.services import services
from backoffice.storage import check_storage

METRICS_SECONDS = 5.0  # counting is not free; a scraper may come as often as it likes
QUEUES = ("default", "photos", "documents", "imports")
log = logging.getLogger("backoffice.health")
health = Blueprint("health", __name__)


def init_app(app: Flask) -> None:
    """Register the three addresses."""
    app.register_blueprint(health)


def _database() -> None:
    db.session.execute(text("SELECT 1 FROM alembic_version"))


def _queue() -> None:
    services().redis.ping()


def _storage() -> None:
    check_storage(services().storage)


def _models() -> None:
    from backoffice.photos.models import load_manifest, model_path

    settings = services().settings
    for name in {*load_manifest(), settings.matting_model}:
        model_path(settings.models, name)


PARTS: dict[str, Callable[[], None]] = {
    "database": _database,
    "queue": _queue,
    "storage": _storage,
    "models": _models,
}


def failing_parts() -> list[str]:
    """Return the parts that do not work now, in a fixed order."""
    failing = []
    for name, check in PARTS.items():
        try:
            check()
        except Exception as error:  # whatever is wrong, the part is not ready
            failing.append(name)
            log.warning("not ready part=%s error=%s", name, type(error).__name__)
    db.session.rollback()
    return failing


@health.get("/healthz")
def healthz() -> Response:
    """The process answers."""
    return _plain(jsonify(status="ok"))


@health.get("/readyz")
def readyz() -> Response:
    """Everything a request needs is there; otherwise 503 with the parts that are not."""
    failing = failing_parts()
    answer = jsonify(
        status="unavailable" if failing else "ok",
        failing=failing,
        parts={name: "failing" if name in failing else "ok" for name in PARTS},
    )
    answer.status_code = 503 if failing else 200
    return _plain(answer)


_cache: tuple[float, str] = (0.0, "")
_cache_lock = Lock()


@health.get("/metrics")
def metrics() -> Response:
    """Return counts in the Prometheus text format, at most a few seconds old."""
    global _cache
    with _cache_lock:
        at, body = _cache
        if time.monotonic() - at > METRICS_SECONDS or not body:
            body = "\n".join(_lines()) + "\n"
            _cache = (time.monotonic(), body)
    return _plain(Response(body, content_type="text/plain; version=0.0.4; charset=utf-8"))


def _plain(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "no-store"
    return answer


Sample = tuple[dict[str, str], float]


def _lines() -> Iterator[str]:
    families: list[tuple[str, str, Callable[[], list[Sample]]]] = [
        ("backoffice_orders", "Orders by state.", _orders),
        ("backoffice_outbox", "Outbox rows not done, by state and effect.", _outbox),
        ("backoffice_outbox_oldest_seconds", "Age of the oldest due outbox row.", _oldest),
        ("backoffice_timers_overdue", "Timers past their time.", _overdue),
        ("backoffice_refunds", "Refunds by status.", lambda: _by(Refund.status)),
        ("backoffice_surplus_payments", "Payments kept as surplus.", _surplus),
        ("backoffice_photos", "Photos by status.", lambda: _by(Photo.status)),
        ("backoffice_messages", "Messages by status.", lambda: _by(Message.status)),
        ("backoffice_queue_depth", "Jobs waiting in Valkey.", _depth),
    ]
    for name, why, read in families:
        yield f"# HELP {name} {why}"
        yield f"# TYPE {name} gauge"
        for labels, value in read():
            shown = ",".join(f'{key}="{value}"' for key, value in labels.items())
            yield f"{name}{{{shown}}} {value:g}" if shown else f"{name} {value:g}"
    db.session.rollback()


def _by(column: object) -> list[Sample]:
    rows = db.session.execute(select(column, func.count()).group_by(column))  # type: ignore[call-overload]
    return [({"status": str(word)}, float(count)) for word, count in rows]


def _orders() -> list[Sample]:
    rows = db.session.execute(select(Order.state, func.count()).group_by(Order.state))
    return [({"state": state}, float(count)) for state, count in rows]


def _outbox() -> list[Sample]:
    rows = db.session.execute(
        select(OutboxRow.state, OutboxRow.effect, func.count())
        .where(OutboxRow.state.in_(("waiting", "published", "dead")))
        .group_by(OutboxRow.state, OutboxRow.effect)
    )
    return [({"state": s, "effect": e}, float(count)) for s, e, count in rows]


def _oldest() -> list[Sample]:
    seconds = db.session.scalar(
        select(func.extract("epoch", func.now() - func.min(OutboxRow.available_at))).where(
            OutboxRow.state == "waiting", OutboxRow.available_at <= func.now()
        )
    )
    return [({}, float(seconds or 0))]


def _overdue() -> list[Sample]:
    count = db.session.scalar(
        select(func.count()).where(Timer.state == "waiting", Timer.due_at <= func.now())
    )
    return [({}, float(count or 0))]


def _surplus() -> list[Sample]:
    count = db.session.scalar(select(func.count()).where(Payment.surplus))
    return [({}, float(count or 0))]


def _depth() -> list[Sample]:
    found = []
    for name in QUEUES:
        try:
            found.append(({"queue": name}, float(services().redis.llen(f"rq:queue:{name}"))))
        except Exception:
            return []
    return found
