"""Which passwords staff may choose: long enough, not easily guessed, no rules about signs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backoffice.errors import InvalidInput
from backoffice.security.passwords import (
    PASSWORD_MIN,
    TOO_COMMON,
    TOO_PERSONAL,
    TOO_SHORT,
    checked_password,
    new_password,
    weakness,
)

PERSON = ("王小明", "xiaoming.wang@example.com")


@pytest.mark.parametrize(
    ("password", "expected"),
    [
        ("short", TOO_SHORT),
        ("a" * 129, TOO_SHORT),
        ("password123", TOO_COMMON),
        ("P@ssw0rd!!!", TOO_COMMON),
        ("1234567890", TOO_COMMON),
        ("9876543210", TOO_COMMON),
        ("qwertyuiop", TOO_COMMON),
        ("1qaz2wsx3edc", TOO_COMMON),
        ("aaaaaaaaaaaa", TOO_COMMON),
        ("abcabcabcabc", TOO_COMMON),
        ("20262026202620", TOO_COMMON),
        ("woaini1314520", TOO_COMMON),
        ("Admin@2026!", TOO_COMMON),
        ("ｐａｓｓｗｏｒｄ１２３", TOO_COMMON),  # full width is the same word
        ("xiaoming-lamp-9", TOO_PERSONAL),
        ("correct-horse-9", None),
        ("four quiet lamps", None),
        ("nolettersmixedwithanything", None),
        ("一二三四五六七八九十", None),
        ("密码是一只安静的猫", TOO_SHORT),
        ("密码是一只很安静的猫", None),
    ],
)
def test_passwords(password, expected):
    assert weakness(password, PERSON) == expected


def test_a_refusal_names_the_field():
    with pytest.raises(InvalidInput) as caught:
        checked_password("password123")
    assert caught.value.field == "password"


def test_the_passwords_we_draw_are_always_good():
    drawn = {new_password() for _ in range(300)}
    assert len(drawn) == 300
    assert all(weakness(password) is None for password in drawn)


@given(st.text(max_size=PASSWORD_MIN - 1))
def test_nothing_shorter_is_taken(password):
    assert weakness(password) == TOO_SHORT
