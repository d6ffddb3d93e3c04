"""The rooms in a real browser: what works by itself. Every page: `test_every_page`."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from tests.admin.browser import Browser
from tests.admin.house import House

pytestmark = pytest.mark.browser


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
    browser.page.click("text=对所选订单…")
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
