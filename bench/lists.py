"""Do the lists and the dashboard cost more with a hundred times the orders? 10,000 against many."""

from __future__ import annotations

import os
import statistics
import time
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backoffice.models import Order
from backoffice.seeding import volume
from backoffice.settings import Settings
from bench.table import Row

SMALL = 10_000
LARGE = int(os.environ.get("BENCH_ORDERS", "1000000"))
ROUNDS = 40
GOAL = 1.3


def run(settings: Settings) -> list[Row]:
    """Measure pages of the real application at both sizes of the same database."""
    from backoffice import admin, create_app
    from backoffice.db import db
    from tests.admin.house import build_house
    from tests.factories import make_order

    app = create_app(settings)
    admin.init_app(app)
    with app.app_context(), Session(db.engine, expire_on_commit=False) as session:
        house = build_house(app, session)
        known = make_order(session, house.batches[0], "paid")
        batch = house.batches[0]
        session.commit()
        client = house.client("admin")
        volume.seed(session, [batch], SMALL)
        session.commit()
        small = _measure(client, known)
        grown = session.scalar(select(func.count()).select_from(Order)) or 0
        volume.seed(session, [batch], max(0, LARGE - grown))
        session.commit()
        session.connection().exec_driver_sql("ANALYZE")
        large = _measure(client, known)
        total = session.scalar(select(func.count()).select_from(Order)) or 0
    return [
        Row(
            name=f"{name} at {total:,} orders",
            ratio=large[name][0] / small[name][0],
            goal=GOAL,
            better="lower",
            reference=f"the same at {SMALL:,}, p50 {small[name][0] * 1000:.0f} ms",
            detail=f"p50 {large[name][0] * 1000:.0f} ms, p95 {large[name][1] * 1000:.0f} ms "
            f"(p95 before {small[name][1] * 1000:.0f} ms)",
        )
        for name in small
    ]


def _measure(client: Any, known: Order) -> dict[str, tuple[float, float]]:
    """Return p50 and p95 seconds of each page, every round one of each."""
    from tests.admin.house import post

    deep = client.get("/admin/orders/?sort=created_at").text
    after = deep.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    search = {
        term: post(client, "/admin/orders/find", term=term).location
        for term in (known.number, known.enrolment.student_no, known.student.phone)
    }
    paths = {
        "orders, first page": "/admin/orders/",
        "orders, a later page": after,
        "orders waiting for review": "/admin/orders/?state=pending_review",
        "orders of a batch": f"/admin/orders/?batch={known.batch_id}",
        "enrolments": "/admin/enrolments/",
        "payments": "/admin/payments/?status=succeeded",
        "search by order number": search[known.number],
        "search by student number": search[known.enrolment.student_no],
        "search by phone": search[known.student.phone],
    }
    times: dict[str, list[float]] = {name: [] for name in paths}
    for turn in range(ROUNDS + 5):
        for name, path in paths.items():
            began = time.perf_counter()
            answer = client.get(path)
            seconds = time.perf_counter() - began
            if answer.status_code != 200:
                raise RuntimeError(f"{path} answered {answer.status_code}")
            if turn >= 5:  # what is read once a process
                times[name].append(seconds)
    return {
        name: (statistics.median(found), statistics.quantiles(found, n=20)[-1])
        for name, found in times.items()
    }
