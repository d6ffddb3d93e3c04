"""The form of a new batch in its steps, in a real browser, and a file made while one watches."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import select
from werkzeug.serving import make_server

from backoffice.batches import jobs
from backoffice.models import Batch, BatchJob
from tests.admin.house import PASSWORD, House
from tests.conftest import CHROMIUM
from tests.factories import make_enrolment

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="no Chromium on this machine"),
]


@pytest.fixture
def address(house: House) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, house.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()


@pytest.fixture
def page(house: House, address: str):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        context = browser.new_context(viewport={"width": 1366, "height": 768}, base_url=address)
        page = context.new_page()
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
        page.goto("/admin/login")
        page.fill('[name="email"]', house.staff["school"].email)
        page.fill('[name="password"]', PASSWORD)
        page.press('[name="password"]', "Enter")
        page.wait_for_url("**/admin/")
        yield page
        browser.close()
    assert complaints == []  # the strict content policy included


def test_a_batch_in_four_steps(house: House, page):
    page.goto("/admin/batches/new/")
    headings = page.locator(".batch-form h2:visible")
    assert headings.all_inner_texts() == ["名称与时间"]
    page.fill('[name="name"]', "")
    page.click("[data-next]")
    assert headings.all_inner_texts() == ["名称与时间"]  # not without a name
    page.fill('[name="name"]', "浏览器建的批次")
    page.press('[name="name"]', "Enter")  # goes on, opens nothing
    assert headings.all_inner_texts() == ["名单与照片"]
    page.check('[name="roster_mode"][value="minimal"]')
    assert not page.is_visible('[name="legal_basis"]')
    page.check('[name="roster_mode"][value="full"]')
    page.fill('[name="legal_basis"]', "协议 7")
    page.click(".steps li:nth-child(4) button")
    assert headings.all_inner_texts() == ["规则"]
    page.click(".steps li:nth-child(1) button")
    page.check('[name="kind"][value="freshman"]')
    assert page.input_value('[name="standard"]') == "freshman-white"
    assert not page.is_checked('[name="requires_capture_code"]')
    page.click(".steps li:nth-child(3) button")
    page.fill('[name="services-0-yuan"]', "12.345")
    page.click("[data-next]")
    page.click('button[value="open"]')
    page.wait_for_selector(".problem:visible")
    assert headings.all_inner_texts() == ["收费与取件"]  # where the mistake is
    page.fill('[name="services-0-yuan"]', "12.30")
    page.click("[data-next]")
    page.click('button[value="open"]')
    page.wait_for_selector(".code.huge")
    batch = house.session.scalars(select(Batch).where(Batch.name == "浏览器建的批次")).one()
    assert page.inner_text(".code.huge") == batch.feature_code
    assert (batch.kind, batch.services[0].price_fen) == ("freshman", 1230)


def test_a_file_is_watched_until_it_is_ready_also_after_coming_back(house: House, page):
    batch = house.batches[0]
    with house.app.app_context():
        make_enrolment(house.session, batch)
        house.session.commit()
    page.goto(f"/admin/batches/{batch.id}/")
    page.click("text=生成个人码 PDF")
    page.wait_for_selector("#files >> text=排队中")
    house.session.expire_all()
    job = house.session.scalars(select(BatchJob)).one()
    with house.app.app_context():
        jobs.begin(house.session, job.id)
        job.started_at = datetime.now(UTC)
        tell = jobs.teller(house.session, job.id)
        tell(0, 400)
        job.done, job.total = 100, 400
        house.session.commit()
        page.wait_for_selector("#files >> text=100 / 400")
        page.goto("/admin/")
        page.goto(f"/admin/batches/{batch.id}/")
        page.wait_for_selector("#files progress")
        made = jobs.MadeFile("codes.pdf", "application/pdf", io.BytesIO(b"%PDF-1.4"))
        jobs.keep_file(house.session, house.app.extensions["backoffice"].storage, job.id, made)
        house.session.commit()
    with page.expect_download() as download:
        page.click("#files a.btn-primary")
    assert download.value.suggested_filename == "codes.pdf"
