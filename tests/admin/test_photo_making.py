"""The record of edits on an order's page: every edit has words, and the page shows it."""

from __future__ import annotations

import pytest

from backoffice.admin.photo_making import EDITS, making_of
from backoffice.models import Photo
from tests.admin.house import House

MAKING = {
    "pipeline": "4",
    "standard": {"name": "chsi-degree-blue", "version": 2},
    "models": {"u2netp": "309c8469258d"},
    "source": {"width": 3000, "height": 4000, "format": "jpeg"},
    "turned_degrees": 0,
    "crop": {"left": 410.4, "top": -20.0, "width": 1500.0, "height": 2000.0},
    "scale": 0.32,
    "background": "replaced",
}


@pytest.mark.parametrize("making", [{}, {"pipeline": "4", "standard": None}])
def test_a_picture_that_was_not_finished_has_no_record(making):
    assert making_of(None) == []
    assert making_of(Photo(making=making, edits=[])) == []


def test_each_edit_is_named_in_both_languages():
    lines = dict(making_of(Photo(making=MAKING, edits=list(EDITS))))
    named = next(value for label, value in lines.items() if label.en == "Edits")
    assert all(words.zh in named.zh and words.en in named.en for words in EDITS.values())
    assert len({words.zh for words in EDITS.values()}) == len(EDITS)


def test_a_picture_handed_on_untouched_says_so():
    lines = {label.en: value.en for label, value in making_of(Photo(making=MAKING, edits=[]))}
    assert lines["Edits"] == "none"
    assert lines["Source"] == "3000×4000 JPEG"
    assert lines["Cut out"] == "1500×2000 px from (410, -20) × 0.320"


def test_the_order_page_shows_it(busy_house: House):
    order = busy_house.orders["pending_review"]
    photo = busy_house.session.get(Photo, order.photo_id)
    photo.making, photo.edits = MAKING, ["exif_orientation", "crop", "background"]
    busy_house.session.commit()
    page = busy_house.client("reviewer").get(f"/admin/orders/{order.id}/").text
    assert "制作记录" in page
    assert "按拍摄方向摆正、裁剪、更换背景" in page
    assert "chsi-degree-blue v2" in page
    assert "制作记录" not in busy_house.client("finance").get(f"/admin/orders/{order.id}/").text
