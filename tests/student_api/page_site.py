"""The page on a real address, the workers' jobs behind it, and a phone that opens it."""

from __future__ import annotations

import io
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image
from redis import Redis
from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer
from skimage import data
from sqlalchemy import select
from werkzeug.serving import make_server

from backoffice.identity import id_card_exchange
from backoffice.models import OutboxRow
from backoffice.settings import ROOT
from tests.student_api.conftest import code_for, list_person

# What the browser logs by itself: refusals of the API, and the connection a test takes away.
IGNORED = ("status of 4", "status of 5", "ERR_INTERNET_DISCONNECTED")
WORKED = ("photo.process", "notify.refunded", "refund.send")


class Reads(threading.Thread):
    """Does what the reading process does: one waiting ID card after the other."""

    def __init__(self, app, redis: Redis) -> None:
        super().__init__(daemon=True)
        self.app = app
        self.cards = Queue(id_card_exchange.QUEUE, connection=redis, serializer=JSONSerializer)
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.02):
            self._read_cards()

    def _read_cards(self) -> None:
        for job_id in self.cards.get_job_ids():
            self.cards.remove(job_id)
            job = Job.fetch(job_id, connection=self.cards.connection, serializer=JSONSerializer)
            with self.app.app_context():
                job.perform()

    def end(self) -> None:
        """Stop after the present piece of work."""
        self.over.set()
        self.join()


class Works(Reads):
    """Does what dispatcher and workers do, one thing after the other."""

    def __init__(self, app, committed, redis: Redis) -> None:
        super().__init__(app, redis)
        self.committed = committed

    def run(self) -> None:
        from worker.scheduler import Scheduler

        with self.app.app_context():
            scheduler = Scheduler(self.app.extensions["backoffice"])
        while not self.over.wait(0.1):
            self._outbox()
            with self.app.app_context():
                scheduler.tick()
            self._read_cards()

    def _outbox(self) -> None:
        from worker.jobs.running import run

        with self.committed() as session:
            row = session.scalars(
                select(OutboxRow)
                .where(OutboxRow.effect.in_(WORKED), OutboxRow.state == "waiting")
                .where(OutboxRow.available_at <= datetime.now(UTC))
            ).first()
            if row is None:
                return
            row.state, row.published_at = "published", datetime.now(UTC)
            session.commit()
            row_id = str(row.id)
        with self.app.app_context():
            run(row_id)


@pytest.fixture(scope="module")
def page_app(settings, database):
    """The application at an address of its own: pay pages lead there and back."""
    from wsgi import create_app

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # No long polls: a request that still waits would outlive its test's tables.
    return create_app(replace(settings, port=port, long_poll_waiters=0))


@pytest.fixture
def site(page_app, committed, redis, photo_models, monkeypatch) -> Iterator[str]:
    """The base address, with the workers' jobs done in the background."""
    from worker import runtime

    monkeypatch.setattr(runtime, "app", lambda: page_app)
    port = page_app.extensions["backoffice"].settings.port
    server = make_server("127.0.0.1", port, page_app, threaded=True)
    serving = threading.Thread(target=server.serve_forever)
    works = Works(page_app, committed, redis)
    serving.start()
    works.start()
    yield f"http://127.0.0.1:{port}"
    works.end()
    server.shutdown()
    serving.join()


def portrait(folder: Path) -> Path:
    """The astronaut of scikit-image, as large as a phone's picture."""
    path = folder / "portrait.jpg"
    picture = Image.fromarray(data.astronaut())
    picture.resize((1536, 1536), Image.Resampling.LANCZOS).save(path, quality=95)
    return path


def camera_feed(folder: Path) -> Path:
    """The same person well placed before the camera: one frame of a 4:3 video, again and again."""
    frame = Image.fromarray(data.astronaut()).crop((0, 0, 464, 348)).resize((1280, 960))
    out = io.BytesIO()
    frame.save(out, "JPEG", quality=95)
    path = folder / "feed.mjpeg"
    path.write_bytes(out.getvalue() * 5)
    return path


