"""`fire` against bare SQL that does the same reads and writes on the same tables."""

from __future__ import annotations

import os
import statistics
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

import psycopg
from psycopg.types.json import Jsonb
from sqlalchemy import create_engine, make_url
from sqlalchemy.orm import Session, sessionmaker

from backoffice.db import uuid7
from backoffice.settings import Settings
from backoffice.workflows.actors import staff_actor
from backoffice.workflows.orders import build_engine
from bench.table import Row

ROUNDS, MOVES = 7, 60  # alternating rounds of so many approve/revoke pairs
CONNECTIONS = 8


class BareMover:
    """Approve and revoke by hand-written SQL: lock, history, decision, event, outbox, order."""

    def __init__(self, url: str, staff_id: uuid.UUID) -> None:
        address = make_url(url)
        self.connection = psycopg.connect(
            host=address.query["host"], user=address.username, dbname=address.database
        )
        self.staff_id = staff_id

    def move(self, order_id: uuid.UUID, name: str, source: str, target: str) -> None:
        """Do in one transaction what `Engine.fire` does, without deciding anything."""
        run, now = self.connection.execute, datetime.now(UTC)
        version, photo, previous = run(
            "SELECT version, photo_id, last_hash, state, school_id, student_id, batch_id "
            "FROM orders WHERE id = %s FOR UPDATE",
            (order_id,),
        ).fetchone()[:3]
        head = os.urandom(32)
        run(
            "INSERT INTO review_decisions (id, order_id, photo_id, event_sequence, staff_id, decision)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            (uuid7(), order_id, photo, version + 1, self.staff_id, name),
        )
        run(
            "INSERT INTO order_events (id, order_id, sequence, transition, from_state, to_state, at, "
            "actor_kind, actor_id, reasons, data, workflow, workflow_version, previous_hash, hash) "
            "VALUES (%s,%s,%s,%s,%s,%s,%s,'staff',%s,'{}',%s,'capture_order',1,%s,%s)",
            (uuid7(), order_id, version + 1, name, source, target, now, str(self.staff_id),
             Jsonb({"photo_id": str(photo)}), previous, head),
        )  # fmt: skip
        if name == "approve":
            run(
                "INSERT INTO outbox (id, order_id, effect, payload, dedupe_key, available_at) "
                "VALUES (%s, %s, 'notify.approved', %s, %s, %s)",
                (uuid7(), order_id, Jsonb({"order_id": str(order_id)}), str(uuid7()), now),
            )
        run(
            "UPDATE orders SET state = %s, version = %s, entered_at = %s, last_hash = %s "
            "WHERE id = %s AND version = %s",
            (target, version + 1, now, head, order_id, version),
        )
        self.connection.commit()


def _pairs(move: Callable[[str], None], count: int) -> float:
    """Return seconds for `count` approve/revoke pairs."""
    began = time.perf_counter()
    for _ in range(count):
        move("approve")
        move("revoke")
    return time.perf_counter() - began


def _movers(settings: Settings, factory: sessionmaker[Session], order_id: uuid.UUID, staff_id):
    bare = BareMover(settings.database_url, staff_id)
    engine, actor = build_engine(), staff_actor(staff_id, ["reviewer"])
    session = factory()
    places = {"approve": ("pending_review", "approved"), "revoke": ("approved", "pending_review")}

    def by_engine(name: str) -> None:
        engine.fire(
            session, order_id, name, actor=actor, data={"note": "x"} if name == "revoke" else None
        )
        session.commit()

    def by_hand(name: str) -> None:
        bare.move(order_id, name, *places[name])

    return by_engine, by_hand


def _one_connection(settings, factory, order_ids, staff_id) -> tuple[float, float]:
    by_engine, by_hand = _movers(settings, factory, order_ids[0], staff_id)
    _pairs(by_engine, 10), _pairs(by_hand, 10)
    ratios, rates = [], []
    for _ in range(ROUNDS):
        hand, ours = _pairs(by_hand, MOVES), _pairs(by_engine, MOVES)
        ratios.append(hand / ours)
        rates.append(2 * MOVES / ours)
    return statistics.median(ratios), statistics.median(rates)


def _many_connections(settings, factory, order_ids, staff_id) -> tuple[float, float]:
    movers = [_movers(settings, factory, i, staff_id) for i in order_ids[:CONNECTIONS]]

    def together(which: int) -> float:
        threads = [threading.Thread(target=_pairs, args=(m[which], MOVES // 4)) for m in movers]
        began = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return time.perf_counter() - began

    together(0), together(1)
    ratios, rates = [], []
    for _ in range(ROUNDS):
        hand, ours = together(1), together(0)
        ratios.append(hand / ours)
        rates.append(CONNECTIONS * 2 * (MOVES // 4) / ours)
    return statistics.median(ratios), statistics.median(rates)


def run(settings: Settings) -> list[Row]:
    """Measure with one and with eight connections."""
    from tests.factories import make_batch, make_order, make_staff

    database = create_engine(settings.database_url, pool_size=CONNECTIONS + 4)
    factory = sessionmaker(database, expire_on_commit=False)
    with factory() as session:
        batch = make_batch(session)
        staff_id = make_staff(session, "reviewer").id
        order_ids = [make_order(session, batch, "pending_review").id for _ in range(CONNECTIONS)]
        session.commit()
    reference = "the same reads and writes by hand-written SQL (psycopg)"
    rows = []
    for name, measure in (("1 connection", _one_connection), ("8 connections", _many_connections)):
        ratio, rate = measure(settings, factory, order_ids, staff_id)
        rows.append(
            Row(f"engine.fire, {name}", ratio, 0.6, "higher", reference, f"{rate:.0f} moves/s here")
        )
    database.dispose()
    return rows
