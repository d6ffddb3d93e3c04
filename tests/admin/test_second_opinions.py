"""Second opinions, escalation, the rules and the figures, through the pages."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from backoffice.admin import review_desk
from backoffice.models import (
    AccessRecord,
    Order,
    OrderEvent,
    ReviewDecision,
    ReviewEscalation,
    ReviewRule,
    SecondOpinion,
    SeniorReviewer,
)
from tests.admin.desk import Desk
from tests.admin.house import House, post
from tests.factories import advance, make_order, make_staff


@pytest.fixture
def queue(house: House) -> list[Order]:
    with house.app.app_context():
        orders = [make_order(house.session, house.batches[0], "pending_review") for _ in range(2)]
        house.session.add(ReviewRule(batch_id=house.batches[0].id, second_opinion_percent=100))
        house.session.commit()
    return orders


@pytest.fixture
def senior(house: House):
    """A third reviewer, a senior one."""
    staff = make_staff(house.session, "reviewer", password=house.staff["reviewer"].password)
    house.session.add(SeniorReviewer(staff_id=staff.id))
    house.session.commit()
    return staff


def fresh(house: House, order: Order) -> Order:
    house.session.rollback()
    house.session.expire_all()
    return order


def opinions(house: House) -> list[SecondOpinion]:
    house.session.rollback()
    query = select(SecondOpinion).order_by(SecondOpinion.created_at)
    return list(house.session.scalars(query.execution_options(populate_existing=True)))


def two_desks(house: House) -> tuple[Desk, Desk]:
    return Desk(house), Desk(house, house.guests["reviewer"])


def test_a_sampled_decision_comes_to_another_reviewer_looking_like_any_other(house: House, queue):
    one, two = two_desks(house)
    for shown, decision in zip(one.open(), (("approve",), ("reject", "L01")), strict=True):
        one.decide(shown, *decision)
    assert [o.first_decision for o in opinions(house)] == ["approve", "reject"]
    assert one.open() == []  # not to who decided
    (shown,) = two.open()
    assert shown.order == str(queue[0].id)
    assert "以往提交" not in two.text
    before = house.session.scalars(select(OrderEvent.id)).all()
    answer = two.decide(shown, "reject", "P03", note="闭眼", looked_ms=900)
    assert answer.status_code == 200
    assert two.decide(shown, "reject", "P03").status_code == 200  # sent again: the same verdict
    assert two.decide(shown).status_code == 409  # another one is not taken
    first, _ = opinions(house)
    assert (first.verdict, first.reasons, first.note) == ("reject", ["P03"], "闭眼")
    assert first.staff_id == house.guests["reviewer"].id
    assert first.looked_ms == 900
    assert fresh(house, queue[0]).state == "approved"
    house.session.rollback()
    assert house.session.scalars(select(OrderEvent.id)).all() == before  # nothing moved
    (shown,) = two.open()  # the rejected one
    assert shown.order == str(queue[1].id)
    assert "光线过暗" not in two.text.split("rd-side")[1].split("</aside>")[0]
    assert two.decide(shown, "reject", "L01").status_code == 200
    assert two.open() == []


def test_a_verdict_needs_what_a_decision_needs(house: House, queue):
    one, two = two_desks(house)
    one.decide(one.open()[0])
    one.call("skip", tokens=[s.token for s in one.open()])
    shown = next(s for s in two.open() if s.order == str(queue[0].id))
    assert two.decide(shown, "reject").status_code == 422
    assert two.decide(shown, "reject", "X99").status_code == 409
    house.session.execute(update(SecondOpinion).values(held_until=datetime.now(UTC)))
    house.session.commit()
    late = two.decide(shown)
    assert (late.status_code, late.json["code"]) == (409, "lease_lost")
    assert opinions(house)[0].verdict is None


def test_a_second_opinion_is_held_by_heartbeats_and_given_back(house: House, queue):
    one, two = two_desks(house)
    one.decide(one.open()[0])
    one.call("skip", tokens=[s.token for s in one.open()])
    shown = next(s for s in two.open() if s.order == str(queue[0].id))
    soon = datetime.now(UTC) + timedelta(seconds=20)
    house.session.execute(update(SecondOpinion).values(held_until=soon))
    house.session.commit()
    assert two.call("heartbeat", tokens=[shown.token]).json["held"] == [shown.token]
    assert opinions(house)[0].held_until > soon
    assert one.call("heartbeat", tokens=[shown.token]).json["held"] == []  # not theirs
    two.call("skip", tokens=[shown.token])
    [given_back] = opinions(house)
    assert (given_back.token, given_back.held_until) == (None, None)


def test_what_was_taken_back_or_not_drawn_is_never_served(house: House, queue):
    rule = house.session.get(ReviewRule, house.batches[0].id)
    one, two = two_desks(house)
    one.decide(one.open()[0])
    house.session.execute(update(ReviewDecision).values(undone_at=datetime.now(UTC)))
    rule.second_opinion_percent = 0
    house.session.commit()
    one.decide(one.open()[0])
    assert len(opinions(house)) == 1
    assert two.open() == []


def test_a_verdict_waits_for_the_undo_window_and_can_be_taken_back(
    house: House, queue, monkeypatch
):
    from dataclasses import replace

    parts = house.app.extensions["backoffice"]
    monkeypatch.setattr(parts, "settings", replace(parts.settings, undo_seconds=60))
    one, two = two_desks(house)
    first, second = one.open()
    one.decide(first)
    one.call("skip", tokens=[second.token])
    assert [s.order for s in two.open()] == [second.order]
    two.call("skip", tokens=[s.token for s in two.open()])
    house.session.execute(update(SecondOpinion).values(due_at=datetime.now(UTC)))
    house.session.commit()
    shown = next(s for s in two.open() if s.order == first.order)
    offered = two.decide(shown, "reject", "L01").json["undo"]
    assert [u["order"] for u in offered] == [first.order]
    (again,) = two.call("undo", order=first.order).json["cases"]
    token = re.search(r'data-token="([^"]+)"', again).group(1)
    assert opinions(house)[0].verdict is None
    assert two.call("decide", **(shown.choice() | {"token": token})).status_code == 200
    assert opinions(house)[0].verdict == "approve"


def disputed(house: House, queue) -> SecondOpinion:
    one, two = two_desks(house)
    first, second = one.open()
    one.decide(first)
    one.decide(second)
    shown = two.open()[0]
    two.decide(shown, "reject", "L01", note="偏暗")
    return next(o for o in opinions(house) if o.verdict)


@pytest.mark.parametrize(
    ("outcome", "state"), [("upheld", "approved"), ("revoked", "pending_review")]
)
def test_a_senior_settles_a_disagreement(house: House, queue, senior, outcome, state):
    opinion = disputed(house, queue)
    client = house.client(senior)
    page = client.get("/admin/opinions/").text
    assert "偏暗" in page
    assert "光线过暗" in page
    address = f"/admin/opinions/{opinion.id}/settle"
    if outcome == "revoked":  # a note is needed
        assert post(client, address, outcome=outcome).status_code == 422
    assert post(client, address, outcome=outcome, note="复核").status_code == 303
    assert fresh(house, queue[0]).state == state
    settled = house.session.get(SecondOpinion, opinion.id)
    assert (settled.outcome, settled.settled_by) == (outcome, senior.id)
    again = post(client, address, outcome="upheld")
    assert again.status_code != 303
    assert "没有待处理" in again.text


def test_after_production_has_begun_only_the_figure_remains(house: House, queue, senior):
    opinion = disputed(house, queue)
    with house.app.app_context():
        advance(house.session, queue[0], "start_processing")
        house.session.commit()
    client = house.client(senior)
    assert "不能再撤销" in client.get("/admin/opinions/").text
    address = f"/admin/opinions/{opinion.id}/settle"
    assert post(client, address, outcome="revoked", note="x").status_code == 409
    assert opinions(house)[0].outcome is None
    assert post(client, address, outcome="upheld").status_code == 303


def test_disagreements_are_for_seniors_of_that_school(house: House, queue, senior):
    opinion = disputed(house, queue)
    address = f"/admin/opinions/{opinion.id}/settle"
    for client in (house.client("reviewer"), house.client("admin")):
        assert client.get("/admin/opinions/").status_code == 403
        assert post(client, address, outcome="upheld").status_code == 403
    bound = make_staff(
        house.session, "reviewer", house.schools[1], password=house.staff["reviewer"].password
    )
    house.session.add(SeniorReviewer(staff_id=bound.id))
    house.session.commit()
    client = house.client(bound)
    assert queue[0].number not in client.get("/admin/opinions/").text
    assert post(client, address, outcome="upheld").status_code == 422
    assert opinions(house)[0].outcome is None


# -- escalation ---------------------------------------------------------------------------


def test_an_escalated_photo_goes_to_the_seniors_and_nobody_else(house: House, queue, senior):
    one, two = two_desks(house)
    first, second = one.open()
    assert (
        one.call("escalate", order=first.order, token=first.token, note="像翻拍").status_code == 200
    )
    one.call("skip", tokens=[second.token])
    assert [s.order for s in two.open()] == [second.order]
    assert two.open("?desk=senior") != []  # not a senior: the common queue
    desk = Desk(house, senior)
    assert [s.order for s in desk.open()] == []  # the other one lies with the second reviewer
    (shown,) = desk.open("?desk=senior")
    assert shown.order == first.order
    assert "像翻拍" in desk.text
    assert desk.decide(shown, "reject", "Z01").status_code == 200
    house.session.rollback()
    assert house.session.scalars(select(ReviewEscalation.settled_at)).one() is not None


def test_an_escalation_is_taken_back_and_ends_with_its_photo(house: House, queue, senior):
    one = Desk(house)
    first, _ = one.open()
    one.call("escalate", order=first.order, token=first.token, note="")
    assert one.call("undo", order=first.order).status_code == 200
    assert one.call("heartbeat", tokens=[]).json["waiting"] == 2
    shown = one.open()[0]
    one.call("escalate", order=shown.order, token=shown.token, note="")
    twice = one.call("escalate", order=shown.order, token=shown.token)
    assert twice.status_code == 409
    with house.app.app_context():  # the student withdraws and sends another picture
        advance(house.session, fresh(house, queue[0]), "withdraw")
        advance(house.session, queue[0], "submit")
        house.session.commit()
    photo = fresh(house, queue[0]).photo_id
    if str(photo) != shown.photo:
        assert shown.order in [s.order for s in one.open()]


# -- rules, reasons, figures --------------------------------------------------------------


def test_an_administrator_sets_the_rules(house: House, queue):
    client, reviewer = house.client("admin"), house.staff["reviewer"]
    rules = "/admin/review_rules"
    assert reviewer.name in client.get(f"{rules}/").text
    post(client, f"{rules}/senior", staff=str(reviewer.id), senior="yes")
    assert house.client(reviewer).get("/admin/opinions/").status_code == 200
    post(client, f"{rules}/senior", staff=str(reviewer.id), senior="no")
    assert house.client(reviewer).get("/admin/opinions/").status_code == 403
    batch = str(house.batches[1].id)
    post(client, f"{rules}/batch", batch=batch, percent="20", keep="yes")
    house.session.rollback()
    rule = house.session.get(ReviewRule, house.batches[1].id)
    assert (rule.second_opinion_percent, rule.keep_reviewer) == (20, True)
    for wrong in ("101", "-1", "many", "²"):
        answer = post(client, f"{rules}/batch", batch=batch, percent=wrong)
        assert answer.status_code == 422, wrong
    post(client, f"{rules}/batch", batch=batch, percent="")
    house.session.refresh(rule)
    assert (rule.second_opinion_percent, rule.keep_reviewer) == (None, False)
    not_a_reviewer = str(house.staff["finance"].id)
    assert post(client, f"{rules}/senior", staff=not_a_reviewer, senior="yes").status_code == 404
    for role in ("reviewer", "school", "operator", "finance"):
        other = house.client(role)
        assert (
            post(other, f"{rules}/senior", staff=str(reviewer.id), senior="yes").status_code == 403
        )
        assert post(other, f"{rules}/batch", batch=batch, percent="1").status_code == 403


NEW = {"code": "P06", "message_zh": "托腮", "message_en": "Chin on hand", "advice_zh": "请放下手",
       "advice_en": "Hands down", "position": "6"}  # fmt: skip


def test_a_new_reason_for_one_standard_reaches_only_its_photos(house: House, queue):
    client, name = house.client("admin"), house.batches[0].standard.name
    answer = post(client, "/admin/reasons/new/", **NEW, standards=[name])
    assert answer.status_code == 302, answer.text
    desk = Desk(house)
    first, second = desk.open()
    assert 'data-code="P06"' in desk.text
    assert "请放下手" in desk.text  # what the student will read
    assert desk.decide(first, "reject", "P06").status_code == 200
    from backoffice.models import RejectionReason

    house.session.get(RejectionReason, "P06").standards = ["something-else"]
    house.session.commit()
    refused = desk.decide(second, "reject", "P06")
    assert (refused.status_code, refused.json["code"]) == (409, "unknown_rejection_reason")
    desk.open()
    assert 'data-code="P06"' not in desk.text


@pytest.mark.parametrize(
    "change", [{"code": "P01"}, {"code": "p6"}, {"code": ""}, {"advice_zh": ""}]
)
def test_a_reason_needs_a_code_of_its_own_and_all_texts(house: House, change):
    from backoffice.models import RejectionReason

    before = house.session.query(RejectionReason).count()
    answer = post(house.client("admin"), "/admin/reasons/new/", **(NEW | change))
    assert answer.status_code == 200
    house.session.rollback()
    assert house.session.query(RejectionReason).count() == before
    assert post(house.client("reviewer"), "/admin/reasons/new/", **NEW).status_code in (302, 403)
    assert house.session.query(RejectionReason).count() == before


def test_the_figures_say_who_is_quick_and_who_agrees(house: House, queue, senior):
    one, two = two_desks(house)
    first, second = one.open()
    one.decide(first, looked_ms=1000)
    one.decide(second, "reject", "L01", looked_ms=3000)
    for _ in range(2):
        for shown in two.open():
            two.decide(shown, "reject", "L01")
    mine = house.client("reviewer").get("/admin/review_figures/").text
    row = mine.split(f"<td>{house.staff['reviewer'].name}</td>")[1].split("</tr>")[0]
    cells = re.findall(r'<td class="num">([^<]*)</td>', row)
    assert cells[:4] == ["2", "50.0%", "2.0", "2.9"]
    assert cells[5:8] == ["2", "50.0%", "0.00"]
    assert "光线过暗" in mine
    assert mine.count("<svg") == 2
    theirs = house.client(house.guests["reviewer"]).get("/admin/review_figures/").text
    assert f"<td>{house.staff['reviewer'].name}</td>" not in theirs  # the total only
    for who in ("admin", senior):
        text = house.client(who).get("/admin/review_figures/?days=7").text
        assert f"<td>{house.staff['reviewer'].name}</td>" in text
    foreign = make_staff(
        house.session, "reviewer", house.schools[1], password=house.staff["reviewer"].password
    )
    house.session.commit()
    assert "没有审核决定" in house.client(foreign).get("/admin/review_figures/").text


def test_a_refill_brings_second_opinions_only_now_and_then(house: House, queue, monkeypatch):
    one, two = two_desks(house)
    one.decide(one.open()[0])
    with house.app.app_context():
        for _ in range(8):
            make_order(house.session, house.batches[0], "pending_review")
        house.session.commit()
    one.call("skip", tokens=[s.token for s in one.open()])
    monkeypatch.setattr(review_desk.random, "random", lambda: 0.99)
    assert str(queue[0].id) not in [s.order for s in two.open()]
    monkeypatch.setattr(review_desk.random, "random", lambda: 0.0)
    assert str(queue[0].id) in [s.order for s in two.open()]
    assert str(queue[0].id) not in [s.order for s in two.sheet()]


def test_looking_is_recorded(house: House, queue, senior):
    disputed(house, queue)
    house.client(senior).get("/admin/opinions/")
    house.session.rollback()
    seen = house.session.scalars(
        select(AccessRecord.subject_id).where(
            AccessRecord.action == "opinion:open", AccessRecord.staff_id == senior.id
        )
    ).all()
    assert seen == [str(queue[0].photo_id)]
