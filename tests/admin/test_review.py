"""The desk, without a browser: holds, decisions, refusals, what the page shows."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime, timedelta

import pytest
from PIL import Image
from sqlalchemy import event, select, update

from backoffice.models import AccessRecord, Order, Photo, ReviewDecision, ReviewLease
from backoffice.review.queue import KEPT_FOR
from tests.admin.desk import Desk, Shown, shown_in
from tests.admin.house import House, post, store_pictures
from tests.factories import advance, make_enrolment, make_order, make_student


@pytest.fixture
def queue(house: House) -> list[Order]:
    """Three photos that wait, the first one longest."""
    with house.app.app_context():
        orders = [make_order(house.session, house.batches[0], "pending_review") for _ in range(3)]
        house.session.commit()
        for order in orders:
            store_pictures(house.app, house.session, order)
    return orders


def decisions(house: House) -> list[tuple[str, str]]:
    house.session.rollback()
    return [
        (str(d.order_id), d.decision)
        for d in house.session.scalars(select(ReviewDecision).order_by(ReviewDecision.created_at))
    ]


def state(house: House, order: Order) -> str:
    house.session.rollback()
    house.session.expire_all()
    return order.state


def orders_of(shown: list[Shown]) -> list[str]:
    return [s.order for s in shown]


def run_out(house: House) -> None:
    """Nobody has given a sign of life for longer than a lease lasts."""
    house.session.execute(update(ReviewLease).values(expires_at=datetime.now(UTC)))
    house.session.commit()


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


# -- filters ------------------------------------------------------------------------------


def test_filters_narrow_the_queue(house: House, queue):
    with house.app.app_context():
        session, batch = house.session, house.batches[0]
        other = make_order(session, house.batches[1], "pending_review")
        student = make_student(session)
        enrolment = make_enrolment(session, batch, student, class_name="数学2301")
        classmate = make_order(session, batch, "pending_review", enrolment=enrolment)
        flagged = session.get(Photo, queue[1].photo_id)
        flagged.checks = [{"code": "glasses", "passed": False, "severity": "warn", "value": 1}]
        session.commit()
        advance(session, queue[2], "reject")
        advance(session, queue[2], "submit")
        session.commit()
    desk = Desk(house)
    first, second, third = (str(o.id) for o in queue)
    same = str(classmate.id)
    batch, elsewhere = house.batches[0].id, house.batches[1]
    for query, expected in (
        ("", {first, second, third, same, str(other.id)}),
        (f"?batch={elsewhere.id}", {str(other.id)}),
        (f"?school={elsewhere.school_id}", {str(other.id)}),
        (f"?batch={batch}&class=数学2301", {same}),
        ("?class=数学2301", {first, second, third, same, str(other.id)}),  # within a batch only
        ("?attempt=again", {third}),
        (f"?attempt=first&batch={batch}", {first, second, same}),
        ("?checks=flagged", {second}),
        (f"?checks=clean&batch={batch}", {first, third, same}),
        ("?age=24", set()),
        ("?batch=nonsense", {first, second, third, same, str(other.id)}),
    ):
        assert set(orders_of(desk.open(query))) == expected, query
    assert orders_of(desk.open("?order=newest"))[0] == third
    house.session.execute(
        update(Order).where(Order.id == queue[0].id)
        .values(entered_at=datetime.now(UTC) - timedelta(hours=25))
    )  # fmt: skip
    house.session.commit()
    assert orders_of(desk.open("?age=24")) == [first]
    assert "没有符合筛选" in Desk(house).client.get("/admin/review/?age=72").text


def test_rejected_by_me_before_is_a_filter(house: House, queue):
    desk, other = Desk(house), Desk(house, house.guests["reviewer"])
    desk.decide(desk.open()[0], "reject", "L01")
    with house.app.app_context():
        advance(house.session, queue[0], "submit")
        house.session.commit()
    assert orders_of(desk.open("?attempt=mine")) == [str(queue[0].id)]
    assert other.open("?attempt=mine") == []


def test_a_resubmission_waits_for_its_first_reviewer_where_the_batch_says_so(house: House, queue):
    from backoffice.models import ReviewRule

    mine, others = Desk(house), Desk(house, house.guests["reviewer"])
    mine.decide(mine.open()[0], "reject", "L01")
    with house.app.app_context():
        advance(house.session, queue[0], "submit")
        house.session.add(ReviewRule(batch_id=queue[0].batch_id, keep_reviewer=True))
        house.session.commit()
    again = str(queue[0].id)
    mine.call("skip", tokens=[s.token for s in mine.open()])
    assert again not in orders_of(others.open())
    others.call("skip", tokens=[s.token for s in others.open()])
    assert again in orders_of(mine.open())
    mine.call("skip", tokens=[s.token for s in mine.open()])
    # not for ever, and not for somebody who has left
    first = house.staff["reviewer"]
    first.active = False
    house.session.commit()
    assert again in orders_of(others.open())
    others.call("skip", tokens=[s.token for s in others.open()])
    first.active = True
    house.session.execute(
        update(Order).where(Order.id == queue[0].id)
        .values(entered_at=datetime.now(UTC) - KEPT_FOR)
    )  # fmt: skip
    house.session.commit()
    assert again in orders_of(others.open())


# -- what the page shows ------------------------------------------------------------------


def test_an_empty_desk_says_so(house: House):
    desk = Desk(house)
    assert desk.open() == []
    assert "没有待审核的照片" in desk.text


def test_names_are_masked_on_the_desk(house: House, queue):
    desk = Desk(house)
    desk.open()
    assert "吴*兰" in desk.text
    assert "吴小兰" not in desk.text
    assert house.session.get(Order, queue[0].id).student.id_number not in desk.text


def test_failed_checks_come_first_and_suggest_their_reason(house: House, queue):
    photo = house.session.get(Photo, queue[0].photo_id)
    photo.checks = [
        {"code": "sharpness", "passed": True, "value": 0.5, "limits": [0.3, None],
         "severity": "warn", "advice": {"zh": "", "en": ""}},
        {"code": "mouth_closed", "passed": False, "value": 0.2, "limits": [None, 0.1],
         "severity": "warn", "advice": {"zh": "请闭唇", "en": "Close"}, "rejection_code": "P04"},
        {"code": "eyes_open", "passed": False, "value": 0.2, "limits": [0.4, None],
         "severity": "refuse", "advice": {"zh": "请睁眼", "en": "Open"}, "rejection_code": "P03"},
    ]  # fmt: skip
    house.session.commit()
    desk = Desk(house)
    shown = desk.open()[0]
    places = [desk.text.index(word) for word in ("请睁眼", "请闭唇", "清晰度")]
    assert places == sorted(places)
    assert shown.suggested == "P03 P04"


def test_the_standards_lines_are_drawn_where_they_were_measured(house: House, queue):
    photo = house.session.get(Photo, queue[0].photo_id)
    photo.geometry = {"hair_top": 40.0, "eye_line": 300.0, "face_width": 200.0, "centre_offset": 4}
    photo.making = {
        "source": {"width": 1200, "height": 1600},
        "crop": {"left": 300, "top": 160, "width": 600, "height": 800},
    }
    house.session.commit()
    desk = Desk(house)
    desk.open()
    drawing = desk.text.split('class="rd-lines"')[1].split("</svg>")[0]
    low, high = house.batches[0].standard.data["eye_line"]
    assert f'y="{float(low)}"' in drawing
    assert 'y1="300.0"' in drawing
    assert ("rd-line good" if low <= 300 <= high else "rd-line bad") in drawing
    assert 'x1="144.0"' in drawing  # 480 / 2 + 4 - 200 / 2
    over = desk.text.split('class="rd-over"')[1].split("</svg>")[0]
    assert 'x="-240.0" y="-128.0" width="960.0" height="1280.0"' in over


def test_earlier_attempts_are_shown_with_reasons_and_note(house: House, queue):
    desk = Desk(house)
    desk.decide(desk.open()[0], "reject", "L01", note="请到窗边")
    with house.app.app_context():
        advance(house.session, queue[0], "submit")
        house.session.commit()
    desk.open("?attempt=again")
    assert "第 2 次提交" in desk.text
    attempts = desk.text.split('class="attempts"')[1].split("</ul>")[0]
    for word in ("驳回", "L01", "光线过暗", "请到窗边"):
        assert word in attempts


def test_similar_pictures_elsewhere_are_shown_within_the_school(house: House, queue):
    with house.app.app_context():
        twin, foreign = (
            make_order(house.session, batch, "pending_review") for batch in house.batches
        )
        sha = house.session.get(Photo, queue[0].photo_id).original_sha256
        for order in (twin, foreign):
            house.session.get(Photo, order.photo_id).original_sha256 = sha
        house.session.commit()
    address = f"/admin/review/similar/{queue[0].photo_id}"
    text = house.client("reviewer").get(address).text
    assert twin.number in text
    assert foreign.number in text
    bound = house.client(house.guests["reviewer"]).get(address).text
    assert twin.number in bound
    assert foreign.number not in bound


def test_the_most_used_reasons_of_the_batch_come_first(house: House, queue):
    def keys(desk: Desk, order: Order) -> list[str]:
        panel = next(s.panel for s in desk.open() if s.order == str(order.id))
        html = desk.text.split(f'data-key="{panel}"')[1].split("</div>")[0]
        return re.findall(r'data-code="(\w+)"', html)

    with house.app.app_context():
        other = make_order(house.session, house.batches[1], "pending_review")
        house.session.commit()
    desk = Desk(house)
    before = keys(desk, queue[0])
    first, second, *_ = desk.open()
    desk.decide(first, "reject", "Z02", "Q01")
    desk.decide(second, "reject", "Z02")
    assert keys(desk, queue[2])[:2] == ["Z02", "Q01"]
    assert keys(desk, other) == before


# -- pictures -----------------------------------------------------------------------------


def test_pictures_are_opened_private_and_the_first_view_recorded(house: House, queue):
    client = house.client("reviewer")
    photo_id = queue[0].photo_id
    for _ in range(2):
        result = client.get(f"/admin/pictures/{photo_id}/result")
        original = client.get(f"/admin/pictures/{photo_id}/original")
    assert result.headers["Cache-Control"].startswith("private")
    assert result.headers["Content-Type"] == "image/jpeg"
    assert Image.open(io.BytesIO(result.data)).size == (480, 640)
    assert Image.open(io.BytesIO(original.data)).getexif() == {}
    views = [
        a
        for a in house.session.scalars(
            select(AccessRecord.action).where(AccessRecord.subject_id == str(photo_id))
        )
        if a.startswith("photo:view")
    ]
    assert sorted(views) == ["photo:view_original", "photo:view_result"]


def test_what_lies_on_a_desk_is_recorded_as_opened(house: House, queue):
    Desk(house).open()
    opened = house.session.scalars(
        select(AccessRecord.subject_id).where(AccessRecord.action == "review:open")
    ).all()
    assert sorted(opened) == sorted(str(o.photo_id) for o in queue)


def test_an_unchanged_picture_is_not_sent_again(house: House, queue):
    client = house.client("reviewer")
    path = f"/admin/pictures/{queue[0].photo_id}/result"
    tag = client.get(path).headers["ETag"]
    assert client.get(path, headers={"If-None-Match": tag}).status_code == 304


def test_a_missing_file_is_a_kind_404(house: House, queue):
    photo = house.session.get(Photo, queue[0].photo_id)
    house.app.extensions["backoffice"].storage.delete(photo.result_key)
    answer = house.client("reviewer").get(f"/admin/pictures/{photo.id}/result")
    assert answer.status_code == 404
    assert "stored_object_missing" in answer.text


# -- the contact sheet --------------------------------------------------------------------


def test_a_sheet_is_decided_at_once_with_a_result_per_photo(house: House, queue):
    desk = Desk(house)
    first, second, third = desk.sheet()
    with house.app.app_context():
        advance(house.session, queue[2], "withdraw")
        house.session.commit()
    choices = [first.choice(), second.choice("reject", "L01"), third.choice()]
    results = desk.call("sheet/decide", choices=[*choices, "nonsense"]).json["results"]
    assert [r.get("decision") for r in results] == ["approve", "reject", None, None]
    assert results[2]["code"] in ("photo_replaced", "version_conflict")
    assert results[2]["detail"]
    assert results[2]["order"] == third.order
    assert decisions(house) == [(first.order, "approve"), (second.order, "reject")]


def test_a_sheet_holds_its_photos(house: House, queue):
    one, two = Desk(house), Desk(house, house.guests["reviewer"])
    assert len(one.sheet()) == 3
    assert two.sheet() == []
    assert two.open() == []


# -- who may, and what it costs -----------------------------------------------------------


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


def test_a_page_or_a_decision_takes_a_handful_of_queries(house: House, queue):
    from backoffice.db import db

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
    }
    first, second, _ = desk.open()
    asked["approve"] = queries(lambda: desk.decide(first))
    asked["reject"] = queries(lambda: desk.decide(second, "reject", "L01", "P01"))
    event.remove(engine, "before_cursor_execute", count)
    most = {"page": 16, "claim": 10, "heartbeat": 6, "approve": 12, "reject": 15}
    assert all(asked[name] <= most[name] for name in most), asked
