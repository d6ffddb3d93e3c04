"""Contrast, labels, policy, hashed names: what every page owes its readers (WCAG 2.2 AA)."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from backoffice.admin.assets import FOLDER
from tests.admin.house import House

CSS = (FOLDER / "backoffice.css").read_text()
NAMED = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{3,6})", CSS))
# text on ground, and how much contrast it needs: 4.5 for text, 3 for large text and marks
PAIRS = [
    *[(NAMED[f"{tone}"], NAMED[f"{tone}-bg"], 4.5)
      for tone in ("good", "bad", "waiting", "working", "neutral")],
    *[(NAMED["ink"], NAMED[ground], 4.5) for ground in ("ground", "card")],
    *[(NAMED["soft"], NAMED[ground], 4.5) for ground in ("ground", "card")],
    *[(NAMED["accent"], NAMED[ground], 4.5) for ground in ("ground", "card", "working-bg")],
    (NAMED["accent-deep"], NAMED["working-bg"], 4.5),
    (NAMED["soft"], NAMED["working-bg"], 4.5),
    ("#ffffff", NAMED["accent"], 4.5),
    ("#e3ebf2", NAMED["side"], 4.5), ("#9fb4c7", NAMED["side"], 4.5), ("#a9bccd", NAMED["side"], 4.5),
    ("#14532f", NAMED["good-bg"], 4.5), ("#7d1d1d", NAMED["bad-bg"], 4.5),
    ("#614000", NAMED["waiting-bg"], 4.5), ("#12416f", NAMED["working-bg"], 4.5),
    *[(bar, NAMED["card"], 3) for bar in ("#2e9460", "#2f7fc8", "#b9780a", "#c93535", "#7c8894")],
]  # fmt: skip


def luminance(colour: str) -> float:
    digits = colour.lstrip("#")
    digits = "".join(d * 2 for d in digits) if len(digits) == 3 else digits
    parts = [int(digits[n : n + 2], 16) / 255 for n in (0, 2, 4)]
    r, g, b = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one: str, two: str) -> float:
    light, dark = sorted((luminance(one), luminance(two)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(("text", "ground", "needed"), PAIRS)
def test_contrast(text: str, ground: str, needed: float):
    assert contrast(text, ground) >= needed, f"{text} on {ground}: {contrast(text, ground):.2f}"


class Fields(HTMLParser):
    """Collects form fields without a name for those who do not see the page."""

    def __init__(self) -> None:
        super().__init__()
        self.labelled: set[str] = set()
        self.fields: list[tuple[str, dict]] = []
        self.inside_label = 0
        self.inline: list[str] = []
        self.headings_empty = 0

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if "style" in found or any(name.startswith("on") for name in found):
            self.inline.append(f"{tag} {found}")
        if tag == "script" and "src" not in found:
            self.inline.append("script")
        if tag == "label":
            self.inside_label += 1
            self.labelled.add(found.get("for", ""))
        if tag in ("input", "select", "textarea") and found.get("type") not in ("hidden", "submit"):
            self.fields.append((tag, found | {"inside": self.inside_label > 0}))
        if tag == "img" and "alt" not in found:
            self.inline.append(f"img without alt {found}")

    def handle_endtag(self, tag):
        if tag == "label":
            self.inside_label -= 1

    def nameless(self) -> list[dict]:
        return [
            f for _, f in self.fields
            if not (f["inside"] or f.get("aria-label") or f.get("id") in self.labelled)
        ]  # fmt: skip


def pages_of(house: House) -> list[str]:
    order, batch = house.orders["approved"], house.batches[0]
    return ["", "account/", "account/second-factor", "orders/", f"orders/{order.id}/", "photos/",
            "events/", "exports/", "batches/", f"batches/{batch.id}/", "batches/new/", "imports/",
            "enrolments/", "reasons/", "reasons/edit/?id=P01", "standards/", "finance/", "payments/",
            "refunds/", "schools/", "schools/new/", "staff/", "staff/new/",
            f"staff/edit/?id={house.staff['school'].id}", "outbox/", "change", "workflow/",
            "bulk/", "tickets/"]  # fmt: skip


@pytest.mark.parametrize("role", ["admin", "operator", "school"])
def test_every_field_has_a_name_and_nothing_is_inline(busy_house: House, role: str):
    client = busy_house.client(role)
    paths = [*pages_of(busy_house), "fulfilment/"]
    for path in paths:
        answer = client.get(f"/admin/{path}")
        if answer.status_code != 200:
            continue
        reader = Fields()
        reader.feed(answer.text)
        assert reader.nameless() == [], path
        assert reader.inline == [], path
        assert '<html lang="zh-CN">' in answer.text
        assert 'id="main"' in answer.text


def test_log_in_and_invitation_have_named_fields(house: House):
    for path in ("login", "invitation"):
        reader = Fields()
        reader.feed(house.app.test_client().get(f"/admin/{path}").text)
        assert reader.fields
        assert reader.nameless() == []


def test_files_are_kept_under_the_name_of_their_content(house: House):
    client = house.client("admin")
    page = client.get("/admin/").text
    found = re.findall(r'(?:href|src)="(/admin/assets/[^"]+)"', page)
    assert any("bootstrap" in url for url in found)
    assert "/admin/static/" not in page
    for url in found:
        answer = client.get(url)
        assert answer.status_code == 200, url
        assert "immutable" in answer.headers["Cache-Control"], url
        assert re.search(r"\.[0-9a-f]{12}\.", url)
    stale = re.sub(r"\.[0-9a-f]{12}\.", ".000000000000.", found[0])
    assert client.get(stale).headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("name", ["../site.py", "none.css", "..%2fsite.py", "sub/x.css", ".hidden"])
def test_no_other_file_is_sent(house: House, name: str):
    assert house.app.test_client().get(f"/admin/assets/{name}").status_code == 404
