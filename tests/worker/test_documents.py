"""POST /ocr/id-card through a real reading process: the card comes back, and nothing is left."""

from __future__ import annotations

import io
import threading

import pytest
from limits import RateLimitItemPerHour

from backoffice.crypto import keyring
from backoffice.identity import id_card_exchange as exchange
from student_api.calls import documents as call
from student_api.limits import Rule
from tests.identity.id_cards import CONDITIONS, PEOPLE, draw_back, draw_card, jpeg, on_table
from worker import queues, runtime
from worker.jobs import documents
from wsgi import create_app

PERSON = PEOPLE[0]
CARD = jpeg(CONDITIONS["turned 90"](draw_card(PERSON)))


@pytest.fixture(scope="module")
def whole_app(settings, database):
    return create_app(settings)


@pytest.fixture
def send(whole_app, redis):
    """Send a file to the call, as a phone would."""

    def call(data: bytes, language: str = "zh", address: str = "198.51.100.9"):
        return whole_app.test_client().post(
            "/api/v1/ocr/id-card",
            data={"image": (io.BytesIO(data), "card.jpg")},
            content_type="multipart/form-data",
            headers={"Accept-Language": language},
            environ_base={"REMOTE_ADDR": address},
        )

    return call


def left_in_valkey(redis) -> list[str]:
    return sorted(
        key.decode()
        for key in redis.keys("*")
        if not key.startswith((b"LIMITS:", b"rq:worker", b"rq:queues", b"rq:clean", b"rq:results"))
    )


def test_a_reading_process_answers_and_nothing_is_left(processes, send, redis):
    processes.start("-m", "worker", "documents")
    written = []
    listening = redis.pubsub()
    listening.psubscribe("documents:*")
    answer = None
    for _ in range(4):  # the process is still starting, and loads its models for the first card
        answer = send(CARD)
        if answer.status_code != 503:
            break
    card = answer.get_json()
    assert answer.status_code == 200, (card, processes.log())
    assert card.pop("confidence") > 0.8
    assert card == {
        "name": PERSON.name,
        "id_number": PERSON.number,
        "gender": "female",
        "birth_date": "2003-09-15",
        "address": PERSON.address.replace(" ", ""),
        "valid_checksum": True,
    }
    assert answer.headers["Cache-Control"] == "no-store"

    back = send(jpeg(on_table(draw_back())), "en")
    assert (back.status_code, back.get_json()["code"]) == (422, "id_card_unreadable")
    assert "emblem" in back.get_json()["detail"]
    assert [e["field"] for e in back.get_json()["errors"]] == ["image"]
    for data in (b"", b"no picture", CARD[:3000]):
        refused = send(data)
        assert (refused.status_code, refused.get_json()["code"]) == (422, "id_card_unreadable")

    while (message := listening.get_message(timeout=0.2)) is not None:
        if message["type"] == "pmessage":
            written.append(message["data"])
    listening.close()
    secrets = (PERSON.number.encode(), PERSON.name.encode(), CARD[200:260], b"emblem")
    assert written
    assert not any(secret in data for data in written for secret in secrets)
    assert left_in_valkey(redis) == []
    log = processes.log()
    assert "id card read" in log
    assert not any(text in log for text in (PERSON.number, PERSON.name, "上海", "310101"))


def test_nobody_reads(send, redis, monkeypatch):
    monkeypatch.setattr(exchange, "WAIT_SECONDS", 0.3)
    answer = send(CARD)
    assert (answer.status_code, answer.get_json()["code"]) == (503, "id_card_reader_busy")
    assert int(answer.headers["Retry-After"]) > 0


def test_a_long_queue_is_not_made_longer(send, redis):
    waiting = queues.queue(queues.DOCUMENTS, redis)
    for number in range(4):
        waiting.enqueue_call(exchange.JOB, args=(f"t{number}",), job_id=f"t{number}")
    answer = send(CARD)
    assert (answer.status_code, answer.get_json()["code"]) == (503, "id_card_reader_busy")
    assert waiting.count == 4


def test_a_caller_who_has_gone_costs_nothing(context, redis, monkeypatch):
    monkeypatch.setattr(documents, "_answer", lambda picture: pytest.fail("was read"))
    documents.read("nobody-listens")
    assert left_in_valkey(redis) == []


def test_a_fault_in_reading_is_told_and_leaves_no_trace(context, redis, monkeypatch, caplog):
    class Broken:
        def read(self, picture):
            raise RuntimeError(f"{PERSON.number} in a message")

    monkeypatch.setattr(runtime, "id_card_reader", Broken)
    monkeypatch.setattr(runtime, "_app", runtime.app())

    def in_background(ticket: str) -> None:
        threading.Thread(target=documents.read, args=(ticket,)).start()

    answer = exchange.ask(redis, keyring(), CARD, in_background)
    assert answer == {"error": "id_card_reader_busy"}
    assert PERSON.number not in caplog.text


def test_an_address_is_stopped_after_its_share(send, monkeypatch):
    monkeypatch.setattr(call, "ID_CARD_ADDRESS", Rule("id-card-test", RateLimitItemPerHour(1)))
    monkeypatch.setattr(call, "WAITING_MAX", 0)
    assert send(CARD).status_code == 503
    again = send(CARD)
    assert again.status_code == 429
    assert int(again.headers["Retry-After"]) > 0
