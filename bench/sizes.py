"""Does the back office cost more with a hundred times the orders? 10,000 against many, side by side.

Two databases of one server take turns, step by step, so that whatever else the machine does weighs
on both alike. BENCH_ORDERS: how many "many" is, 1,000,000 unless set.
"""

from __future__ import annotations

import os
import uuid
from collections import defaultdict
from dataclasses import replace

from sqlalchemy import create_engine, func, make_url, select
from sqlalchemy.orm import Session

from backoffice.models import Batch, Order, Staff
from backoffice.seeding import volume
from backoffice.settings import Settings
from bench.desk import Reviewing
from bench.lists import Reading
from bench.table import Row, Times, times

FEW = 10_000
MANY = int(os.environ.get("BENCH_ORDERS", "1000000"))
COPY = "few"
GOAL = 1.3
WARM_UP, REVIEWS, READINGS, COUNTINGS = 5, 150, 100, 5


class Place:
    """The application over one database, with a reviewer and a reader in it."""

    def __init__(self, settings: Settings, known: uuid.UUID) -> None:
        from backoffice import admin, create_app
        from backoffice.db import db
        from tests.admin.house import sign_in

        app = create_app(settings)
        admin.init_app(app)
        self.taken: dict[str, list[float]] = defaultdict(list)
        self._context = app.app_context()
        with self._context:
            self.engine = db.engine
        self.session = Session(self.engine)
        self.orders = self.session.scalar(select(func.count()).select_from(Order)) or 0
        waits = select(func.count()).where(Order.state == "pending_review")
        self.waiting = self.session.scalar(waits) or 0
        self.reviewing = Reviewing(self.session, self._member("reviewer").id)
        client = app.test_client()
        sign_in(client, self._member("admin").email)
        self.reading = Reading(client, self.session.get_one(Order, known))
        self.session.commit()

    def _member(self, role: str) -> Staff:
        of_the_house = select(Staff).where(Staff.roles.any(name=role), Staff.school_id.is_(None))
        return self.session.scalars(of_the_house.order_by(Staff.created_at, Staff.id)).all()[0]

    def note(self, found: dict[str, float]) -> None:
        """Keep what a step took."""
        for name, milliseconds in found.items():
            self.taken[name].append(milliseconds)

    def times(self) -> dict[str, Times]:
        """Return median and 95th percentile of every step."""
        return {name: times(found) for name, found in self.taken.items()}


def run(settings: Settings) -> list[Row]:
    """Fill two databases and compare desk, lists and dashboard in them."""
    known = _fill(settings)
    copy = make_url(settings.database_url).set(database=COPY)
    few = replace(settings, database_url=copy.render_as_string(hide_password=False))
    return compare(Place(few, known), Place(settings, known))


def compare(few: Place, many: Place) -> list[Row]:
    """Return a row for the median and one for the 95th percentile of every step."""
    places = (few, many)
    for rounds, step in (
        (REVIEWS, lambda place: place.reviewing.step()),
        (READINGS, lambda place: place.reading.step()),
        (COUNTINGS, lambda place: {"dashboard counted anew": place.reading.count_anew()}),
    ):
        for turn in range(WARM_UP + rounds):
            for place in places if turn % 2 else places[::-1]:
                found = step(place)
                if turn >= WARM_UP:  # what is read or planned once a process
                    place.note(found)
    little, much = few.times(), many.times()
    return [
        Row(
            f"{name} {part}, {many.orders:,} orders, {many.waiting:,} waiting",
            getattr(much[name], part) / getattr(small, part),
            GOAL,
            "lower",
            f"{few.orders:,} orders, {few.waiting:,} waiting: {getattr(small, part):.1f} ms",
            f"{getattr(much[name], part):.1f} ms",
        )
        for name, small in little.items()
        for part in ("p50", "p95")
    ]


def _fill(settings: Settings) -> uuid.UUID:
    """Seed a few, copy the database, seed the rest; returns an order both know."""
    from backoffice import create_app
    from backoffice.db import db
    from tests.admin.house import build_house
    from tests.factories import make_order

    app = create_app(settings)
    with app.app_context(), Session(db.engine) as session:
        house = build_house(app, session)
        batch_id, known = house.batches[0].id, make_order(session, house.batches[0], "paid").id
        session.commit()
        for wanted in (FEW, MANY):
            here = session.scalar(select(func.count()).select_from(Order)) or 0
            batch = session.get_one(Batch, batch_id)
            volume.seed(session, [batch], max(0, wanted - here), seed_number=wanted)
            session.commit()
            tend(settings.database_url)
            if wanted == FEW:
                session.close()
                db.engine.dispose()  # nobody may be connected to a database that is copied
                source = make_url(settings.database_url).database
                _on_server(settings.database_url, f"CREATE DATABASE {COPY} TEMPLATE {source}")
    return known


def tend(url: str) -> None:
    """Do what autovacuum will have done by then."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")
    engine.dispose()


def _on_server(url: str, statement: str) -> None:
    engine = create_engine(make_url(url).set(database="postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()
