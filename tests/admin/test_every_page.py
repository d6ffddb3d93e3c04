"""Every page in a real browser: contrast, labels, targets, titles, policy, nothing cut off; in two languages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from backoffice.admin.labels import CARRIERS
from tests.admin.browser import Browser
from tests.admin.house import House, post
from tests.admin.pages import NOBODY, furnish, pages_of

pytestmark = pytest.mark.browser
CHECKS = (Path(__file__).parent / "page_checks.js").read_text()
TABLET = {"width": 820, "height": 1180}
SCREEN = {"width": 1366, "height": 768}
WATCH_POLICY = """
window.refused = [];
document.addEventListener("securitypolicyviolation", (e) => window.refused.push(e.violatedDirective + " " + e.blockedURI));
"""


@pytest.mark.parametrize("role", [NOBODY, "admin", "school", "reviewer", "operator", "finance"])
def test_every_page_keeps_what_it_owes(busy_house: House, browser: Browser, role: str):
    house, page = busy_house, browser.page
    pages = pages_of(house, furnish(house))[role]
    page.add_init_script(WATCH_POLICY)
    if role:
        browser.sign_in(house.staff[role].email)
    wrong = []
    for path in pages:
        browser.go(f"/admin/{path}")
        wrong += [f"{path}: {told}" for told in page.evaluate(CHECKS)]
        wrong += [f"{path}: refused {told}" for told in page.evaluate("window.refused")]
        for size in (TABLET, SCREEN):
            page.set_viewport_size(size)
            wide = page.evaluate("document.documentElement.scrollWidth")
            if wide > size["width"]:
                wrong.append(f"{path}: {wide} wide at {size['width']}")
    assert not wrong, "\n".join(wrong)


CHINESE = re.compile(r"[\u3400-\u9fff，。；：（）]+")
TAGS = re.compile(r"<(script|style)\b.*?</\1>|<[^>]+>", re.DOTALL)
TITLES = re.compile(r'(?:aria-label|placeholder|title|alt)="([^"]*)"')
# What people wrote or are called, longest first; and the switch to the other language.
WRITTEN = (
    "甲大学批次待办", "甲大学批次", "乙大学批次", "甲大学", "乙大学", "吴*兰", "吴小兰", "什么时候审核",
    "已经三天了。", "计算机学院", "软工230", "光线过暗", "测试", "中文", *CARRIERS,
)  # fmt: skip
IN_BOTH = ("reasons/", "standards/")  # their columns hold the texts of both languages


def test_in_english_no_chinese_is_left_but_what_people_wrote(busy_house: House):
    house = busy_house
    left: set[tuple[str, str]] = set()
    for role, paths in pages_of(house, furnish(house)).items():
        client = house.client(role) if role else house.app.test_client()
        post(client, "/admin/language", locale="en")
        for path in paths:
            if path.startswith(IN_BOTH):
                continue
            html = client.get(f"/admin/{path}").get_data(as_text=True)
            html = re.sub(r"<textarea.*?</textarea>", "", html, flags=re.DOTALL)
            told = " ".join([TAGS.sub(" ", html), *TITLES.findall(html)])
            for word in WRITTEN:
                told = told.replace(word, "")
            left |= {(word, path) for word in CHINESE.findall(told)}
    assert not left, "\n".join(f"{word} {path}" for word, path in sorted(left))
