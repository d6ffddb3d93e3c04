"""The port before the start, the readiness after it, and where demo mode may listen."""

from __future__ import annotations

import http.server
import socket
import threading

import pytest

from backoffice.settings import Settings
from supervisor.ports import (
    DemoNotLoopback,
    PortTaken,
    PortUnusable,
    readiness,
    require_free,
    require_loopback,
)
from supervisor.programs import ACCESS_LOG, photo_processes, system_programs
from supervisor.up import Supervisor


def test_a_taken_port_is_told_from_an_unusable_one():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortTaken, match=f"PORT={port + 1}"):
            require_free("127.0.0.1", port)
    require_free("127.0.0.1", port)
    with pytest.raises(PortUnusable):
        require_free("192.0.2.1", port)  # TEST-NET-1: nobody's address
    with pytest.raises(PortUnusable):
        require_free("127.0.0.1", 70000)


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.5", False),
        ("example.org", False),
    ],
)
def test_demo_mode_listens_on_loopback_only(host, allowed):
    if allowed:
        require_loopback(host)
    else:
        with pytest.raises(DemoNotLoopback):
            require_loopback(host)


def test_the_supervisor_refuses_a_public_demo_before_it_starts_anything(tmp_path):
    settings = Settings(app_env="demo", host="0.0.0.0", var_dir=str(tmp_path / "var"))
    with pytest.raises(DemoNotLoopback):
        Supervisor(settings).run()
    assert not (tmp_path / "var").exists()


@pytest.mark.parametrize(("status", "ready"), [(200, True), (503, False), (404, False)])
def test_readiness_is_what_readyz_answers(status, ready):
    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            assert self.path == "/readyz"
            self.send_response(status)
            self.end_headers()
            self.wfile.write(b'{"database": "ok"}')

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        found, answer = readiness("127.0.0.1", server.server_port)
    assert found is ready
    assert answer == f'{status} {{"database": "ok"}}'
    assert readiness("127.0.0.1", 1) == (False, "ConnectionRefusedError")


def test_the_process_table():
    programs = {p.name: p for p in system_programs(Settings(photo_workers=3, port=9001))}
    assert list(programs) == [
        "web",
        "dispatcher",
        "jobs",
        "photos",
        "documents",
        "imports",
        "scheduler",
    ]
    assert programs["photos"].instances() == ["photos-1", "photos-2", "photos-3"]
    assert "127.0.0.1:9001" in programs["web"].argv
    assert programs["web"].stage < min(p.stage for n, p in programs.items() if n != "web")
    assert photo_processes(Settings()) >= 1
    # neither query strings, nor addresses, nor referers, which may carry personal data
    assert not any(part in ACCESS_LOG for part in ("%(q)", "%(r)", "%(h)", "%(f)"))
