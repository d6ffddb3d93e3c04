"""Decoders: the demo issuer's tokens, an outside service, none."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from joserfc import jwe
from joserfc.jwk import OctKey

from backoffice.capture_codes.demo import DemoCaptureCodes
from backoffice.capture_codes.errors import (
    CaptureCodeExpired,
    CaptureCodeInvalid,
    CaptureCodeUnavailable,
)
from backoffice.capture_codes.http import HttpCaptureCodes
from backoffice.capture_codes.payload import CaptureCodePayload, PayloadError
from backoffice.capture_codes.providers import decoder_for
from backoffice.settings import Settings, SettingsError

PAYLOAD = CaptureCodePayload(
    serial="GPC-2027-000001",
    name_masked="吴*兰",
    id_masked="310***********6629",
    id_last4="6629",
    school_code="10001",
    school_name="示例大学",
    level="本科",
    major="计算机科学与技术",
    expires_at=datetime(2099, 7, 1, tzinfo=UTC),
)
DEMO = DemoCaptureCodes.from_settings(Settings())


def token(plain: bytes, key: bytes = b"demo-only-capture-code-key-2026!", **header: str) -> str:
    header = {"alg": "dir", "enc": "A256GCM"} | header
    names = ["dir", "A256GCM", "A128KW", "A256KW", "DEF"]
    made = jwe.encrypt_compact(header, plain, OctKey.import_key(key), algorithms=names)
    return "GPC1." + made


def test_issue_and_decode():
    text = DEMO.issue(PAYLOAD)
    assert text.startswith("GPC1.")
    assert DEMO.decode(text) == PAYLOAD
    assert DEMO.decode(f" {text}\n") == PAYLOAD
    assert decoder_for(Settings()).decode(text) == PAYLOAD
    assert DEMO.issue(PAYLOAD) != text  # a fresh nonce every time


def test_the_text_shows_nothing_of_its_student():
    text = DEMO.issue(PAYLOAD)
    assert "6629" not in repr(PAYLOAD)
    assert "吴" not in text


def body(**changes: object) -> bytes:
    return json.dumps(PAYLOAD.to_dict() | changes).encode()


FORGED = {
    "empty": "",
    "no prefix": "https://www.chsi.com.cn/",
    "other version": DEMO.issue(PAYLOAD).replace("GPC1.", "GPC2."),
    "other key": token(body(), key=b"x" * 32),
    "plain text": "GPC1." + body().decode(),
    "half": DEMO.issue(PAYLOAD)[:-40],
    "dots": "GPC1.....",
    "not ascii": "GPC1.吴小兰",
    "too long": "GPC1." + "A" * 5000,
    "no json": token(b"hello"),
    "a list": token(b"[]"),
    "field missing": token(json.dumps({"serial": "1"}).encode()),
    "field of another type": token(body(serial=5)),
    "field empty": token(body(id_last4=" ")),
    "field too long": token(body(major="x" * 201)),
    "no time": token(body(expires_at="tomorrow")),
    "no zone": token(body(expires_at="2099-01-01T00:00:00")),
    "zipped": token(body(), zip="DEF"),
    "other algorithm": token(body(), alg="A256KW"),
}


@pytest.mark.parametrize("text", FORGED.values(), ids=FORGED)
def test_forged_texts_are_invalid(text):
    with pytest.raises(CaptureCodeInvalid) as caught:
        DEMO.decode(text)
    assert caught.value.code == "capture_code_invalid"
    assert caught.value.__cause__ is None


URL_SAFE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@settings(max_examples=50, deadline=None)
@given(place=st.integers(5, 400), shift=st.integers(1, 63))
def test_one_changed_character_is_invalid(place, shift):
    text = DEMO.issue(PAYLOAD)
    assume(place < len(text) - 1 and text[place : place + 2].isalnum())  # an end has spare bits
    other = URL_SAFE[(URL_SAFE.index(text[place]) + shift) % 64]
    with pytest.raises(CaptureCodeInvalid):
        DEMO.decode(text[:place] + other + text[place + 1 :])


def test_expired():
    for past in (timedelta(0), timedelta(days=400)):
        stale = replace(PAYLOAD, expires_at=datetime.now(UTC) - past)
        with pytest.raises(CaptureCodeExpired) as caught:
            DEMO.decode(DEMO.issue(stale))
        assert caught.value.code == "capture_code_expired"


def test_a_foreign_expired_code_is_invalid_not_expired():
    with pytest.raises(CaptureCodeInvalid):
        DEMO.decode(token(body(expires_at="2020-01-01T00:00:00Z"), key=b"x" * 32))


@pytest.mark.parametrize("expires_at", ["0001-01-01T00:00:00+08:00", 7, None])
def test_impossible_times(expires_at):
    with pytest.raises(PayloadError):
        CaptureCodePayload.from_dict(PAYLOAD.to_dict() | {"expires_at": expires_at})


@pytest.mark.parametrize("key", ["", "short", "ä" * 43, "A" * 80])
def test_unusable_key(key):
    with pytest.raises(SettingsError):
        DemoCaptureCodes.from_settings(Settings(capture_code_key=key))


def test_none_and_wrong_settings():
    with pytest.raises(CaptureCodeUnavailable):
        decoder_for(Settings(capture_code_provider="none")).decode("GPC1.x")
    with pytest.raises(SettingsError):
        decoder_for(Settings(capture_code_provider="chsi"))
    with pytest.raises(SettingsError):
        decoder_for(Settings(capture_code_provider="http"))


@pytest.fixture
def service():
    """A real decoding service on loopback; `answer` is what it says, `asked` what it got."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            length = int(self.headers["Content-Length"])
            self.server.asked.append(json.loads(self.rfile.read(length)))
            status, answer = self.server.answer
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "http://127.0.0.1:1/")
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.asked = []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def http_decoder(server: HTTPServer) -> HttpCaptureCodes:
    url = f"http://127.0.0.1:{server.server_port}/decode"
    decoder = decoder_for(Settings(capture_code_provider="http", capture_code_url=url))
    assert isinstance(decoder, HttpCaptureCodes)
    return decoder


