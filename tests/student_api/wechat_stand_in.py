"""A local server that speaks WeChat's three calls and their error codes.

Documented at developers.weixin.qq.com: jscode2session, stable_token, getuserphonenumber.
"""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

APP_ID, SECRET = "wx0123456789abcdef", "stand-in-secret"


class StandIn:
    """What WeChat knows: codes that work once, and the token in force."""

    def __init__(self):
        self.openids = {}
        self.phones = {}
        self.used = set()
        self.token = "token-1"
        self.tokens_given = 0
        self.failure = None  # errcode, "garbage", "500" or None
        self.base_url = ""

    def login_code(self, openid):
        code = f"login-{len(self.openids)}"
        self.openids[code] = openid
        return code

    def phone_code(self, number, country="86"):
        code = f"phone-{len(self.phones)}"
        self.phones[code] = (number, country)
        return code

    def expire_token(self):
        self.token = f"token-{self.tokens_given + 100}"

    def answer(self, method, path, query, body):
        if self.failure is not None:
            return {"errcode": self.failure, "errmsg": "failure"}
        if (method, path) == ("GET", "/sns/jscode2session"):
            return self._session(query)
        if (method, path) == ("POST", "/cgi-bin/stable_token"):
            return self._token(body)
        if (method, path) == ("POST", "/wxa/business/getuserphonenumber"):
            return self._phone(query, body)
        return {"errcode": 48001, "errmsg": "api unauthorized"}

    def _session(self, query):
        if query.get("appid") != APP_ID or query.get("secret") != SECRET:
            return {"errcode": 40125, "errmsg": "invalid appsecret"}
        if query.get("grant_type") != "authorization_code":
            return {"errcode": 40002, "errmsg": "invalid grant_type"}
        code = query.get("js_code")
        if code not in self.openids:
            return {"errcode": 40029, "errmsg": "invalid code"}
        if code in self.used:
            return {"errcode": 40163, "errmsg": "code been used"}
        self.used.add(code)
        return {"openid": self.openids[code], "session_key": "c2Vzc2lvbg=="}

    def _token(self, body):
        if (body.get("appid"), body.get("secret")) != (APP_ID, SECRET):
            return {"errcode": 40125, "errmsg": "invalid appsecret"}
        self.tokens_given += 1
        return {"access_token": self.token, "expires_in": 7200}

    def _phone(self, query, body):
        if query.get("access_token") != self.token:
            return {"errcode": 42001, "errmsg": "access_token expired"}
        code = body.get("code")
        if code not in self.phones or code in self.used:
            return {"errcode": 40029, "errmsg": "invalid code"}
        self.used.add(code)
        number, country = self.phones[code]
        return {
            "errcode": 0,
            "errmsg": "ok",
            "phone_info": {
                "phoneNumber": number if country == "86" else f"+{country}{number}",
                "purePhoneNumber": number,
                "countryCode": country,
                "watermark": {"timestamp": 1700000000, "appid": APP_ID},
            },
        }


@contextmanager
def running():
    """Yield a stand-in that listens on a free port of this machine."""
    stand_in = StandIn()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self._reply("GET", {})

        def do_POST(self):
            length = int(self.headers.get("Content-Length", 0))
            self._reply("POST", json.loads(self.rfile.read(length) or b"{}"))

        def _reply(self, method, body):
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            data = json.dumps(stand_in.answer(method, parts.path, query, body)).encode()
            if stand_in.failure == "garbage":
                data = b"<html>busy</html>"
            self.send_response(500 if stand_in.failure == "500" else 200)
            self.send_header("Content-Type", "text/plain")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    stand_in.base_url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield stand_in
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
