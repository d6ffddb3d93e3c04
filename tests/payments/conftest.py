from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from backoffice import create_app
from backoffice.models import Order, OutboxRow, Payment, Refund
from backoffice.payments.operations import payment_answer, start_payment
from backoffice.payments.registry import sandbox
from backoffice.payments.sandbox import SandboxGateway
from tests.factories import make_order


@pytest.fixture(scope="session")
def pay_app(settings, database) -> Flask:
    import payment_pages

    app = create_app(settings)
    payment_pages.init_app(app)
    return app


@dataclass
class Till:
    """The door, the provider and the database of one test."""

    settings: Any
    committed: Any
    client: FlaskClient
    provider: SandboxGateway

    def order(self, **values) -> Order:
        with self.committed() as session:
            order = make_order(session, **values)
            session.commit()
            return order

    def start(self, order: Order, provider: str = "sandbox") -> tuple[Payment, dict]:
        with self.committed() as session:
            payment = start_payment(session, session.get(Order, order.id), provider, self.settings)
            session.commit()
            return payment, payment_answer(payment, self.settings)

    def pay(self, payment: Payment, result: str = "success", **fields):
        return self.client.post(
            f"/sandbox/pay/{payment.out_trade_no}", data={"result": result} | fields
        )

    def state(self, order: Order) -> str:
        with self.committed() as session:
            return session.get(Order, order.id).state

    def get(self, table, row_id):
        with self.committed() as session:
            return session.get(table, row_id)

    def refunds(self, order: Order) -> list[Refund]:
        with self.committed() as session:
            return session.query(Refund).filter_by(order_id=order.id).all()

    def outbox(self, order: Order) -> list[str]:
        with self.committed() as session:
            rows = session.query(OutboxRow).filter_by(order_id=order.id).order_by(OutboxRow.id)
            return [row.effect for row in rows]


@pytest.fixture
def till(settings, committed, redis, pay_app) -> Till:
    provider = sandbox(settings)
    assert provider is not None
    return Till(settings, committed, pay_app.test_client(), provider)
