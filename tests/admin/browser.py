"""A browser on the back office: fixtures `served` and `browser`, imported by the browser tests."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.serving import make_server

from tests.admin.house import PASSWORD, House


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
        self.page.wait_for_selector("#desk.ready")
        self.page.keyboard.press(key)

    @property
    def order(self) -> str:
        """The order of the photo on the desk."""
        return self.page.locator(".rd-case.now").get_attribute("data-order")

    def wait_past(self, order_id: object) -> None:
        """Wait until another photo (or none) is on the desk."""
        self.page.wait_for_function(
            "id => document.querySelector('.rd-case.now')?.dataset.order !== id",
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
