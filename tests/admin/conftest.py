"""The back office in the tests: the real application with the admin door."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest
from flask import Flask

from backoffice.models import Order
from backoffice.settings import Settings
from tests.admin.browser import browser, served  # noqa: F401  (fixtures)
from tests.admin.house import STATES, House, build_house, store_pictures
from tests.factories import make_order


@pytest.fixture(scope="session")
def admin_app(settings: Settings, database) -> Flask:
    """The core with the admin door."""
    from backoffice import admin, create_app

    app = create_app(settings)
    admin.init_app(app)
    return app


@pytest.fixture
def house(admin_app: Flask, committed) -> Iterator[House]:
    """The house without orders."""
    with committed() as session:
        built = build_house(admin_app, session)
        session.commit()
        yield built


@pytest.fixture
def busy_house(house: House) -> House:
    """The house with an order in every state in both schools, pictures in the store."""
    with house.app.app_context():
        for orders, batch in ((house.orders, house.batches[0]), (house.foreign, house.batches[1])):
            for state in STATES:
                orders[state] = make_order(house.session, batch, state)
        house.session.commit()
        for order in (*house.orders.values(), *house.foreign.values()):
            store_pictures(house.app, house.session, order)
    return house


@pytest.fixture
def queue(house: House) -> list[Order]:
    """Three photos that wait, the first one longest."""
    with house.app.app_context():
        orders = [make_order(house.session, house.batches[0], "pending_review") for _ in range(3)]
        house.session.commit()
        for order in orders:
            store_pictures(house.app, house.session, order)
    return orders


@pytest.fixture
def required(house: House, monkeypatch) -> House:
    """The house as in production: administrators and finance need a second factor."""
    services = house.app.extensions["backoffice"]
    strict = dataclasses.replace(services.settings, staff_second_factor="required")
    monkeypatch.setattr(services, "settings", strict)
    return house
