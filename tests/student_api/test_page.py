"""The landing page of a batch."""

from __future__ import annotations

import html
import json
import re

import pytest

from backoffice.batches.personal_tokens import issue_personal_token
from student_api.web import assets
from tests.factories import make_batch, make_enrolment


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


def test_files_are_kept_for_good_under_the_address_of_their_content(api, batch):
    page = api.get(f"/s/{batch.feature_code}").get_data(as_text=True)
    found = re.findall(r'(?:href|src)="(/s/assets/[^"]+)"', page)
    assert len(found) > len(assets.module_names())
    for address in found:
        answer = api.get(address)
        assert answer.status_code == 200, address
        assert "immutable" in answer.headers["Cache-Control"]
    old = api.get("/s/assets/000000000000/app/main.js")
    assert old.status_code == 200
    assert "immutable" not in old.headers["Cache-Control"]
    assert api.get(f"/s/assets/{assets.digest()}/../web/__init__.py").status_code == 404


def test_nothing_inline_and_nothing_from_outside(api, batch):
    answer = api.get(f"/s/{batch.feature_code}")
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    text = answer.get_data(as_text=True)
    assert not re.search(r"<script(?![^>]*src=)|<style|style=| on\w+=", text)


def test_the_chosen_language_is_kept(api, batch):
    address = f"/s/{batch.feature_code}"
    assert 'data-locale="en"' in api.get(f"{address}?lang=en").get_data(as_text=True)
    assert 'data-locale="en"' in api.get(address).get_data(as_text=True)
    assert 'data-locale="zh"' in api.get(f"{address}?lang=zh").get_data(as_text=True)


def test_a_personal_code_names_its_owner_and_a_forged_one_nobody(api, committed, settings, batch):
    with committed() as session:
        entry = make_enrolment(session, session.merge(batch), name_masked="吴*兰")
        other = make_enrolment(session, make_batch(session))
        session.commit()
        number, mine, foreign = entry.student_no, entry.id, other.id

    def personal(token):
        page = api.get(f"/s/{batch.feature_code}?p={token}").get_data(as_text=True)
        found = re.search(r'data-personal="([^"]*)"', page)
        return found and json.loads(html.unescape(found[1]))

    token = issue_personal_token(settings, batch.feature_code, mine)
    assert personal(token) == {"name": "吴*兰", "student_no": number}
    assert personal(token[:-1] + "x") is None
    assert personal("x" * 500) is None
    # signed for this batch, but an entry of another one
    assert personal(issue_personal_token(settings, batch.feature_code, foreign)) is None


APP = assets.FOLDER / "app"
TABLE = re.findall(
    r'^  (\w+): \["(.*)", "(.*)"\],$', (APP / "texts_table.js").read_text(), re.MULTILINE
)
CODE = "".join(p.read_text() for p in APP.rglob("*.js") if p.name != "texts_table.js")


def test_every_text_exists_once_in_both_languages():
    keys = [key for key, _, _ in TABLE]
    assert len(keys) == len(set(keys)) > 200
    assert set(re.findall(r'\bt\("(\w+)"', CODE)) <= set(keys)
    for key, chinese, english in TABLE:
        assert chinese, key
        assert not re.search("[一-鿿]", english.replace("“", "")), key
        assert set(re.findall(r"{\w+}", chinese)) == set(re.findall(r"{\w+}", english)), key


@pytest.mark.parametrize(
    ("prefix", "names"),
    [
        ("state_", "draft paid pending_review rejected approved processing shipped completed refunding refunded closed"),
        ("event_", "pay expire cancel submit withdraw approve reject revoke start_processing ship complete request_refund refund_succeeded refund_failed undo"),
        ("delivery_", "digital school courier"),
        ("kind_", "capture reprint"),
        ("ticket_", "open answered closed"),
    ],
)  # fmt: skip
def test_every_name_the_api_gives_has_its_words(prefix, names):
    keys = {key for key, _, _ in TABLE}
    assert {prefix + name for name in names.split()} <= keys


def test_no_module_builds_markup_from_text():
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", CODE)
