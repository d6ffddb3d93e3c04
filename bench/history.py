"""Does a move cost more when there is much history? 1,000 orders against many."""

from __future__ import annotations

import os
import statistics
import time

from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

from backoffice.models import Batch
from backoffice.seeding import volume
from backoffice.settings import Settings
from backoffice.workflows.actors import staff_actor
from backoffice.workflows.orders import build_engine
from bench.table import Row

SMALL = 1_000
LARGE = int(os.environ.get("BENCH_ORDERS", "100000"))
ROUNDS, PAIRS = 9, 40


def run(settings: Settings) -> list[Row]:
    """Measure approve/revoke pairs at both sizes of the same database."""
    from tests.factories import make_batch, make_order, make_staff

    database = create_engine(settings.database_url)
    factory = sessionmaker(database, expire_on_commit=False)
    with factory() as session:
        batch_id = make_batch(session).id
        staff_id = make_staff(session, "reviewer").id
        ids = [
            make_order(session, session.get_one(Batch, batch_id), "pending_review").id
            for _ in range(PAIRS)
        ]
        session.commit()
    engine, actor = build_engine(), staff_actor(staff_id, ["reviewer"])

    def move_all() -> float:
        with factory() as session:
            began = time.perf_counter()
            for order_id in ids:
                for name, data in (("approve", None), ("revoke", {"note": "x"})):
                    engine.fire(session, order_id, name, actor=actor, data=data)
                    session.commit()
            return time.perf_counter() - began

    def seconds(orders: int) -> float:
        with factory() as session:
            volume.seed(session, [session.get_one(Batch, batch_id)], orders, seed_number=orders)
        move_all()
        return statistics.median(move_all() for _ in range(ROUNDS))

    few = seconds(SMALL)
    many = seconds(LARGE - SMALL)
    database.dispose()
    return [
        Row(
            f"engine.fire among {LARGE:,} orders",
            many / few,
            1.2,
            "lower",
            f"the same among {SMALL:,} orders",
            "time per move",
        )
    ]
