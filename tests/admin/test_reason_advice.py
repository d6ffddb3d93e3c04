"""What the catalogue says is what the student reads (through the student API)."""

from __future__ import annotations

from backoffice.models import RejectionReason
from student_api.order_answers import reason_answer
from tests.admin.house import House, post

TEXTS = {
    "message_zh": "光线不好", "message_en": "Poor light", "position": "12",
    "advice_zh": "请面向窗户拍摄。", "advice_en": "Face a window.",
}  # fmt: skip


def test_edited_advice_reaches_the_student_in_both_languages(house: House):
    post(house.client("admin"), "/admin/reasons/edit/?id=L01", **TEXTS)
    house.session.rollback()
    reason = house.session.get(RejectionReason, "L01")
    assert reason_answer(reason, "zh") == {
        "code": "L01", "message": "光线不好", "advice": "请面向窗户拍摄。"
    }  # fmt: skip
    assert reason_answer(reason, "en")["advice"] == "Face a window."