def test_http_genuine(service):
    service.answer = (200, body(extra="ignored"))
    assert http_decoder(service).decode(" CHSI-TEXT ") == PAYLOAD
    assert service.asked == [{"text": "CHSI-TEXT"}]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((422, b'{"code": "capture_code_expired"}'), CaptureCodeExpired),
        ((422, b'{"code": "capture_code_invalid"}'), CaptureCodeInvalid),
        ((400, b"no json"), CaptureCodeInvalid),
        ((404, b"[]"), CaptureCodeInvalid),
        ((200, body(expires_at="2020-01-01T00:00:00Z")), CaptureCodeExpired),
        ((200, b"{}"), CaptureCodeUnavailable),
        ((200, b"<html>"), CaptureCodeUnavailable),
        ((200, b"x" * 100_000), CaptureCodeUnavailable),
        ((302, b""), CaptureCodeUnavailable),
        ((401, b""), CaptureCodeUnavailable),
        ((500, b""), CaptureCodeUnavailable),
    ],
)
def test_http_answers(service, answer, error):
    service.answer = answer
    with pytest.raises(error):
        http_decoder(service).decode("CHSI-TEXT")


def test_http_nobody_there(service):
    decoder = http_decoder(service)
    service.shutdown()
    service.server_close()
    with pytest.raises(CaptureCodeUnavailable):
        decoder.decode("CHSI-TEXT")


def test_http_nothing_to_ask(service):
    for text in ("", " ", "x" * 5000):
        with pytest.raises(CaptureCodeInvalid):
            http_decoder(service).decode(text)
    assert service.asked == []
