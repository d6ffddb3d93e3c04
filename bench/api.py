"""The student API against the smallest Flask view that runs the same SQL, and a rush of uploads.

The reference views send exactly the queries the API call was seen to send and answer with the same
JSON, already known. One sends them as a Flask view usually does, through an SQLAlchemy session; the
other as bare SQL text over the same connections. What is left is what the API adds: signing in,
limits, rules, models, headers and, against bare SQL, the ORM.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from flask import Flask
from sqlalchemy import create_engine, event, select
from sqlalchemy.orm import Session, sessionmaker
from werkzeug.test import EnvironBuilder

from backoffice.settings import ROOT, Settings
from bench.table import Row

STUDENTS = 40  # the limit per account and minute stays in force
ROUNDS, CALLS = 7, 120
UPLOADS = 200
PICTURE_BYTES = 3 * 1024 * 1024
SERVER_SECONDS = 60


@dataclass
class Visitor:
    """One student with a token, an order, and what identification needs."""

    token: str
    order_id: str
    path: str
    claim: dict[str, str]


def _visitors(session: Session, settings: Settings, count: int) -> list[Visitor]:
    """Write students with paid orders of one batch, and tokens for them."""
    from backoffice.accounts.consents import check_consents, consent_text, record_consents
    from backoffice.accounts.tokens import issue_tokens
    from backoffice.blind_indexes import last4_index
    from backoffice.capture_codes.demo import DemoCaptureCodes
    from tests.factories import make_batch, make_enrolment, make_order, make_student

    batch = make_batch(session)
    kinds = ("terms", "privacy", "portrait")
    accepted = check_consents({kind: consent_text(kind, "zh").version for kind in kinds})
    issuer = DemoCaptureCodes.from_settings(settings)
    found = []
    for _ in range(count):
        student = make_student(session)
        record_consents(session, student, accepted)
        number = student.id_number or ""
        entry = make_enrolment(
            session,
            batch,
            student,
            id_last4=number[-4:],
            id_last4_indexes=[last4_index(batch.id, number[-4:])],
        )
        order = make_order(session, batch, "paid", student=student, enrolment=entry)
        pair = issue_tokens(session, student, settings)
        found.append(
            Visitor(
                pair.access_token,
                str(order.id),
                f"/api/v1/batches/{batch.feature_code}/identify",
                {"id_last4": number[-4:], "capture_code": issuer.issue(_payload(batch, entry))},
            )
        )
    session.commit()
    return found


def _payload(batch: Any, entry: Any) -> Any:
    from datetime import UTC, datetime, timedelta

    from backoffice.capture_codes.payload import CaptureCodePayload

    return CaptureCodePayload(
        serial=entry.student_no,
        name_masked=entry.name_masked,
        id_masked=entry.id_masked,
        id_last4=entry.id_last4,
        school_code=batch.school.code,
        school_name=batch.school.name,
        level="本科",
        major="软件工程",
        expires_at=datetime.now(UTC) + timedelta(days=1),
    )


def _call(app: Flask, environ: dict[str, Any]) -> bytes:
    """Call a WSGI application as a server does, without a test client around it."""
    seen: list[str] = []
    fresh = {**environ, "wsgi.input": io.BytesIO(environ["bench.body"])}
    answer = app.wsgi_app(fresh, lambda status, headers, exc=None: seen.append(status))
    body = b"".join(answer)
    if hasattr(answer, "close"):
        answer.close()
    assert seen[0].startswith("200"), (seen[0], body[:300])
    return body


def _environ(method: str, path: str, visitor: Visitor, body: dict[str, str] | None) -> dict:
    data = json.dumps(body).encode() if body else b""
    built = EnvironBuilder(
        path,
        method=method,
        data=data,
        headers={"Authorization": f"Bearer {visitor.token}"},
        content_type="application/json" if body else None,
    ).get_environ()
    return {**built, "bench.body": data}


def _seen(run: Callable[[], bytes], target: Any, name: str, keep: Callable[..., Any]) -> Any:
    """Return what an event of SQLAlchemy shows while a call runs, and the call's answer."""
    found: list[Any] = []

    def note(*given: Any) -> None:
        found.append(keep(*given))

    event.listen(target, name, note)
    try:
        answer = run()
    finally:
        event.remove(target, name, note)
    return found, json.loads(answer)


