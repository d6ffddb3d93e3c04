"""The review desk: claim-next and decide (measured by `bench.sizes`), and from the key to the next picture."""

from __future__ import annotations

import io
import random
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from PIL import Image
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from backoffice.models import Photo
from backoffice.review import cases, deciding, leases
from backoffice.review.queue import QueueFilter, Reviewer, unheld
from backoffice.settings import Settings
from backoffice.workflows.actors import staff_actor
from backoffice.workflows.orders import build_engine
from bench.table import Row, times

PHOTOS = 40
CHROMIUM = Path("/usr/bin/chromium")
POLICY = deciding.Policy(second_opinion_percent=5, undo_seconds=8)

# From the key to the frame in which the next photo stands decoded, in milliseconds.
WATCH = """
(shown) => {
  window.took = [];
  let pressed = 0;
  document.addEventListener("keydown", () => { pressed = performance.now(); }, true);
  new MutationObserver(async () => {
    const now = document.querySelector(shown);
    if (!now || now === window.last || !pressed) return;
    window.last = now;
    const began = pressed;
    await Promise.allSettled([...now.querySelectorAll("img")].map((image) => image.decode()));
    requestAnimationFrame(() => requestAnimationFrame(() => window.took.push(performance.now() - began)));
  }).observe(document.body, { subtree: true, attributes: true, attributeFilter: ["class"] });
}
"""
SWAP = """
() => {
  const sheets = [...document.querySelectorAll("div")];
  let place = 0;
  document.addEventListener("keydown", () => {
    sheets[place].classList.remove("now");
    place += 1;
    sheets[place].classList.add("now");
  });
}
"""


class Reviewing:
    """One reviewer who claims the next photo with everything the desk shows, and approves it."""

    def __init__(self, session: Session, staff_id: uuid.UUID) -> None:
        self.session, self.staff_id = session, staff_id
        self.engine, self.actor = build_engine(), staff_actor(staff_id, ["reviewer"])

    def step(self) -> dict[str, float]:
        """Return how long claiming and deciding took, in milliseconds."""
        began = time.perf_counter()
        case = self._claim()
        claimed = time.perf_counter()
        self._approve(case)
        decided = time.perf_counter()
        return {"claim next": (claimed - began) * 1000, "decide": (decided - claimed) * 1000}

    def _claim(self) -> cases.Case:
        now = datetime.now(UTC)
        query = unheld(Reviewer(self.staff_id), QueueFilter(), now)
        got = leases.claim(self.session, self.staff_id, query, 1, now=now)
        (case,) = cases.load(self.session, [cases.Held(*one) for one in got])
        self.session.commit()
        return case

    def _approve(self, case: cases.Case) -> None:
        order = case.order
        choice = deciding.Choice(
            order.id, case.photo.id, case.token, order.version, "approve", {}, 900
        )
        deciding.decide(self.session, self.engine, self.actor, choice, POLICY)
        self.session.commit()


# -- in the browser -----------------------------------------------------------------------


def _picture(size: tuple[int, int], seed: int) -> bytes:
    """A picture that costs about as much to decode as a portrait: smooth, with some grain."""
    rng = random.Random(seed)
    small = Image.new("RGB", (24, 32))
    small.putdata([tuple(rng.randrange(256) for _ in range(3)) for _ in range(24 * 32)])
    out = io.BytesIO()
    small.resize(size, Image.Resampling.BICUBIC).save(out, "JPEG", quality=88)
    return out.getvalue()


@contextmanager
def _served(settings: Settings) -> Iterator[tuple[str, str, list[bytes]]]:
    """Serve the back office with photos that wait; yields address, log-in and some pictures."""
    from werkzeug.serving import make_server

    from backoffice import admin, create_app
    from tests.admin.house import HASH
    from tests.factories import make_batch, make_order, make_staff

    app = create_app(settings)
    admin.init_app(app)
    storage = app.extensions["backoffice"].storage
    pictures = [_picture((480, 640), n) for n in range(PHOTOS)]
    with app.app_context(), Session(create_engine(settings.database_url)) as session:
        batch = make_batch(session)
        email = make_staff(session, "reviewer", batch.school, password=HASH).email
        for data in pictures:
            order = make_order(session, batch, "pending_review")
            photo = session.get_one(Photo, order.photo_id)
            storage.put(photo.original_key, _picture((1200, 1600), len(data)))
            storage.put(str(photo.result_key), data)
        session.commit()
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}", email, pictures
    finally:
        server.shutdown()
        thread.join()


def _browser(settings: Settings) -> list[Row]:
    if not CHROMIUM.exists():
        return []
    from playwright.sync_api import sync_playwright

    from tests.admin.house import PASSWORD

    with _served(settings) as (base, email, pictures), sync_playwright() as playwright:
        chrome = playwright.chromium.launch(
            executable_path=str(CHROMIUM),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        page = chrome.new_page(viewport={"width": 1366, "height": 768})
        page.goto(f"{base}/admin/login")
        page.fill("#email", email)
        page.fill("#password", PASSWORD)
        page.press("#password", "Enter")
        page.wait_for_url("**/admin/")
        page.goto(f"{base}/admin/review/")
        page.wait_for_selector("#desk.ready")
        page.evaluate(WATCH, ".rd-case.now")
        for _ in range(PHOTOS - 2):
            page.wait_for_selector("#desk.ready")
            page.wait_for_load_state("networkidle")  # the next ones have been fetched
            page.keyboard.press("a")
        page.wait_for_timeout(500)
        desk = times(page.evaluate("window.took"))
        bare = times(_bare_swaps(chrome, pictures))
        chrome.close()
    return [
        Row(
            f"decision to next picture {part}",
            getattr(desk, part) / getattr(bare, part),
            4 if part == "p50" else 6,
            "lower",
            "two decoded pictures swapped on a bare page",
            f"{getattr(desk, part):.0f} ms; goal p95 under 150 ms",
        )
        for part in ("p50", "p95")
    ]


def _bare_swaps(chrome: Any, pictures: list[bytes]) -> list[float]:
    from base64 import b64encode

    shown = [f"data:image/jpeg;base64,{b64encode(data).decode()}" for data in pictures]
    sheets = "".join(f'<div><img src="{one}"><img src="{one}"></div>' for one in shown)
    page = chrome.new_page(viewport={"width": 1366, "height": 768})
    page.set_content(f"<style>div{{display:none}} .now{{display:block}}</style>{sheets}")
    page.evaluate(SWAP)
    page.evaluate(WATCH, "div.now")
    for _ in range(PHOTOS - 2):
        page.keyboard.press("a")
        page.wait_for_timeout(60)
    page.wait_for_timeout(300)
    taken: list[float] = page.evaluate("window.took")
    return taken


def run(settings: Settings) -> list[Row]:
    """Measure in the browser; claim-next and decide at both sizes are `bench.sizes`."""
    return _browser(settings)
