"""`fire` against bare SQL that does the same reads and writes on the same tables."""

from __future__ import annotations

import multiprocessing
import os
import statistics
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from multiprocessing.synchronize import Barrier

import psycopg
from psycopg.types.json import Jsonb
from sqlalchemy import create_engine, make_url
from sqlalchemy.orm import Session, sessionmaker

from backoffice import crypto
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


def _many_threads(settings, factory, order_ids, staff_id) -> tuple[float, float]:
    """Eight connections in one process: Python computes one move at a time."""
    movers = [_movers(settings, factory, i, staff_id) for i in order_ids[:CONNECTIONS]]

    def together(which: int) -> float:
        threads = [threading.Thread(target=_pairs, args=(m[which], MOVES // 2)) for m in movers]
        began = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return time.perf_counter() - began

    together(0), together(1)
    return _ratio_of_rounds(lambda: together(1), lambda: together(0))


def _one_process(
    settings: Settings, order_id: uuid.UUID, staff_id: uuid.UUID, gate: Barrier
) -> None:
    """One connection of the eight: waits at the gate before and after every part."""
    crypto.configure(settings)
    database = create_engine(settings.database_url)
    by_engine, by_hand = _movers(
        settings, sessionmaker(database, expire_on_commit=False), order_id, staff_id
    )
    for part in [by_engine, by_hand] + [by_hand, by_engine] * ROUNDS:
        gate.wait()
        _pairs(part, MOVES // 2)
        gate.wait()


def _many_processes(settings, factory, order_ids, staff_id) -> tuple[float, float]:
    """Eight connections in eight processes, as web and worker processes have them."""
    spawn = multiprocessing.get_context("spawn")
    gate = spawn.Barrier(CONNECTIONS + 1)
    processes = [
        spawn.Process(target=_one_process, args=(settings, i, staff_id, gate), daemon=True)
        for i in order_ids[:CONNECTIONS]
    ]
    for process in processes:
        process.start()

    def together() -> float:
        gate.wait(timeout=120)
        began = time.perf_counter()
        gate.wait(timeout=120)
        return time.perf_counter() - began

    together(), together()  # the first moves of both kinds warm up
    found = _ratio_of_rounds(together, together)
    for process in processes:
        process.join()
    return found


def _ratio_of_rounds(
    by_hand: Callable[[], float], by_engine: Callable[[], float]
) -> tuple[float, float]:
    """Return the medians of by-hand seconds over ours, and of our moves per second."""
    ratios, rates = [], []
    for _ in range(ROUNDS):
        hand, ours = by_hand(), by_engine()
        ratios.append(hand / ours)
        rates.append(CONNECTIONS * 2 * (MOVES // 2) / ours)
    return statistics.median(ratios), statistics.median(rates)


def run(settings: Settings) -> list[Row]:
    """Measure with one connection and with eight."""
    from tests.factories import make_batch, make_order, make_staff

    database = create_engine(settings.database_url, pool_size=CONNECTIONS + 4)
    factory = sessionmaker(database, expire_on_commit=False)
    with factory() as session:
        batch = make_batch(session)
        staff_id = make_staff(session, "reviewer").id
        order_ids = [make_order(session, batch, "pending_review").id for _ in range(CONNECTIONS)]
        session.commit()
    reference = "the same reads and writes by hand-written SQL (psycopg)"
    measured = (settings, factory, order_ids, staff_id)
    one, one_rate = _one_connection(*measured)
    eight, eight_rate = _many_processes(*measured)
    threads, _ = _many_threads(*measured)
    rows = [
        Row("engine.fire, 1 connection", one, 0.6, "higher", reference, f"{one_rate:.0f} moves/s"),
        Row(
            "engine.fire, 8 connections",
            eight,
            0.6,
            "higher",
            reference,
            f"{eight_rate:.0f} moves/s, a process each; as threads of one process {threads:.2f}",
        ),
    ]
    database.dispose()
    return rows
