"""Valkey is away: reading goes on, what needs it says so with a code, and nobody waits long."""

from __future__ import annotations

import socket
import threading
from dataclasses import replace

import pytest

from backoffice.services import VALKEY_ANSWER_SECONDS, VALKEY_CONNECT_SECONDS, valkey
from tests.student_api.conftest import Api, identified, jpeg, ordered


class HangsUp(threading.Thread):
    """A server that closes every connection, and counts them."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.door = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self.door.getsockname()[1]}/0"
        self.asked = 0

    def run(self) -> None:
        while True:
            try:
                guest, _ = self.door.accept()
            except OSError:
                return
            self.asked += 1
            guest.close()


@pytest.fixture
def away():
    server = HangsUp()
    server.start()
    yield server
    server.door.shutdown(socket.SHUT_RDWR)
    server.door.close()
    server.join()


@pytest.fixture
def without(settings, student, away):
    """The same student at an application whose Valkey hangs up."""
    from wsgi import create_app

    app = create_app(replace(settings, redis_url=away.url))
    return Api(app.test_client(), student.headers)


def test_every_command_has_an_end(settings):
    """A Valkey that takes a connection and stays silent is given up too."""
    connection = valkey(settings.redis_url).connection_pool.make_connection()
    assert connection.socket_connect_timeout == VALKEY_CONNECT_SECONDS
    assert connection.socket_timeout == VALKEY_ANSWER_SECONDS
    assert 2 * (VALKEY_CONNECT_SECONDS + VALKEY_ANSWER_SECONDS) < 10


@pytest.mark.parametrize("path", ["/me", "/orders", "/consents"])
def test_reading_goes_on(without, away, path):
    assert without.get(path).status_code == 200
    assert away.asked <= 2  # once, and once again


def test_what_needs_it_says_so(without, away, student, settings, committed, batch, person):
    order = ordered(student, identified(student, settings, committed, batch, person))
    card = without.upload("/ocr/id-card", jpeg(), source=None)
    pay = without.post(f"/orders/{order['id']}/payments", {"provider": "sandbox"})
    assert [(answer.status_code, answer.get_json()["code"]) for answer in (card, pay)] == [
        (503, "id_card_reader_busy"),
        (503, "payment_provider_unavailable"),
    ]
    assert "Retry-After" in card.headers
    assert student.get(f"/orders/{order['id']}").get_json()["order"]["state"] == "draft"