def _by_session(engine: Any, run: Callable[[], bytes]) -> Callable[[], Any]:
    """Return a view's body that repeats a call's queries through an SQLAlchemy session."""
    found, answer = _seen(run, Session, "do_orm_execute", lambda state: state)
    # reading a row again under its lock cannot be repeated without its object: left out
    queries = [(s.statement, s.parameters) for s in found if not s.is_column_load]

    def body() -> Any:
        with Session(engine) as session:
            for statement, parameters in queries:
                result = session.execute(statement, parameters)
                if getattr(result, "returns_rows", True):
                    result.unique().all()
            session.commit()
        return answer

    return body


def _by_text(engine: Any, run: Callable[[], bytes]) -> Callable[[], Any]:
    """Return a view's body that repeats a call's queries as SQL text."""
    queries, answer = _seen(
        run, engine, "before_cursor_execute", lambda c, cursor, sql, values, *rest: (sql, values)
    )

    def body() -> Any:
        with engine.begin() as connection:
            for statement, parameters in queries:
                result = connection.exec_driver_sql(statement, parameters)
                if result.returns_rows:
                    result.fetchall()
        return answer

    return body


def _smallest_view(bodies: list[Callable[[], Any]]) -> Flask:
    """Return a Flask application with one view, which answers for one visitor after the other."""
    app = Flask("smallest")
    app.config["PROPAGATE_EXCEPTIONS"] = True
    turn = itertools.cycle(bodies)
    app.add_url_rule("/", "view", lambda: next(turn)())
    return app


def _measure(app: Flask, environs: list[dict], engine: Any) -> tuple[float, float, float]:
    """Return our throughput over both views' (session, bare SQL), and our calls per second."""
    calls = [lambda environ=environ: _call(app, environ) for environ in environs]
    for call in calls:
        call()
    by_session = _smallest_view([_by_session(engine, call) for call in calls])
    by_text = _smallest_view([_by_text(engine, call) for call in calls])
    bare = itertools.repeat(EnvironBuilder("/").get_environ() | {"bench.body": b""})
    ours = itertools.cycle(environs)

    def seconds(which: Flask, source: Iterator[dict]) -> float:
        began = time.perf_counter()
        for _ in range(CALLS):
            _call(which, next(source))
        return time.perf_counter() - began

    contestants = ((by_session, bare), (by_text, bare), (app, ours))
    for contestant in contestants:
        seconds(*contestant)
    rounds = [[seconds(*contestant) for contestant in contestants] for _ in range(ROUNDS)]
    return (
        statistics.median(session / mine for session, _, mine in rounds),
        statistics.median(text / mine for _, text, mine in rounds),
        statistics.median(CALLS / mine for _, _, mine in rounds),
    )


def _throughput(settings: Settings, visitors: list[Visitor]) -> list[Row]:
    from backoffice.db import db
    from wsgi import create_app

    app = create_app(settings)
    with app.app_context():
        engine = db.engine
    calls = {
        "GET /orders/{id}": [
            _environ("GET", f"/api/v1/orders/{v.order_id}", v, None) for v in visitors
        ],
        "POST /batches/{code}/identify": [_environ("POST", v.path, v, v.claim) for v in visitors],
    }
    rows = []
    for name, environs in calls.items():
        ratio, text_ratio, rate = _measure(app, environs, engine)
        detail = f"{rate:.0f} calls/s on one thread; {text_ratio:.2f} against bare SQL text"
        reference = "the smallest Flask view with the same queries through SQLAlchemy"
        rows.append(Row(name, ratio, 0.5, "higher", reference, detail))
    engine.dispose()
    return rows


