"""The desk and the rooms in a real browser: keyboard, double presses, and nothing from outside."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select
from werkzeug.serving import make_server

from backoffice.models import Order, ReviewDecision
from tests.admin.house import PASSWORD, House, post, store_pictures
from tests.factories import make_order

pytestmark = pytest.mark.browser


class Browser:
    """A page that remembers every complaint and every address outside our server."""

    def __init__(self, page, base: str) -> None:
        self.page, self.base = page, base
        self.troubles: list[str] = []
        page.on("pageerror", lambda e: self.troubles.append(f"error {e}"))
        page.on(
            "console",
            lambda m: (
                self.troubles.append(m.text)
                if m.type == "error" and "status of 4" not in m.text
                else None
            ),
        )
        page.on(
            "request",
            lambda r: (
                None
                if r.url.startswith((base, "data:"))
                else self.troubles.append(f"outside {r.url}")
            ),
        )

    def go(self, path: str) -> None:
        self.page.goto(f"{self.base}{path}")

    def sign_in(self, email: str) -> None:
        self.go("/admin/login")
        self.page.fill("#email", email)
        self.page.fill("#password", PASSWORD)
        self.page.click("text=登录 >> nth=-1")
        self.page.wait_for_url("**/admin/")

    def press(self, key: str) -> None:
        """Press a key once the desk listens, as a person would."""
        self.page.wait_for_selector("#decision.ready")
        self.page.keyboard.press(key)

    @property
    def order(self) -> str:
        return self.page.locator('input[name="order_id"]').get_attribute("value")

    def wait_past(self, order_id: object) -> None:
        self.page.wait_for_function(
            "id => { const e = document.querySelector('input[name=order_id]');"
            " return !e || e.value !== id }",
            arg=str(order_id),
        )


@pytest.fixture
def served(house: House) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, house.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()


@pytest.fixture
def browser(served: str, chromium: Path) -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chrome = playwright.chromium.launch(executable_path=str(chromium), args=["--no-sandbox"])
        page = chrome.new_page(viewport={"width": 1366, "height": 768}, locale="zh-CN")
        watched = Browser(page, served)
        yield watched
        chrome.close()
    assert watched.troubles == []


@pytest.fixture
def queue(house: House) -> list[Order]:
    with house.app.app_context():
        orders = [make_order(house.session, house.batches[0], "pending_review") for _ in range(4)]
        house.session.commit()
        for order in orders:
            store_pictures(house.app, house.session, order)
    return orders


def decisions(house: House) -> list[tuple[str, str, list[str]]]:
    house.session.rollback()
    rows = house.session.scalars(select(ReviewDecision).order_by(ReviewDecision.created_at))
    return [(str(d.order_id), d.decision, [r.code for r in d.reasons]) for d in rows]


def test_a_reviewer_works_through_the_queue_by_keyboard(house: House, queue, browser: Browser):
    browser.sign_in(house.staff["reviewer"].email)
    browser.go("/admin/review/")
    assert browser.order == str(queue[0].id)
    browser.press("a")
    browser.wait_past(queue[0].id)
    browser.press("n")  # skips the second
    browser.wait_past(queue[1].id)
    assert browser.order == str(queue[2].id)
    browser.press("2")
    browser.press("4")
    browser.page.keyboard.press("t")
    browser.page.keyboard.type("ar 请靠近些")  # letters in the note decide nothing
    browser.page.keyboard.press("Escape")  # leaves the note and clears the reasons
    browser.press("3")
    browser.press("r")
    browser.wait_past(queue[2].id)
    assert decisions(house) == [
        (str(queue[0].id), "approve", []),
        (str(queue[2].id), "reject", ["P03"]),
    ]


def test_z_takes_the_last_decision_back(house: House, queue, browser: Browser, monkeypatch):
    from backoffice.workflows.orders import build_engine

    monkeypatch.setattr(house.app.extensions["backoffice"], "engine", build_engine(60))
    browser.sign_in(house.staff["reviewer"].email)
    browser.go("/admin/review/")
    browser.press("z")  # nothing to take back yet
    browser.press("a")
    browser.wait_past(queue[0].id)
    browser.press("t")
    browser.page.keyboard.type("z")  # a letter in the note takes nothing back
    browser.page.keyboard.press("Escape")
    assert browser.order == str(queue[1].id)
    browser.press("z")
    browser.wait_past(queue[1].id)
    assert browser.order == str(queue[0].id)
    assert "已撤回" in browser.page.text_content(".note-success")
    browser.press("z")  # once only
    browser.press("3")
    browser.press("r")
    browser.wait_past(queue[0].id)
    for order in queue[1:]:
        browser.press("a")
        browser.wait_past(order.id)
    browser.page.wait_for_selector("text=没有待审核的照片")
    browser.page.keyboard.press("z")  # the queue is empty: the last one comes back
    browser.page.wait_for_selector("#decision")
    assert browser.order == str(queue[3].id)
    house.session.rollback()
    states = [house.session.get(Order, o.id, populate_existing=True).state for o in queue]
    assert states == ["rejected", "approved", "approved", "pending_review"]


def test_the_offer_to_undo_goes_when_the_window_closes(
    house: House, queue, browser: Browser, monkeypatch
):
    from backoffice.workflows.orders import build_engine

    monkeypatch.setattr(house.app.extensions["backoffice"], "engine", build_engine(4))
    browser.sign_in(house.staff["reviewer"].email)
    browser.go("/admin/review/")
    browser.press("a")
    browser.wait_past(queue[0].id)
    assert browser.page.locator("#undo").count() == 1
    browser.page.wait_for_selector("#undo", state="detached", timeout=6000)


def test_keys_do_not_decide_by_accident(house: House, queue, browser: Browser):
    browser.sign_in(house.staff["reviewer"].email)
    browser.go("/admin/review/")
    browser.press("r")  # no reason yet
    assert "请先用数字键" in browser.page.text_content("#hint")
    browser.press("1")
    browser.press("a")  # a reason is chosen
    assert "按 R 驳回" in browser.page.text_content("#hint")
    browser.press("Control+a")
    browser.page.click("#approve")  # the mouse is held to the same rule
    assert decisions(house) == []
    assert browser.order == str(queue[0].id)


def test_a_fast_double_press_decides_one_photo(house: House, queue, browser: Browser):
    browser.sign_in(house.staff["reviewer"].email)
    browser.go("/admin/review/")
    browser.page.wait_for_selector("#decision.ready")
    browser.page.keyboard.press("a")
    browser.page.keyboard.press("a")
    browser.wait_past(queue[0].id)
    browser.page.keyboard.press("a")  # the next pictures are not settled yet
    browser.page.wait_for_selector("#decision.ready")
    assert [d[0] for d in decisions(house)] == [str(queue[0].id)]


def test_a_stale_desk_is_told_kindly(house: House, queue, browser: Browser):
    browser.sign_in(house.staff["reviewer"].email)
    browser.go("/admin/review/")
    browser.page.wait_for_selector("#decision.ready")
    other = house.client(house.guests["reviewer"])
    post(
        other,
        f"/admin/orders/{queue[0].id}/fire",
        transition="reject",
        reasons=["L01"],
        version=queue[0].version,
        key="other",
    )
    browser.page.keyboard.press("a")
    browser.wait_past(queue[0].id)
    assert "未作任何更改" in browser.page.text_content(".note-warning")
    assert [d[:2] for d in decisions(house)] == [(str(queue[0].id), "reject")]


def test_both_pictures_are_large_and_nothing_scrolls_away(house: House, queue, browser: Browser):
    browser.sign_in(house.staff["reviewer"].email)
    browser.go("/admin/review/")
    browser.page.wait_for_selector("#decision.ready")
    boxes = {
        n: browser.page.locator(n).bounding_box() for n in ("#original", "#result", "#approve")
    }
    assert boxes["#original"]["x"] + boxes["#original"]["width"] <= boxes["#result"]["x"]
    assert boxes["#result"]["height"] >= 400
    assert boxes["#approve"]["y"] + boxes["#approve"]["height"] <= 768


def test_no_page_asks_for_anything_outside_or_breaks_its_policy(
    busy_house: House, served: str, browser: Browser
):
    """`Browser` fails the test for any console error, which includes every policy violation."""
    browser.sign_in(busy_house.staff["admin"].email)
    order, batch = busy_house.orders["shipped"], busy_house.batches[0]
    for path in ("", "orders/", f"orders/{order.id}/", "batches/", f"batches/{batch.id}/",
                 "batches/new/", "imports/", "enrolments/", "reasons/", "reasons/edit/?id=P01",
                 "standards/", "finance/", "payments/", "refunds/", "schools/new/", "staff/",
                 "staff/new/", "outbox/", "change", "workflow/", "bulk/"):  # fmt: skip
        browser.go(f"/admin/{path}")
        browser.page.wait_for_load_state("networkidle")
        wide = browser.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 1366, path


def test_the_operator_ships_in_bulk(busy_house: House, served: str, browser: Browser):
    browser.sign_in(busy_house.staff["operator"].email)
    browser.go("/admin/fulfilment/")
    number = f'input[name="tracking_no-{busy_house.orders["processing"].id}"]'
    browser.page.fill(number, "SF100")  # typing chooses the row
    browser.page.click("text=所选订单发货")
    browser.page.wait_for_selector("text=成功 1，失败 0")
    busy_house.session.rollback()
    busy_house.session.expire_all()
    assert busy_house.orders["processing"].state == "shipped"
    assert busy_house.foreign["processing"].state == "processing"


def test_a_run_shows_its_progress_by_itself(busy_house: House, served: str, browser: Browser):
    from backoffice.models import OutboxRow
    from worker.jobs import run

    house = busy_house
    browser.sign_in(house.staff["operator"].email)
    browser.go("/admin/orders/?state=approved")
    browser.page.check("[data-pick-all]")
    browser.page.click("text=继续…")
    browser.page.wait_for_selector("text=其中 2 个现在可以执行")
    browser.page.click("text=确认开始制作")
    browser.page.wait_for_selector("text=成功 0，未执行 0，剩余 2")
    with house.app.app_context():
        row = house.session.scalars(select(OutboxRow).where(OutboxRow.effect == "bulk.run")).one()
        row.state = "published"
        house.session.commit()
        run(str(row.id))
    browser.page.wait_for_selector("text=成功 2，未执行 0，剩余 0")  # nobody reloaded
    browser.page.wait_for_selector(".top-title >> text=已结束")
    assert browser.page.locator("[data-refresh]").count() == 0
