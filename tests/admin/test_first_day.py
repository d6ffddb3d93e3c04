"""Each role's first day in a real browser: from the log-in to the work done, by keyboard where it matters."""

from __future__ import annotations

import dataclasses
import json
import re

import pytest
from passlib.totp import TOTP
from sqlalchemy import func, select

from backoffice.models import Batch, Enrolment, Order, Refund, ReviewDecision, Staff
from tests import factories_workbooks as workbooks
from tests.admin.browser import Browser
from tests.admin.house import House, post, work_off

pytestmark = pytest.mark.browser
NEW = "four-quiet-lamps"


@pytest.fixture(autouse=True)
def _empty_valkey(redis):
    return redis


def letters(house: House) -> list[dict]:
    path = house.app.extensions["backoffice"].settings.var / "messages.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_an_administrator_from_the_letter_to_a_colleague(
    house: House, browser: Browser, monkeypatch: pytest.MonkeyPatch
):
    services, page = house.app.extensions["backoffice"], browser.page
    strict = dataclasses.replace(services.settings, staff_second_factor="required")
    post(house.client("admin"), "/admin/staff/new/", email="new.admin@example.com", name="新管理员",
         roles=["admin"], school="", active="y", first="invite")  # fmt: skip
    work_off(house, "staff.invite")
    monkeypatch.setattr(services, "settings", strict)
    link = re.search(r"/admin/invitation#\S+", letters(house)[-1]["text"]).group(0)
    browser.go(link)
    assert "#" not in page.url  # the secret has left the address
    page.fill("#password", NEW)
    page.fill("#again", NEW)
    page.keyboard.press("Enter")
    page.wait_for_selector("text=密码已设置")
    page.fill("#email", "new.admin@example.com")
    page.fill("#password", NEW)
    page.keyboard.press("Enter")
    page.wait_for_url("**/account/second-factor")
    browser.go("/admin/staff/")
    assert page.url.endswith("/account/second-factor")  # nothing opens before
    key = page.inner_text(".steps .code").replace("-", "")
    page.fill("#code", TOTP(key=key).generate().token)
    page.fill(".steps [type=password]", NEW)
    page.keyboard.press("Enter")
    page.wait_for_selector(".recovery-codes")
    assert page.locator(".recovery-codes li").count() == 8
    page.click("text=已保存，继续")
    page.wait_for_selector("text=后台任务")  # the dashboard with its charts
    page.click("aside >> text=员工账号")
    page.click("text=新建")
    page.fill("#email", "colleague@example.com")
    page.fill("#name", "新同事")
    page.check('input[name="roles"][value="reviewer"]')
    page.click("text=保存")
    page.wait_for_selector(".note-success")
    work_off(house, "staff.invite")
    assert "/admin/invitation#" in letters(house)[-1]["text"]
    colleague = house.session.scalars(
        select(Staff).where(Staff.email == "colleague@example.com")
    ).one()
    assert [r.name for r in colleague.roles] == ["reviewer"]


def test_a_school_from_the_batch_to_the_board(house: House, browser: Browser):
    page = browser.page
    browser.sign_in(house.staff["school"].email)
    page.click("aside >> text=批次")
    page.click("text=新建")
    page.fill('[name="name"]', "2027届本科")
    for _ in range(3):
        page.click("[data-next]")
    page.click('button[value="open"]')
    page.wait_for_selector(".code.huge")
    batch = house.session.scalars(select(Batch).where(Batch.name == "2027届本科")).one()
    with page.expect_download() as poster:
        page.click("text=下载海报 PDF")
    assert poster.value.suggested_filename == f"{batch.feature_code}-poster.pdf"
    page.click("text=导入名单")
    roster = workbooks.xlsx([workbooks.HEADINGS, *workbooks.people(12)])
    page.set_input_files("#import-file", {"name": "名单.xlsx", "mimeType": "", "buffer": roster})
    page.select_option("#import-batch", str(batch.id))
    page.click("text=上传并预览")
    page.wait_for_selector("[data-refresh]")
    work_off(house, "roster.import")
    page.click("text=确认导入 12 行")  # the page looked for itself
    page.wait_for_selector("[data-refresh]")
    work_off(house, "roster.import")
    page.wait_for_selector(".top-title >> text=已导入")
    count = select(func.count()).where(Enrolment.batch_id == batch.id)
    assert house.session.scalar(count) == 12
    browser.go(f"/admin/batches/{batch.id}/progress")
    assert "计科22" in page.inner_text("main")
    assert "12" in page.inner_text("main")
    browser.go("/admin/")
    assert "12 · 100%" in page.inner_text(".funnels")