@contextmanager
def _server(settings: Settings) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Run the web program as `make up` runs it, on a free port."""
    from dataclasses import replace

    from demo.stack import free_port
    from supervisor.programs import system_programs

    port = free_port()
    web = next(p for p in system_programs(replace(settings, port=port)) if p.name == "web")
    process = subprocess.Popen(
        web.argv,
        cwd=ROOT,
        env={
            **os.environ,
            "APP_ENV": "test",
            "VAR_DIR": settings.var_dir,
            "DATABASE_URL": settings.database_url,
            "REDIS_URL": settings.redis_url,
            "PORT": str(port),
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(url)
        yield url, process
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait(url: str) -> None:
    until = time.monotonic() + SERVER_SECONDS
    while time.monotonic() < until:
        try:
            if httpx.get(f"{url}/healthz").status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.2)
    raise TimeoutError("the web program did not start")


def _memory(pid: int) -> int:
    """Return the resident bytes of a process and its children."""
    pids = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        pids += [int(child) for child in (task / "children").read_text().split()]
    pages = sum(int(Path(f"/proc/{p}/statm").read_text().split()[1]) for p in pids)
    return pages * os.sysconf("SC_PAGE_SIZE")


def _picture(number: int) -> bytes:
    """Return a JPEG of PICTURE_BYTES; the bytes after its end make every one a different file."""
    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", (1200, 1600), (90, 120, number % 256)).save(out, "JPEG")
    head = out.getvalue()
    return head + number.to_bytes(4, "big") + bytes(PICTURE_BYTES - len(head) - 4)


def _rush(url: str, visitors: list[Visitor], pictures: list[bytes]) -> tuple[list[int], float]:
    """Send every student's picture at the same time; return the statuses and the seconds."""
    gate = threading.Barrier(len(visitors) + 1)
    statuses = [0] * len(visitors)

    def send(place: int, visitor: Visitor) -> None:
        with httpx.Client(timeout=300, headers={"Authorization": f"Bearer {visitor.token}"}) as web:
            gate.wait()
            answer = web.post(
                f"{url}/api/v1/orders/{visitor.order_id}/photos",
                files={"image": ("photo.jpg", pictures[place])},
                data={"source": "camera"},
            )
            statuses[place] = answer.status_code

    threads = [threading.Thread(target=send, args=place) for place in enumerate(visitors)]
    for thread in threads:
        thread.start()
    gate.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    return statuses, time.perf_counter() - began


def _kept(settings: Settings, factory: sessionmaker[Session], pictures: list[bytes]) -> int:
    """Return how many of the pictures can be read back from the storage as they were sent."""
    from backoffice import crypto
    from backoffice.models import Photo
    from backoffice.storage import storage_for

    storage = storage_for(settings, crypto.keyring())
    sent = {hashlib.sha256(picture).digest() for picture in pictures}
    with factory() as session:
        keys = session.scalars(
            select(Photo.original_key).where(Photo.original_bytes == PICTURE_BYTES)
        ).all()
    return len(sent & {hashlib.sha256(storage.get(key)).digest() for key in keys})


def _uploads(
    settings: Settings, factory: sessionmaker[Session], visitors: list[Visitor]
) -> list[Row]:
    pictures = [_picture(number) for number in range(len(visitors))]
    with _server(settings) as (url, process):
        before = peak = _memory(process.pid)
        done = threading.Event()

        def watch() -> None:
            nonlocal peak
            while not done.wait(0.05):
                peak = max(peak, _memory(process.pid))

        watcher = threading.Thread(target=watch)
        watcher.start()
        statuses, seconds = _rush(url, visitors, pictures)
        done.set()
        watcher.join()
    taken = statuses.count(202)
    kept = _kept(settings, factory, pictures)
    sent = len(visitors) * PICTURE_BYTES
    what = f"{len(visitors)} students uploading {PICTURE_BYTES >> 20} MB at once"
    rate = f"{60 * taken / seconds:.0f} photos a minute"
    return [
        Row(f"{what}: taken and kept", min(taken, kept) / len(visitors), 1.0, "higher",
            "pictures sent", rate),
        Row(f"{what}: memory the web processes grew by", (peak - before) / sent, 0.5, "lower",
            "bytes sent", f"{before >> 20} MB, at most {peak >> 20} MB"),
    ]  # fmt: skip


def run(settings: Settings) -> list[Row]:
    """Measure throughput of two calls, then the rush."""
    sys.path.insert(0, str(ROOT))
    database = create_engine(settings.database_url)
    factory = sessionmaker(database, expire_on_commit=False)
    with factory() as session:
        visitors = _visitors(session, settings, UPLOADS)
    rows = _throughput(settings, visitors[:STUDENTS])
    rows += _uploads(settings, factory, visitors)
    database.dispose()
    return rows
