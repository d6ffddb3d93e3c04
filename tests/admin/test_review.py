"""The desk, without a browser: one photo, one decision, the next photo."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime

import pytest
from PIL import Image
from sqlalchemy import select, update

from backoffice.admin.review_queue import worst_first
from backoffice.models import AccessRecord, Order, Photo, ReviewDecision, ReviewLease
from tests.admin.house import House, post, store_pictures
from tests.factories import advance, make_order, make_photo


@pytest.fixture
def queue(house: House) -> list[Order]:
    """Three photos that wait, the first one longest."""
    with house.app.app_context():
        orders = [make_order(house.session, house.batches[0], "pending_review") for _ in range(3)]
        house.session.commit()
        for order in orders:
            store_pictures(house.app, house.session, order)
    return orders


def decide(client, order: Order, decision: str, **data):
    values = {
        "decision": decision,
        "order_id": str(order.id),
        "photo_id": str(order.photo_id),
        "version": order.version,
        "key": f"k-{order.id}",
    }
    return post(client, "/admin/review/decide", **(values | data))


def shown(page: str) -> str | None:
    found = re.search(r'name="order_id" value="([^"]+)"', page)
    return found.group(1) if found else None


def decisions(house: House) -> list[tuple[str, str]]:
    return [
        (str(d.order_id), d.decision)
        for d in house.session.scalars(select(ReviewDecision).order_by(ReviewDecision.created_at))
    ]


def test_the_oldest_photo_comes_first_and_the_next_one_after_it(house: House, queue):
    client = house.client("reviewer")
    assert shown(client.get("/admin/review/").text) == str(queue[0].id)
    answer = decide(client, queue[0], "approve")
    assert answer.status_code == 303
    assert shown(client.get(answer.location).text) == str(queue[1].id)
    house.session.expire_all()
    assert queue[0].state == "approved"
    assert queue[1].state == "pending_review"


def test_a_rejection_keeps_reasons_and_note(house: House, queue):
    decide(house.client("reviewer"), queue[0], "reject", reasons=["L01", "P03"], note="请重拍")
    house.session.expire_all()
    assert queue[0].state == "rejected"
    decision = house.session.scalars(select(ReviewDecision)).one()
    assert [r.code for r in decision.reasons] == ["P03", "L01"]
    assert decision.note == "请重拍"
    assert decision.staff_id == house.staff["reviewer"].id


def test_a_rejection_without_reason_is_refused(house: House, queue):
    answer = decide(house.client("reviewer"), queue[0], "reject")
    assert answer.status_code == 422
    assert "驳回原因" in answer.text
    assert decisions(house) == []


def test_an_unknown_reason_is_refused(house: House, queue):
    answer = decide(house.client("reviewer"), queue[0], "reject", reasons=["X99"])
    assert answer.status_code == 409
    assert decisions(house) == []


def test_a_double_click_decides_once_and_never_the_next_photo(house: House, queue):
    client = house.client("reviewer")
    first = decide(client, queue[0], "approve")
    second = decide(client, queue[0], "approve", version=queue[0].version)
    assert (first.status_code, second.status_code) == (303, 303)
    assert decisions(house) == [(str(queue[0].id), "approve")]
    house.session.expire_all()
    assert queue[1].state == "pending_review"


def test_a_stale_page_decides_nothing_and_shows_the_next_photo(house: House, queue):
    version = queue[0].version
    decide(house.client("reviewer"), queue[0], "approve")
    late = decide(house.client(house.guests["reviewer"]), queue[0], "reject",
                  reasons=["L01"], version=version, key="other")  # fmt: skip
    assert late.status_code == 409
    assert "未作任何更改" in late.text
    assert shown(late.text) == str(queue[1].id)
    assert decisions(house) == [(str(queue[0].id), "approve")]


def test_another_picture_than_the_one_looked_at_is_never_decided(house: House, queue):
    """The student withdraws, uploads again and submits while the old picture is on the screen."""
    order, old = queue[0], str(queue[0].photo_id)
    with house.app.app_context():
        advance(house.session, order, "withdraw")
        make_photo(house.session, order)
        advance(house.session, order, "submit")
        house.session.commit()
    answer = decide(house.client("reviewer"), order, "approve", photo_id=old)
    assert answer.status_code == 409
    house.session.expire_all()
    assert order.state == "pending_review"
    assert decisions(house) == []


def test_only_approve_and_reject_pass_the_desk(house: House, queue):
    assert decide(house.client("reviewer"), queue[0], "revoke").status_code == 400


def test_skipping_goes_on_and_comes_round(house: House, queue):
    client = house.client("reviewer")
    second = client.get(f"/admin/review/?after={queue[0].id}").text
    assert shown(second) == str(queue[1].id)
    end = client.get(f"/admin/review/?after={queue[2].id}").text
    assert shown(end) is None
    assert "已到队尾" in end


def test_the_batch_filter_holds_over_decisions(house: House, queue):
    with house.app.app_context():
        other = make_order(house.session, house.batches[1], "pending_review")
        house.session.commit()
    client = house.client("reviewer")
    page = client.get(f"/admin/review/?batch={house.batches[1].id}").text
    assert shown(page) == str(other.id)
    answer = decide(client, other, "approve", batch=str(house.batches[1].id))
    assert "没有待审核的照片" in client.get(answer.location).text


def test_an_empty_desk_says_so(house: House):
    assert "没有待审核的照片" in house.client("reviewer").get("/admin/review/").text


def test_names_are_masked_on_the_desk(house: House, queue):
    page = house.client("reviewer").get("/admin/review/").text
    assert "吴*兰" in page
    assert "吴小兰" not in page
    assert house.session.get(Order, queue[0].id).student.id_number not in page


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
    page = house.client("reviewer").get("/admin/review/").text
    places = [page.index(word) for word in ("请睁眼", "请闭唇", "清晰度")]
    assert places == sorted(places)
    assert len(re.findall(r"reason-chip suggested", page)) == 2


def test_worst_first_is_stable_and_total():
    rows = [
        {"passed": p, "severity": s} for p in (True, False) for s in ("note", "warn", "refuse", "?")
    ]
    ordered = worst_first(rows)
    assert [r["severity"] for r in ordered[:4]] == ["refuse", "warn", "note", "?"]
    assert all(r["passed"] for r in ordered[4:])


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


def page_of(client, path="/admin/review/") -> str:
    return client.get(path).get_data(as_text=True)


def test_two_reviewers_never_see_the_same_photo(house: House, queue):
    one, two = house.client(house.staff["reviewer"]), house.client(house.guests["reviewer"])
    assert shown(page_of(one)) == str(queue[0].id)
    assert shown(page_of(two)) == str(queue[1].id)
    assert shown(page_of(one)) == str(queue[0].id)  # a reload keeps it
    answer = decide(two, queue[0], "approve")
    assert answer.status_code == 409
    assert decisions(house) == []
    assert shown(page_of(one, f"/admin/review/?after={queue[0].id}")) == str(queue[2].id)
    assert decide(two, queue[0], "approve").status_code == 303  # skipped: free again


def test_a_photo_goes_back_when_the_desk_is_silent(house: House, queue):
    one, two = house.client(house.staff["reviewer"]), house.client(house.guests["reviewer"])
    page_of(one)
    beat = post(one, "/admin/review/heartbeat", order_id=str(queue[0].id))
    assert beat.status_code == 204
    house.session.execute(update(ReviewLease).values(expires_at=datetime.now(UTC)))
    house.session.commit()
    late = decide(one, queue[0], "approve")
    assert late.status_code == 409
    assert "交还队列" in late.get_data(as_text=True)
    assert decisions(house) == []
    # the page that answered holds it again: nothing was lost
    house.session.execute(update(ReviewLease).values(expires_at=datetime.now(UTC)))
    house.session.commit()
    assert shown(page_of(two)) == str(queue[0].id)
    lost = post(one, "/admin/review/heartbeat", order_id=str(queue[0].id))
    assert lost.status_code == 409