class Phone:
    """A phone's browser on the page. Complaints of the page fail the test."""

    def __init__(self, page, site: str, shots: Path | None) -> None:
        self.page, self.site, self.shots = page, site, shots
        self.troubles: list[str] = []
        self.count = 0
        page.on("pageerror", lambda error: self.troubles.append(f"error {error}"))
        page.on("console", self._hear)
        page.on("request", self._look)

    def _hear(self, message) -> None:
        if message.type == "error" and not any(words in message.text for words in IGNORED):
            self.troubles.append(message.text)

    def _look(self, request) -> None:
        if not request.url.startswith((self.site, "blob:", "data:")):
            self.troubles.append(f"outside {request.url}")

    def open(self, code: str, screen: str = "") -> None:
        self.page.goto(f"{self.site}/s/{code}{screen}")

    def at(self, heading: str) -> None:
        """Wait for a screen; keep its picture; nothing may stick out at the side."""
        self.page.locator("#screen h1", has_text=heading).wait_for(timeout=30_000)
        wide = self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, heading
        if self.shots:
            self.count += 1
            self.page.wait_for_timeout(200)
            self.page.screenshot(path=self.shots / f"{self.count:02d}.png", full_page=True)

    def slow_down(self, kilobits: int) -> None:
        """A slow mobile network from now on: so many kilobits a second, 300 ms there and back."""
        devtools = self.page.context.new_cdp_session(self.page)
        rate = kilobits * 1000 / 8
        limits = {"downloadThroughput": rate, "uploadThroughput": rate, "latency": 300}
        devtools.send("Network.emulateNetworkConditions", {"offline": False, **limits})

    def in_state(self, state: str) -> None:
        self.page.wait_for_selector(f"h1.state[data-state={state}]", timeout=40_000)
        self.at("")

    def press(self, label: str) -> None:
        """Press the button or link that says `label`."""
        named = self.page.locator("#screen").get_by_text(label, exact=True)
        named.locator("visible=true").first.click()

    def fill(self, **fields: str) -> None:
        """Fill fields by their labels (underscores for spaces)."""
        for label, value in fields.items():
            self.page.locator("#screen").get_by_label(label.replace("_", " "), exact=True).fill(
                value
            )

    def agree(self) -> None:
        for kind in ("terms", "privacy", "portrait"):
            self.page.check(f"input[name={kind}]")


@pytest.fixture
def phone(site, chromium, tmp_path, request) -> Iterator[Phone]:
    """A phone with a camera; with SCREENS set, pictures of every screen go to var/screens."""
    import os

    from playwright.sync_api import sync_playwright

    shots = None
    if os.environ.get("SCREENS"):
        shots = ROOT / "var" / "screens" / "page" / request.node.name
        shots.mkdir(parents=True, exist_ok=True)
    english = "english" in request.node.name
    width, height = (360, 640) if "small" in request.node.name else (390, 844)
    camera = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")
    feed = f"--use-file-for-fake-video-capture={camera_feed(tmp_path)}"
    with sync_playwright() as playwright:
        chrome = playwright.chromium.launch(
            executable_path=str(chromium), args=["--no-sandbox", *camera, feed]
        )
        context = chrome.new_context(
            viewport={"width": width, "height": height},
            is_mobile=True,
            has_touch=True,
            locale="en-GB" if english else "zh-CN",
        )
        held = Phone(context.new_page(), site, shots)
        yield held
        chrome.close()
    assert held.troubles == []


def code_picture(folder: Path, settings, batch, person, student_no: str) -> Path:
    """The capture code as the album's screenshot."""
    import qrcode

    path = folder / "code.png"
    qrcode.make(code_for(settings, batch, person, student_no)).save(path)
    return path


def listed(committed, batch, person, **values):
    """Put the person on the roster as a school would; returns the entry."""
    return list_person(committed, batch, person, **values)
