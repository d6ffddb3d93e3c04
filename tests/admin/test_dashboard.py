"""The dashboard: each role's charts, right numbers, the own school only, few and bounded queries."""

from __future__ import annotations

import dataclasses
import re
from datetime import UTC, datetime

import pytest

from backoffice.admin import figures, keeping
from backoffice.admin.charts import Bar, Series, bars, columns
from backoffice.models import Refund
from tests.admin.house import ROLES, STATES, House
from tests.factories import make_enrolment, make_order

PANELS = {
    "提交与审核": {"admin", "school", "reviewer"},
    "等待时间": {"admin", "school", "reviewer"},
    "驳回原因": {"admin", "school", "reviewer"},
    "收款与退款": {"admin", "finance"},
    "后台任务": {"admin"},
}


@pytest.mark.parametrize("role", ROLES)
def test_each_role_sees_the_charts_of_its_work(busy_house: House, role: str):
    page = busy_house.client(role).get("/admin/").text
    for title, roles in PANELS.items():
        assert (title in page) == (role in roles), title
    assert "style=" not in page.split("<main")[1]


def test_the_numbers_are_those_of_the_own_school(busy_house: House):
    house = busy_house
    for refund in house.session.query(Refund).filter_by(status="succeeded"):
        refund.settled_at = datetime.now(UTC)
    house.session.commit()
    for who, factor in (("admin", 2), ("school", 1)):
        client = house.client(who)
        with client:
            client.get("/admin/")
            assert sum(figures.orders_by_state().values()) == factor * len(STATES)
            _, arrived, decided = figures.per_hour()
            assert arrived[-1] + arrived[-2] > 0
            assert decided[-1] + decided[-2] > 0
            assert figures.ages_of_queue() == [factor, 0, 0, 0, 0]
            assert sum(n for _, n in figures.rejection_reasons()) >= factor
            _, paid, back = figures.money_per_day()
            assert paid[-1] + paid[-2] > 0
            assert back[-1] + back[-2] > 0
    with house.client("admin") as client:
        client.get("/admin/")
        all_of_it = figures.money_per_day()[1][-1]
    with house.client("school") as client:
        client.get("/admin/")
        assert figures.money_per_day()[1][-1] == pytest.approx(all_of_it / 2)


def test_the_funnel_of_a_batch_narrows_from_the_roster_to_the_approved(busy_house: House):
    house = busy_house
    with house.app.app_context():
        make_enrolment(house.session, house.batches[0])  # on the roster, never came
        house.session.commit()
    page = house.client("school").get("/admin/").text
    funnel = page.split(f"{house.batches[0].name}：从名单到通过")[1].split("</svg>")[0]
    said = re.findall(r'class="value"[^>]*>([^<]+)<', funnel)
    # one order in each state: closed, refunding and refunded have left; draft has not paid
    assert said == ["12 · 100%", "8 · 67%", "7 · 58%", "6 · 50%", "4 · 33%"]
    assert "乙大学批次：从名单到通过" not in page


@pytest.fixture
def kept_a_minute(busy_house: House, monkeypatch) -> None:
    """Figures are kept as in production; nothing is kept yet."""
    services = busy_house.app.extensions["backoffice"]
    slow = dataclasses.replace(services.settings, figures_seconds=60)
    monkeypatch.setattr(services, "settings", slow)
    monkeypatch.setattr(keeping, "_kept", {})


def test_counts_are_kept_for_a_while(busy_house: House, kept_a_minute):
    house = busy_house
    with house.client("admin") as client:
        client.get("/admin/")
        before = figures.orders_by_state()
        with house.app.app_context():
            make_order(house.session, house.batches[0], "paid")
            house.session.commit()
        assert figures.orders_by_state() == before
    with house.client("school") as client:  # kept for each school by itself
        client.get("/admin/")
        assert sum(figures.orders_by_state().values()) == len(STATES) + 1


def test_older_figures_are_shown_once_more_and_counted_anew_behind(
    busy_house: House, kept_a_minute, monkeypatch
):
    house = busy_house
    with house.client("admin") as client:
        client.get("/admin/")
        before = figures.orders_by_state()
        with house.app.app_context():
            make_order(house.session, house.batches[0], "paid")
            house.session.commit()
        aged = {k: (at - 61, value) for k, (at, value) in keeping._kept.items()}
        monkeypatch.setattr(keeping, "_kept", aged)
        assert figures.orders_by_state() == before  # at once
        keeping._behind.submit(lambda: None).result()  # one thread: what was behind is done
        assert sum(figures.orders_by_state().values()) == sum(before.values()) + 1
        long_ago = {k: (at - 4000, value) for k, (at, value) in keeping._kept.items()}
        monkeypatch.setattr(keeping, "_kept", long_ago)
        with house.app.app_context():
            make_order(house.session, house.batches[0], "paid")
            house.session.commit()
        assert sum(figures.orders_by_state().values()) == sum(before.values()) + 2


def test_charts_say_their_numbers_and_escape_their_words():
    drawn = bars("<b>", [Bar("<script>", 3, "3 张"), Bar("长" * 20, 0, "0")])
    assert "<script>" not in drawn
    assert "3 张" in drawn
    assert 'aria-label="&lt;b&gt;"' in drawn
    over_time = columns("t", ["a", ""], [Series("入", "good", [1, 0]), Series("出", "bad", [0, 5])])
    assert over_time.count("<rect") == 2
    assert "<strong>5</strong>" in over_time
    assert columns("t", [], []).count("<rect") == 0
    alone = columns("t", ["d"], [Series("入", "good", [1])])
    assert float(re.search(r'<rect[^>]* width="([\d.]+)"', alone)[1]) <= 28
