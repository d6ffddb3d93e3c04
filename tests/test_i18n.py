"""The language a reader gets, by Accept-Language (RFC 9110)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backoffice.i18n import LOCALES, Text, pick_locale


@pytest.mark.parametrize(
    ("header", "locale"),
    [
        (None, "zh"),
        ("", "zh"),
        ("*", "zh"),
        ("zh-CN", "zh"),
        ("zh-Hant-HK", "zh"),
        ("en", "en"),
        ("EN-us", "en"),
        ("en-GB,en;q=0.9", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en;q=0.4, zh;q=0.9", "zh"),
        ("en;q=0.9, zh;q=0.4", "en"),
        ("en ; q=0.4 , zh ; q=0.9", "zh"),
        ("zh ; q=0.4 , en ; q=0.9", "en"),
        ("fr, de;q=0.9", "zh"),
        ("fr, en;q=0.1", "en"),
        ("en;q=0", "zh"),
        ("zh;q=0, en;q=0", "zh"),
        ("en;q=good", "zh"),
        ("en;q=nan", "zh"),
        ("en, zh", "en"),
        ("english", "zh"),
        (",,;,", "zh"),
    ],
)
def test_the_language_of_a_header(header, locale):
    assert pick_locale(header) == locale


@given(st.text(max_size=200))
def test_any_header_gives_a_language_we_speak(header):
    assert pick_locale(header) in LOCALES


def test_texts_are_filled_in_and_unknown_languages_read_chinese():
    text = Text("第 {row} 行", "row {row}")
    assert text.get("en", row=3) == "row 3"
    assert text.get(row=3) == text.get("fr", row=3) == "第 3 行"
    assert Text("{不是字段}", "{no field}").get("en") == "{no field}"