def test_a_reviewer_from_the_dashboard_to_an_empty_queue(busy_house: House, browser: Browser):
    house, page = busy_house, browser.page
    browser.sign_in(house.staff["reviewer"].email)
    page.click(".task >> text=待审核照片")
    browser.press("?")
    page.wait_for_selector("dialog[open]")
    assert "撤回" in page.inner_text("dialog[open]")
    page.keyboard.press("a")  # decides nothing while the key map is open
    page.keyboard.press("Escape")
    first = browser.order
    browser.press("a")
    browser.wait_past(first)
    second = browser.order
    browser.press("1")
    page.keyboard.press("r")
    browser.wait_past(second)
    page.wait_for_selector("text=没有")  # and what to do then
    for _ in range(100):
        house.session.rollback()
        found = house.session.scalars(
            select(ReviewDecision.decision).where(
                ReviewDecision.staff_id == house.staff["reviewer"].id
            )
        ).all()
        if len(found) == 2:
            break
        page.wait_for_timeout(50)
    assert sorted(found) == ["approve", "reject"]


def test_an_operator_from_the_approved_to_the_parcel(busy_house: House, browser: Browser):
    house, page = busy_house, browser.page
    browser.sign_in(house.staff["operator"].email)
    page.click(".task >> text=待制作")
    page.locator("[data-pick-all]").first.check()
    page.click("text=所选订单开始制作")
    page.wait_for_selector("[data-refresh]")
    work_off(house, "bulk.run")
    page.wait_for_selector("text=成功 2，未执行 0，剩余 0")
    page.click("aside >> text=制作与发货")
    order, other = house.orders["approved"], house.foreign["approved"]
    page.fill(f'[name="tracking_no-{order.id}"]', "SF1001")  # typing chooses the row
    page.check(f'input[name="order"][value^="{other.id}"]')  # chosen, but without a number
    page.fill('[name="carrier"]', "中通快递")
    page.click("text=所选订单发货")
    result = page.locator("[role=status]")
    result.wait_for()
    assert "成功 1，失败 1" in result.inner_text()
    house.session.rollback()
    house.session.expire_all()
    assert (order.state, other.state) == ("shipped", "processing")
    browser.go(f"/admin/orders/{order.id}/")
    assert "SF1001" in page.inner_text("main")
    assert "中通快递" in page.inner_text("main")


def test_finance_from_the_overview_to_a_refund(busy_house: House, browser: Browser):
    house, page = busy_house, browser.page
    order = house.orders["paid"]
    browser.sign_in(house.staff["finance"].email)
    page.click("aside >> text=财务概览")
    assert "¥" in page.inner_text(".tasks")
    page.click("aside >> text=订单")
    page.fill('.search input[name="term"]', order.number)
    page.keyboard.press("Enter")
    page.click(f"table >> text={order.number}")
    page.click("summary >> text=申请退款")
    page.fill('details[open] [name="note"]', "重复下单")
    page.click('details[open] button[type="submit"]')
    page.wait_for_selector(".top-title >> text=退款中")
    page.click("aside >> text=退款")
    page.wait_for_selector(f"text={order.number}")
    house.session.rollback()
    house.session.expire_all()
    assert house.session.get(Order, order.id).state == "refunding"
    refund = house.session.scalars(select(Refund).where(Refund.order_id == order.id)).one()
    assert refund.amount_fen == order.amount_fen


# -- the keyboard ----------------------------------------------------------------------------

FOCUSED = """
() => {
  const at = document.activeElement, style = getComputedStyle(at), box = at.getBoundingClientRect();
  return {
    name: at.tagName + (at.id ? "#" + at.id : ""),
    text: (at.textContent || at.getAttribute("aria-label") || at.name || "").trim().slice(0, 20),
    main: Boolean(at.closest("main")),
    ring: (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2) || style.boxShadow !== "none",
    seen: box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight,
    order: [...document.querySelectorAll("*")].indexOf(at),
  };
}
"""


@pytest.mark.parametrize(
    ("role", "path"),
    [("admin", "orders/"), ("school", "batches/new/"), ("reviewer", "review/"),
     ("operator", "fulfilment/"), ("finance", "finance/")],
)  # fmt: skip
def test_the_tab_key_shows_where_it_is_and_goes_in_order(
    busy_house: House, browser: Browser, role: str, path: str
):
    page = browser.page
    browser.sign_in(busy_house.staff[role].email)
    browser.go(f"/admin/{path}")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip-link"
    page.keyboard.press("Enter")  # past the menu
    places = []
    for _ in range(14):
        page.keyboard.press("Tab")
        at = page.evaluate(FOCUSED)
        if not at["main"]:
            break
        assert at["ring"], at
        assert at["seen"], at
        places.append(at["order"])
    assert len(places) >= 3
    assert places == sorted(places)


def test_focus_returns_where_it_was_when_the_key_map_closes(busy_house: House, browser: Browser):
    page = browser.page
    browser.sign_in(busy_house.staff["reviewer"].email)
    browser.go("/admin/review/")
    page.wait_for_selector("#desk.ready")
    page.locator('[data-act="help"]').focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open]")
    assert page.evaluate("document.activeElement.closest('dialog') !== null")
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog[open]", state="detached")
    assert page.evaluate("document.activeElement.dataset.act") == "help"
