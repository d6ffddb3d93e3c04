"""The desk through its calls: deciding, holding, giving back; who may, and what it costs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, select, update

from backoffice.models import ReviewDecision, ReviewLease
from tests.admin.desk import Desk, decisions, orders_of, run_out, shown_in, state
from tests.admin.house import House, post
from tests.factories import advance, make_order


def test_the_oldest_photos_lie_on_the_desk_in_order(house: House, queue):
    desk = Desk(house)
    first, *rest = desk.open()
    assert [first.order, *orders_of(rest)] == [str(o.id) for o in queue]
    assert desk.decide(first).status_code == 200
    assert state(house, queue[0]) == "approved"
    assert state(house, queue[1]) == "pending_review"


def test_a_rejection_keeps_reasons_note_and_time(house: House, queue):
    desk = Desk(house)
    shown = desk.open()[0]
    desk.decide(shown, "reject", "L01", "P03", note="请重拍", looked_ms=1800)
    assert state(house, queue[0]) == "rejected"
    decision = house.session.scalars(select(ReviewDecision)).one()
    assert [r.code for r in decision.reasons] == ["P03", "L01"]
    assert decision.note == "请重拍"
    assert decision.staff_id == house.staff["reviewer"].id
    lease = house.session.scalars(
        select(ReviewLease).where(ReviewLease.order_id == queue[0].id)
    ).one()
    assert (lease.outcome, lease.looked_ms) == ("decided", 1800)
    assert lease.event_sequence == decision.event_sequence


@pytest.mark.parametrize(
    ("decision", "reasons", "status", "code"),
    [
        ("reject", [], 422, "transition_data_missing"),
        ("reject", ["X99"], 409, "unknown_rejection_reason"),
        ("revoke", ["L01"], 422, "invalid_input"),
        ("", [], 422, "invalid_input"),
    ],
)
def test_what_cannot_be_decided_changes_nothing(
    house: House, queue, decision, reasons, status, code
):
    desk = Desk(house)
    answer = desk.decide(desk.open()[0], decision, *reasons)
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert answer.json["detail"]
    assert decisions(house) == []


@pytest.mark.parametrize(
    "broken",
    [{"token": "x"}, {"photo": None}, {"version": "1"}, {"version": True}, {"order": 7}],
)
def test_a_malformed_call_is_told_so(house: House, queue, broken):
    desk = Desk(house)
    answer = desk.call("decide", **(desk.open()[0].choice() | broken))
    assert answer.status_code == 422
    assert decisions(house) == []


def test_the_same_decision_sent_twice_is_made_once(house: House, queue):
    desk = Desk(house)
    shown = desk.open()[0]
    assert [desk.decide(shown).status_code for _ in range(2)] == [200, 200]
    assert decisions(house) == [(str(queue[0].id), "approve")]
    assert desk.decide(shown, "reject", "L01").status_code == 422  # the key was for the other one
    assert decisions(house) == [(str(queue[0].id), "approve")]


def test_a_hold_decides_its_own_photo_only(house: House, queue):
    desk = Desk(house)
    first, second, _ = desk.open()
    crossed = {"token": first.token}
    assert desk.call("decide", **(second.choice() | crossed)).status_code == 409
    first, second, _ = desk.open()
    crossed = {"photo": first.photo}
    assert desk.call("decide", **(second.choice() | crossed)).json["code"] == "photo_replaced"
    assert decisions(house) == []


def test_another_picture_than_the_one_looked_at_is_never_decided(house: House, queue):
    """The student withdraws, uploads again and submits while the old picture is on the screen."""
    desk = Desk(house)
    shown = desk.open()[0]
    with house.app.app_context():
        advance(house.session, queue[0], "withdraw")
        advance(house.session, queue[0], "submit")
        house.session.commit()
    answer = desk.decide(shown)
    assert (answer.status_code, answer.json["code"]) == (409, "photo_replaced")
    assert state(house, queue[0]) == "pending_review"
    assert decisions(house) == []


def test_what_another_door_decided_is_told_kindly(house: House, queue):
    desk = Desk(house)
    shown = desk.open()[0]
    other = house.client(house.guests["reviewer"])
    post(other, f"/admin/orders/{queue[0].id}/fire", transition="reject", reasons=["L01"],
         version=queue[0].version, key="other")  # fmt: skip
    answer = desk.decide(shown)
    assert answer.status_code == 409
    assert decisions(house) == [(str(queue[0].id), "reject")]


def test_two_reviewers_never_see_the_same_photo(house: House, queue):
    one, two = Desk(house), Desk(house, house.guests["reviewer"])
    mine = one.call("claim", want=1).json["cases"]
    first = shown_in(mine[0])[0]
    theirs = two.open()
    assert first.order == str(queue[0].id)
    assert orders_of(theirs) == [str(o.id) for o in queue[1:]]
    assert one.open() != []  # sitting down again gives back and takes the same
    stolen = theirs[0].choice() | {"order": first.order, "photo": first.photo}
    assert two.call("decide", **stolen).status_code == 409
    assert decisions(house) == []


def test_skipped_photos_go_back_and_come_round(house: House, queue):
    one, two = Desk(house), Desk(house, house.guests["reviewer"])
    shown = one.open()
    one.call("skip", tokens=[shown[0].token])
    assert one.claim(skipped=[shown[0].order]) == []
    assert orders_of(two.open()) == [shown[0].order]
    two.call("skip", tokens=[s.token for s in two.open()])
    assert orders_of(one.claim()) == [shown[0].order]


def test_leaving_the_page_gives_everything_back(house: House, queue):
    one, two = Desk(house), Desk(house, house.guests["reviewer"])
    shown = one.open()
    assert two.open() == []
    answer = one.client.post(
        "/admin/review/leave",
        data={"csrf_token": one.csrf, "tokens": ",".join(s.token for s in shown)},
    )
    assert answer.status_code == 204
    assert len(two.open()) == 3


def test_an_expired_hold_is_renewed_and_nothing_is_lost(house: House, queue):
    desk = Desk(house)
    shown = desk.open()[0]
    run_out(house)
    late = desk.decide(shown, "reject", "L01")
    assert (late.status_code, late.json["code"]) == (409, "lease_lost")
    assert decisions(house) == []
    again = shown.choice("reject", "L01") | {"token": late.json["token"]}
    assert desk.call("decide", **again).status_code == 200
    assert decisions(house) == [(str(queue[0].id), "reject")]


def test_an_expired_hold_that_somebody_else_took_stays_theirs(house: House, queue):
    one, two = Desk(house), Desk(house, house.guests["reviewer"])
    mine = one.open()[0]
    run_out(house)
    theirs = two.open()[0]
    assert theirs.order == mine.order
    late = one.decide(mine)
    assert (late.status_code, late.json["token"]) == (409, None)
    assert decisions(house) == []
    assert two.decide(theirs).status_code == 200


def test_a_sign_of_life_keeps_the_photos_and_counts_the_queue(house: House, queue):
    desk = Desk(house)
    tokens = [s.token for s in desk.open()]
    soon = datetime.now(UTC) + timedelta(seconds=5)
    house.session.execute(update(ReviewLease).values(expires_at=soon))
    house.session.commit()
    told = desk.call("heartbeat", tokens=tokens).json
    assert (sorted(told["held"]), told["waiting"]) == (sorted(tokens), 3)
    house.session.rollback()
    ends = house.session.scalars(select(ReviewLease.expires_at)).all()
    assert min(ends) > soon
    run_out(house)
    assert desk.call("heartbeat", tokens=tokens).json["held"] == []


CALLS = ("claim", "decide", "sheet/decide", "undo", "skip", "escalate", "heartbeat", "leave")


@pytest.mark.parametrize("role", ["admin", "school", "operator", "finance"])
def test_only_reviewers_come_to_the_desk(house: House, queue, role):
    desk = Desk(house, role)
    for name in CALLS:
        assert desk.call(name).status_code == 403, name
    for path in ("", "sheet", f"similar/{queue[0].photo_id}"):
        assert desk.client.get(f"/admin/review/{path}").status_code == 403


def test_calls_need_the_sessions_token(house: House, queue):
    desk = Desk(house)
    shown = desk.open()[0]
    desk.csrf = "wrong"
    assert desk.decide(shown).status_code == 400
    assert decisions(house) == []


def test_another_schools_photos_are_not_there(house: House):
    with house.app.app_context():
        order = make_order(house.session, house.batches[1], "pending_review")
        house.session.commit()
    foreign = Desk(house).open()[0]
    assert foreign.order == str(order.id)
    bound = Desk(house, house.guests["reviewer"])
    assert bound.open() == []
    assert bound.sheet() == []
    assert bound.decide(foreign).status_code == 404
    assert bound.call("undo", order=foreign.order).status_code == 404
    assert bound.call("escalate", order=foreign.order, token=foreign.token).status_code == 404
    assert bound.client.get(f"/admin/review/similar/{foreign.photo}").status_code == 404
    assert decisions(house) == []


def test_a_page_or_a_decision_takes_a_handful_of_queries(house: House, queue, monkeypatch):
    from backoffice.admin import review_desk
    from backoffice.db import db

    monkeypatch.setattr(review_desk, "OPINION_CHANCE", 1)  # the costly refill, every time

    desk, seen = Desk(house), []
    desk.open()
    with house.app.app_context():
        engine = db.engine

    def count(*args) -> None:
        seen.append(args[2])

    event.listen(engine, "before_cursor_execute", count)

    def queries(act) -> int:
        seen.clear()
        act()
        return len(seen)

    shown = desk.open()
    desk.call("skip", tokens=[shown[2].token])
    asked = {
        "claim": queries(lambda: desk.claim(1)),
        "page": queries(desk.open),
        "heartbeat": queries(lambda: desk.call("heartbeat", tokens=[s.token for s in shown])),
        "filter": queries(lambda: desk.client.get("/admin/review/filter")),
    }
    first, second, _ = desk.open()
    asked["approve"] = queries(lambda: desk.decide(first))
    asked["reject"] = queries(lambda: desk.decide(second, "reject", "L01", "P01"))
    event.remove(engine, "before_cursor_execute", count)
    most = {"page": 8, "claim": 7, "heartbeat": 4, "filter": 3, "approve": 10, "reject": 13}
    assert all(asked[name] <= most[name] for name in most), asked
