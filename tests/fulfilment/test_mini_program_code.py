"""Mini-program codes, from a local server that speaks WeChat's protocol and its error codes."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from backoffice.accounts.errors import WechatNotOffered, WechatUnavailable
from backoffice.fulfilment.mini_program_code import (
    MiniProgramCodeRefused,
    mini_program_code,
    offers_mini_program_codes,
)
from backoffice.settings import Settings

JPEG = b"\xff\xd8\xff\xe0 the picture"


class Wechat(ThreadingHTTPServer):
    """Stable tokens, and codes for whoever shows the one in force (getUnlimitedQRCode)."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.token, self.given, self.wishes = "token-1", 0, []
        self.reply: bytes | None = None
        self.status = 200


class Handler(BaseHTTPRequestHandler):
    server: Wechat

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        parts = urlsplit(self.path)
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(self._answer(parts.path, parse_qs(parts.query), body))

    def _answer(self, path, query, body) -> bytes:
        if path == "/cgi-bin/stable_token":
            self.server.given += 1
            return json.dumps({"access_token": self.server.token, "expires_in": 7200}).encode()
        assert path == "/wxa/getwxacodeunlimit"
        if query["access_token"] != [self.server.token]:
            return b'{"errcode": 40001, "errmsg": "invalid credential"}'
        self.server.wishes.append(body)
        return JPEG if self.server.reply is None else self.server.reply

    def log_message(self, *args) -> None:
        pass


@pytest.fixture
def wechat():
    server = Wechat()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def configured(wechat) -> Settings:
    return Settings(
        wechat_base_url=f"http://127.0.0.1:{wechat.server_port}",
        wechat_app_id="wx1",
        wechat_app_secret="secret",
        wechat_code_page="pages/batch/index",
    )


def test_a_code_opens_the_page_with_the_batch(wechat, configured):
    assert mini_program_code(configured, "Z3K8F7") == (JPEG, "jpg")
    (wish,) = wechat.wishes
    assert (wish["scene"], wish["page"]) == ("b=Z3K8F7", "pages/batch/index")
    assert (wish["env_version"], wish["check_path"]) == ("release", True)
    mini_program_code(configured, "AAAAAAAA")
    assert wechat.given == 1  # one token serves many codes


def test_a_token_that_is_over_is_fetched_anew_once(wechat, configured):
    mini_program_code(configured, "Z3K8F7")
    wechat.token = "token-2"
    assert mini_program_code(configured, "Z3K8F7")[0] == JPEG
    assert wechat.given == 2


def test_a_trial_version_needs_no_published_page(wechat, configured):
    mini_program_code(replace(configured, wechat_code_env="trial"), "Z3K8F7")
    assert wechat.wishes[0]["check_path"] is False


def test_png_is_named_png(wechat, configured):
    wechat.reply = b"\x89PNG\r\n"
    assert mini_program_code(configured, "Z3K8F7")[1] == "png"


@pytest.mark.parametrize("errcode", [41030, 40129, 45009])
def test_what_wechat_refuses_is_said_with_its_number(wechat, configured, errcode):
    wechat.reply = json.dumps({"errcode": errcode, "errmsg": "no"}).encode()
    with pytest.raises(MiniProgramCodeRefused) as refused:
        mini_program_code(configured, "Z3K8F7")
    assert str(errcode) in refused.value.text()


@pytest.mark.parametrize(
    ("reply", "status"), [(b"<html>busy</html>", 200), (b"{]", 200), (b"{}", 200), (JPEG, 502)]
)
def test_nonsense_is_no_code_and_shows_no_token(wechat, configured, reply, status):
    mini_program_code(configured, "Z3K8F7")
    wechat.reply, wechat.status = reply, status
    with pytest.raises(WechatUnavailable) as gone:
        mini_program_code(configured, "Z3K8F7")
    assert gone.value.__cause__ is None
    assert "token" not in str(gone.value)


@pytest.mark.parametrize(
    ("missing", "offered"),
    [("", True), ("wechat_app_id", False), ("wechat_app_secret", False), ("wechat_code_page", False)],
)  # fmt: skip
def test_without_a_mini_program_there_is_nothing_to_offer(configured, missing, offered):
    settings = replace(configured, **({missing: ""} if missing else {}))
    assert offers_mini_program_codes(settings) is offered
    if missing in ("wechat_app_id", "wechat_app_secret"):
        with pytest.raises(WechatNotOffered):
            mini_program_code(settings, "Z3K8F7")
