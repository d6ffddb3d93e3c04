"""The desk in a real browser: thirty photos by keyboard, two reviewers, expiry, undo, the sheet."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select, update

from backoffice.models import Order, ReviewDecision, ReviewLease
from backoffice.workflows.orders import build_engine
from tests.admin.browser import Browser
from tests.admin.desk import Desk
from tests.admin.house import House, post, store_pictures
from tests.factories import make_order

pytestmark = pytest.mark.browser


def photos(house: House, count: int) -> list[Order]:
    with house.app.app_context():
        orders = [
            make_order(house.session, house.batches[0], "pending_review") for _ in range(count)
        ]
        house.session.commit()
        for order in orders:
            store_pictures(house.app, house.session, order)
    return orders


@pytest.fixture
def queue(house: House) -> list[Order]:
    return photos(house, 4)


@pytest.fixture
def window(house: House, monkeypatch):
    """Decisions can be taken back for so many seconds."""

    def open_for(seconds: int) -> None:
        parts = house.app.extensions["backoffice"]
        monkeypatch.setattr(parts, "engine", build_engine(seconds))

    return open_for


def decisions(house: House) -> list[tuple[str, str, list[str]]]:
    house.session.rollback()
    rows = house.session.scalars(
        select(ReviewDecision)
        .where(ReviewDecision.undone_at.is_(None))
        .order_by(ReviewDecision.created_at)
        .execution_options(populate_existing=True)
    )
    return [(str(d.order_id), d.decision, [r.code for r in d.reasons]) for d in rows]


def delivered(browser: Browser, house: House, count: int) -> list[tuple[str, str, list[str]]]:
    """Wait until so many decisions have arrived: the page goes on before the answer is there."""
    for _ in range(100):
        if len(found := decisions(house)) >= count:
            return found
        browser.page.wait_for_timeout(50)
    raise AssertionError(decisions(house))


def test_thirty_photos_by_keyboard(house: House, browser: Browser):
    orders = photos(house, 30)
    browser.sign_in(house.staff["reviewer"].email)
    browser.go("/admin/review/")
    expected = []
    for place, order in enumerate(orders):
        browser.page.wait_for_selector("#desk.ready")
        assert browser.order == str(order.id)
        keys, decision, reasons = (("a",), "approve", [])
        if place % 5 == 4:
            keys, decision, reasons = (("2", "4", "r"), "reject", ["P02", "P04"])
            if place > 4:  # their use has brought these two to the front
                keys = ("1", "2", "r")
        for key in keys:
            browser.page.keyboard.press(key)
        browser.wait_past(order.id)
        expected.append((str(order.id), decision, reasons))
        if place == 4:
            delivered(browser, house, 5)
            browser.go("/admin/review/")
    browser.page.wait_for_selector("text=没有待审核的照片")
    assert delivered(browser, house, 30) == expected
    looked = house.session.scalars(
        select(ReviewLease.looked_ms).where(ReviewLease.outcome == "decided")
    ).all()
    assert len(looked) == 30
    assert all(ms is not None and ms > 0 for ms in looked)


def test_letters_in_the_note_decide_nothing(house: House, queue, browser: Browser):
    browser.sign_in(house.staff["reviewer"].email)
    browser.go("/admin/review/")
    browser.press("n")  # skips the first
    browser.wait_past(queue[0].id)
    browser.press("t")
    browser.page.keyboard.type("ar 请靠近些")
    browser.page.keyboard.press("Enter")
    browser.page.keyboard.press("3")
    browser.page.keyboard.press("r")
    browser.wait_past(queue[1].id)
    assert delivered(browser, house, 1) == [(str(queue[1].id), "reject", ["P03"])]
    assert house.session.scalars(select(ReviewDecision.note)).one() == "ar 请靠近些"
    for order in queue[2:]:
        browser.press("a")
        browser.wait_past(order.id)
    browser.page.wait_for_selector("text=前面还有跳过的照片")
    browser.page.click("#again")
    browser.page.wait_for_selector("#desk.ready")
    assert browser.order == str(queue[0].id)


def test_keys_do_not_decide_by_accident(house: House, queue, browser: Browser):
    browser.sign_in(house.staff["reviewer"].email)
    browser.go("/admin/review/")
    browser.press("r")  # no reason yet
    assert "请先用数字键" in browser.page.text_content("#hint")
    browser.press("1")
    browser.press("a")  # a reason is chosen
    assert "按 R 驳回" in browser.page.text_content("#hint")
    browser.press("Control+a")
    browser.page.click('[data-act="approve"]')  # the mouse is held to the same rule
    browser.press("?")
    browser.page.keyboard.press("r")  # the key map is open
    browser.page.keyboard.press("Escape")
    browser.press("Escape")
    assert browser.page.locator('.rd-chip[aria-pressed="true"]').count() == 0
    assert decisions(house) == []
    assert browser.order == str(queue[0].id)


def test_a_fast_double_press_decides_one_photo(house: House, queue, browser: Browser):
    browser.sign_in(house.staff["reviewer"].email)
    browser.go("/admin/review/")
    browser.page.wait_for_selector("#desk.ready")
    for _ in range(4):
        browser.page.keyboard.press("a")
    browser.wait_past(queue[0].id)
    browser.page.wait_for_selector("#desk.ready")
    assert [d[0] for d in delivered(browser, house, 1)] == [str(queue[0].id)]
    assert browser.order == str(queue[1].id)
    browser.page.dblclick('[data-act="approve"]')
    browser.wait_past(queue[1].id)
    browser.page.wait_for_selector("#desk.ready")
    assert [d[0] for d in delivered(browser, house, 2)] == [str(o.id) for o in queue[:2]]


def test_the_last_decisions_are_taken_back_one_by_one(house: House, queue, browser, window):
    window(60)
    browser.sign_in(house.staff["reviewer"].email)
    browser.go("/admin/review/")
    browser.press("z")
    assert "没有可撤回" in browser.page.text_content("#hint")
    browser.press("1")
    browser.press("r")
    browser.wait_past(queue[0].id)
    browser.press("a")
    browser.wait_past(queue[1].id)
    delivered(browser, house, 2)
    browser.page.wait_for_selector(".rd-done.rd-approve")
    assert browser.page.locator(".rd-done").count() == 2
    browser.press("z")
    browser.wait_past(queue[2].id)
    browser.page.wait_for_selector("#desk.ready")
    assert browser.order == str(queue[1].id)
    assert "已撤回" in browser.page.text_content("#hint")
    browser.press("z")  # the one before, with the reasons that were chosen
    browser.wait_past(queue[1].id)
    browser.page.wait_for_selector("#desk.ready")
    assert browser.order == str(queue[0].id)
    assert browser.page.locator('.rd-chip[aria-pressed="true"]').count() == 1
    assert decisions(house) == []
    browser.press("Escape")
    for order in queue:
        browser.press("a")
        browser.wait_past(order.id)
    browser.page.wait_for_selector("text=没有待审核的照片")
    delivered(browser, house, 4)
    browser.page.keyboard.press("z")  # the queue is empty: the last one comes back
    browser.page.wait_for_selector("#desk.ready")
    assert browser.order == str(queue[3].id)


def test_z_takes_back_what_was_decided_here_though_older_decisions_are_told_late(
    house: House, queue, browser, window
):
    window(60)
    browser.sign_in(house.staff["reviewer"].email)
    browser.go("/admin/review/")
    browser.press("a")
    browser.wait_past(queue[0].id)
    delivered(browser, house, 1)
    held = []
    browser.page.route("**/review/heartbeat", lambda route: held.append(route))
    browser.go("/admin/review/")
    browser.press("a")
    browser.wait_past(queue[1].id)
    delivered(browser, house, 2)
    browser.page.wait_for_selector(".rd-done >> nth=1")
    held[0].continue_()
    browser.page.wait_for_selector("#waiting:has-text('待审核')")
    assert browser.page.locator(".rd-done").count() == 2
    browser.press("z")
    browser.wait_past(queue[2].id)
    assert browser.order == str(queue[1].id)


def test_the_offer_to_undo_goes_when_the_window_closes(house: House, queue, browser, window):
    window(3)
    browser.sign_in(house.staff["reviewer"].email)
    browser.go("/admin/review/")
    browser.press("a")
    browser.wait_past(queue[0].id)
    browser.page.wait_for_selector(".rd-done")
    browser.page.wait_for_selector(".rd-done", state="detached", timeout=8000)


def test_an_expired_hold_brings_the_photo_back_with_what_was_chosen(
    house: House, queue, browser: Browser
):
    browser.sign_in(house.staff["reviewer"].email)
    browser.go("/admin/review/")
    browser.press("2")
    house.session.execute(update(ReviewLease).values(expires_at=datetime.now(UTC)))
    house.session.commit()
    browser.press("r")
    browser.page.wait_for_selector("#hint.loud")
    assert "现已重新领取" in browser.page.text_content("#hint")
    assert browser.order == str(queue[0].id)
    assert browser.page.locator('.rd-chip[aria-pressed="true"]').count() == 1
    browser.press("r")
    browser.wait_past(queue[0].id)
    assert delivered(browser, house, 1) == [(str(queue[0].id), "reject", ["P02"])]


def test_what_another_took_meanwhile_is_told_kindly(house: House, queue, browser: Browser):
    browser.sign_in(house.staff["reviewer"].email)
    browser.go("/admin/review/")
    browser.press("2")
    other = house.client(house.guests["reviewer"])
    post(other, f"/admin/orders/{queue[0].id}/fire", transition="reject", reasons=["L01"],
         version=queue[0].version, key="other")  # fmt: skip
    browser.press("r")
    browser.page.wait_for_selector(".rd-case.now .rd-gone:not([hidden])")
    assert "按 N 继续" in browser.page.text_content("#hint")
    assert browser.page.locator('.rd-chip[aria-pressed="true"]').count() == 1
    browser.press("r")  # decides nothing
    browser.press("n")
    browser.wait_past(queue[0].id)
    assert [d[:2] for d in decisions(house)] == [(str(queue[0].id), "reject")]


def test_two_reviewers_at_once_and_a_closed_laptop(house: House, queue, browser: Browser):
    other = Desk(house, house.guests["reviewer"])
    browser.sign_in(house.staff["reviewer"].email)
    browser.go("/admin/review/")
    browser.page.wait_for_selector("#desk.ready")
    assert other.open() == []
    browser.go("/admin/orders/")  # leaving the desk gives its photos back
    for _ in range(100):
        theirs = other.claim(2)
        if theirs:
            break
        browser.page.wait_for_timeout(50)
    assert [s.order for s in theirs] == [str(o.id) for o in queue[:2]]
    browser.go("/admin/review/")
    browser.page.wait_for_selector("#desk.ready")
    assert browser.order == str(queue[2].id)
    assert other.decide(theirs[0]).status_code == 200
    browser.press("a")
    browser.wait_past(queue[2].id)
    assert {d[0] for d in delivered(browser, house, 2)} == {str(queue[0].id), str(queue[2].id)}


def test_the_next_photos_are_there_before_they_are_needed(house: House, queue, browser: Browser):
    asked: list[str] = []
    browser.page.on("request", lambda r: asked.append(r.url))
    browser.sign_in(house.staff["reviewer"].email)
    browser.go("/admin/review/")
    browser.page.wait_for_selector("#desk.ready")
    browser.page.wait_for_load_state("networkidle")
    for order in queue:
        assert any(f"{order.photo_id}/result" in url for url in asked)
    asked.clear()
    browser.press("a")
    browser.wait_past(queue[0].id)
    browser.page.wait_for_selector("#desk.ready")
    assert not [url for url in asked if "/pictures/" in url]


def test_both_pictures_are_large_and_nothing_scrolls_away(house: House, queue, browser: Browser):
    browser.sign_in(house.staff["reviewer"].email)
    browser.go("/admin/review/")
    browser.page.wait_for_selector("#desk.ready")
    boxes = {
        name: browser.page.locator(f".rd-case.now {name}").bounding_box()
        for name in (".rd-original", ".rd-result")
    }
    left, right = boxes[".rd-original"], boxes[".rd-result"]
    assert left["x"] + left["width"] <= right["x"]
    assert right["height"] >= 400
    button = browser.page.locator('[data-act="approve"]').bounding_box()
    assert button["y"] + button["height"] <= 768
    browser.press("c")  # one over the other
    assert browser.page.locator(".rd-case.now .rd-original").is_hidden()
    browser.page.keyboard.press("ArrowRight")
    assert browser.page.locator(".rd-case.now .rd-slider").input_value() == "54"
    assert browser.page.locator(".rd-case.now clipPath rect").get_attribute("width") == "259.2"


def test_a_contact_sheet_is_decided_at_once(house: House, browser: Browser):
    orders = photos(house, 24)
    browser.sign_in(house.staff["reviewer"].email)
    browser.go("/admin/review/sheet")
    browser.page.wait_for_selector("#sheet.ready")
    tiles = browser.page.locator(".rs-tile")
    assert tiles.count() == 24
    tiles.nth(3).locator(".rs-face").click()
    browser.page.wait_for_timeout(700)  # the sheet's first moment decides nothing
    browser.page.click("#decide-all")
    assert "没有原因" in browser.page.text_content("#hint")
    browser.page.keyboard.press("1")
    browser.page.keyboard.press("ArrowRight")
    browser.page.keyboard.press("2")
    assert browser.page.text_content("#counts") == "通过 22 张 · 不通过 2 张"
    browser.page.click("#decide-all")
    browser.page.wait_for_selector("text=已处理 24 张")
    assert browser.page.locator('.rs-tile[data-done="approve"]').count() == 22
    found = delivered(browser, house, 24)
    assert [d for d in found if d[1] == "reject"] == [
        (str(orders[3].id), "reject", ["P01"]),
        (str(orders[4].id), "reject", ["P02"]),
    ]
    browser.page.click("#next")
    browser.page.wait_for_selector("text=没有符合条件")
