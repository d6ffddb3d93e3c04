"""The landing page of a batch."""

from __future__ import annotations

import pytest

from tests.factories import make_batch


def test_a_batch_is_shown_in_both_languages(api, batch):
    page = api.get(f"/s/{batch.feature_code.lower()}")
    text = page.get_data(as_text=True)
    assert page.status_code == 200
    for words in (batch.school.name, batch.name, batch.feature_code, "¥20.00", "三步完成"):
        assert words in text
    assert "如何获取图像采集码" in text
    assert "https://" not in text
    english = api.get(f"/s/{batch.feature_code}?lang=en").get_data(as_text=True)
    assert "Three steps" in english
    assert api.get("/s/static/page.css").mimetype == "text/css"


@pytest.mark.parametrize("code", ["NOSUCH", "a" * 300, "%00", "<script>"])
def test_an_unknown_code_is_told_kindly(api, code):
    page = api.get(f"/s/{code}")
    assert page.status_code == 404
    assert "没有找到这个批次" in page.get_data(as_text=True)
    assert "<script>" not in page.get_data(as_text=True)


def test_names_of_batches_are_text_not_markup(api, committed):
    with committed() as session:
        batch = make_batch(session, name="<b>2027届</b>", requires_capture_code=False)
        session.commit()
    text = api.get(f"/s/{batch.feature_code}").get_data(as_text=True)
    assert "&lt;b&gt;2027届" in text
    assert "如何获取图像采集码" not in text
