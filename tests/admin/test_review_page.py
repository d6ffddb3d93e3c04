"""What the desk shows: checks, lines, attempts, reasons, pictures; and the contact sheet."""

from __future__ import annotations

import io
import re

from PIL import Image
from sqlalchemy import select

from backoffice.models import AccessRecord, Order, Photo
from tests.admin.desk import Desk, decisions
from tests.admin.house import House
from tests.factories import advance, make_order


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
