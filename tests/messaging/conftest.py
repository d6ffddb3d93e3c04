from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest


@dataclass
class TwilioStandIn:
    """A local server that answers Twilio's Messages resource as Twilio documents it."""

    address: str = ""
    requests: list[dict] = field(default_factory=list)
    answer: Callable[[dict], tuple[int, dict]] | None = None

    def created(self, form: dict) -> tuple[int, dict]:
        number = len(self.requests)
        return 201, {
            "sid": f"SM{number:032d}",
            "account_sid": "AC" + "0" * 32,
            "body": form["Body"],
            "to": form["To"],
            "from": form.get("From"),
            "status": "queued",
            "num_segments": "1",
            "error_code": None,
            "error_message": None,
            "uri": f"/2010-04-01/Accounts/AC/Messages/SM{number:032d}.json",
        }


@pytest.fixture
def twilio() -> Iterator[TwilioStandIn]:
    stand_in = TwilioStandIn()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(raw).items()}
            stand_in.requests.append(
                form | {"path": self.path, "authorization": self.headers["Authorization"]}
            )
            status, body = (stand_in.answer or stand_in.created)(form)
            if status == 0:
                self.connection.close()
                return
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    stand_in.address = f"http://127.0.0.1:{server.server_address[1]}"
    yield stand_in
    server.shutdown()
    server.server_close()
