"""The page of the workflows: drawn, counted and timed for what the reader may see."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from backoffice.workflows.orders import build_engine
from tests.admin.house import STATES, House, post
from tests.factories import advance, make_order

BOX = re.compile(r'<a href="([^"]+)"><g class="state">.*?<text[^>]*>([^<]+)</text><text[^>]*>([\d,]+)<', re.S)  # fmt: skip


def counts(page: str) -> dict[str, int]:
    """The numbers in the boxes of the first drawing, by label."""
    first = page.split("</svg>")[0]
    return {label: int(number.replace(",", "")) for _, label, number in BOX.findall(first)}


def test_every_state_carries_its_number_of_orders(busy_house: House):
    client = busy_house.client("admin")
    page = client.get("/admin/workflow/").text
    assert len(counts(page)) == len(STATES)
    assert set(counts(page).values()) == {2}  # one in each school
    assert page.count("<svg") == 2
    one = client.get(f"/admin/workflow/?batch={busy_house.batches[0].id}").text
    assert set(counts(one).values()) == {1}


def test_labels_follow_the_readers_language(busy_house: House):
    client = busy_house.client("reviewer")
    assert "待审核" in counts(client.get("/admin/workflow/").text)
    post(client, "/admin/language", locale="en")
    assert "Awaiting review" in counts(client.get("/admin/workflow/").text)


def test_a_box_leads_to_its_orders(busy_house: House):
    client = busy_house.client("finance")
    page = client.get(f"/admin/workflow/?batch={busy_house.batches[0].id}").text
    address = next(a for a, label, _ in BOX.findall(page) if label == "退款中").replace(
        "&amp;", "&"
    )
    listed = client.get(address).text
    assert busy_house.orders["refunding"].number in listed
    assert "共 1 条" in listed


def test_a_schools_member_sees_its_own_numbers_and_batches(busy_house: House):
    client = busy_house.client(busy_house.guests["operator"])
    page = client.get("/admin/workflow/").text
    assert set(counts(page).values()) == {1}
    assert "乙大学" not in page
    foreign = client.get(f"/admin/workflow/?batch={busy_house.batches[1].id}")
    assert foreign.status_code == 404
    assert client.get("/admin/workflow/?batch=x").status_code == 404


def live(house: House, batch, *steps) -> None:
    """An order that went through `steps`: (seconds waited, transition)."""
    start = datetime(2026, 10, 1, tzinfo=UTC)
    clock = [start]
    with house.app.app_context():
        engine = build_engine(clock=lambda: clock[0])
        order = make_order(house.session, batch, engine=engine, created_at=start)
        for seconds, name in steps:
            clock[0] += timedelta(seconds=seconds)
            advance(house.session, order, name, engine)
        house.session.commit()


def times(page: str) -> dict[str, tuple[str, ...]]:
    found = re.findall(r"<tr><td><span[^>]*>([^<]+)</span></td>((?:<td class=\"num\">[^<]*</td>)+)</tr>", page)  # fmt: skip
    return {label: tuple(re.findall(r">([^<]*)</td>", cells)) for label, cells in found}


def test_times_are_told_per_batch_and_kept_to_the_school(house: House):
    mine, other = house.batches
    live(house, mine, (60, "pay"), (600, "submit"))
    live(house, mine, (120, "pay"))
    live(house, other, (3600, "pay"))
    admin, guest = house.client("admin"), house.client(house.guests["operator"])
    batch = times(admin.get(f"/admin/batches/{mine.id}/").text)
    assert batch["待支付"] == ("0", "2", "1 分 30 秒", "1 分 57 秒")
    assert batch["待提交照片"] == ("1", "1", "10 分", "10 分")
    assert batch["待审核"] == ("1", "—", "—", "—")
    assert times(guest.get("/admin/workflow/").text)["待支付"] == batch["待支付"]
    assert times(admin.get("/admin/workflow/").text)["待支付"][:3] == ("0", "3", "2 分")
    assert times(admin.get(f"/admin/workflow/?batch={other.id}").text)["待支付"][1:3] == (
        "1",
        "1 小时",
    )


def test_a_batch_without_orders_has_no_empty_table(house: House):
    page = house.client("school").get(f"/admin/batches/{house.batches[0].id}/").text
    assert "各状态停留时间" not in page


def test_times_of_a_long_history_are_drawn_from_the_newest_orders(house: House, monkeypatch):
    from backoffice.admin import state_figures

    for seconds in (60, 120, 180):
        live(house, house.batches[0], (seconds, "pay"))
    client = house.client("admin")
    addresses = ("/admin/workflow/", f"/admin/batches/{house.batches[0].id}/")
    for address in addresses:
        assert "最近" not in client.get(address).text
    monkeypatch.setattr(state_figures, "NEWEST", 2)
    for address in addresses:
        page = client.get(address).text
        assert "最近 2 个订单" in page
        assert times(page)["待支付"] == ("0", "2", "2 分 30 秒", "2 分 57 秒")
