"""`make screens`: every page of the back office as a picture, at two widths, to be looked at.

Real application, real servers, made-up people and plain colours for portraits. The pictures go to
var/screens/.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from werkzeug.serving import make_server

WIDTHS = ((1366, 768), (820, 1180))
CHROMIUM = Path("/usr/bin/chromium")


def main(folder: Path) -> int:
    """Write the pictures and print where they are; 1 if a page failed or broke its policy."""
    from playwright.sync_api import sync_playwright

    from tests.admin.pages import pages_of

    folder.mkdir(parents=True, exist_ok=True)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line for every file says nothing
    troubles: list[str] = []
    with _house() as house, _served(house.app) as base, sync_playwright() as playwright:
        chrome = playwright.chromium.launch(
            executable_path=str(CHROMIUM),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        for width, height in WIDTHS:
            for role, paths in pages_of(house, house.ids).items():
                page = chrome.new_page(viewport={"width": width, "height": height}, locale="zh-CN")
                page.on("console", lambda m: m.type == "error" and troubles.append(m.text))
                page.on("pageerror", lambda e: troubles.append(str(e)))
                if role:
                    _sign_in(page, base, house.staff[role].email)
                for path in paths:
                    answer = page.goto(f"{base}/admin/{path}")
                    page.wait_for_load_state("networkidle")
                    name = f"{width}-{role or 'nobody'}-{_name(path)}.png"
                    page.screenshot(path=str(folder / name), full_page=True)
                    wide = page.evaluate("document.documentElement.scrollWidth")
                    if answer is None or answer.status >= 400 or wide > width:
                        troubles.append(f"{name}: {answer and answer.status}, {wide} wide")
                page.close()
        chrome.close()
    print(f"{len(list(folder.glob('*.png')))} pictures in {folder}", *troubles, sep="\n")
    return 1 if troubles else 0


def _name(path: str) -> str:
    plain = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "one", path.split("/?")[0])
    plain = "".join(c if c.isalnum() else "-" for c in plain)
    return (plain.strip("-") or "dashboard")[:40] + ("-filtered" if "?" in path else "")


def _sign_in(page: Any, base: str, email: str) -> None:
    from tests.admin.house import PASSWORD

    page.goto(f"{base}/admin/login")
    page.fill("#email", email)
    page.fill("#password", PASSWORD)
    page.click("button[name=submit]")
    page.wait_for_selector("aside.side")


@contextmanager
def _house() -> Iterator[Any]:
    from sqlalchemy.orm import Session

    from backoffice import admin, create_app
    from backoffice.accounts.tickets import add_staff_message, open_ticket
    from backoffice.db import db
    from backoffice.models import EnrolmentRequest
    from bench.servers import bench_settings
    from tests.admin.house import STATES, build_house, store_pictures
    from tests.admin.pages import furnish
    from tests.factories import make_order

    with bench_settings() as settings:
        app = create_app(settings)
        admin.init_app(app)
        with app.app_context(), Session(db.engine, expire_on_commit=False) as session:
            house: Any = build_house(app, session)
            for state in STATES:
                house.orders[state] = make_order(session, house.batches[0], state)
            more = [
                make_order(session, house.batches[number % 2], STATES[number % len(STATES)])
                for number in range(60)
            ]
            order = house.orders["paid"]
            house.ticket = open_ticket(
                session,
                order.student,
                "照片一直显示处理中",
                "昨天上传的照片还在处理，请帮忙看看。",
                order.id,
            )
            add_staff_message(
                session, house.ticket, house.staff["operator"].id, "已重新处理，请刷新。"
            )
            details = {"changes": {"class_name": "计算机2班"}, "note": "班级写错了"}
            session.add(
                EnrolmentRequest(
                    kind="correction",
                    enrolment_id=order.enrolment_id,
                    student_id=order.student_id,
                    details=details,
                    created_at=datetime.now(UTC),
                )
            )
            house.ids = furnish(house)
            for made in (*house.orders.values(), *more):
                store_pictures(app, session, made)
            yield house


@contextmanager
def _served(app: Any) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()


if __name__ == "__main__":
    root = Path(__file__).resolve().parent.parent
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else root / "var" / "screens"))
