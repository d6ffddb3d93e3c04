"""Last four by CONTRACT section 6."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backoffice.identity.last_four import (
    last_four,
    last_four_matches,
    last_four_variants,
    same_last_four,
)


@pytest.mark.parametrize(
    ("number", "variants"),
    [
        ("A123456(3)", ["6(3)", "4563"]),
        ("a123456（3）", ["6(3)", "4563"]),
        ("11010519491231002x", ["002X"]),
        ("H12345678", ["5678"]),
        ("12", ["12"]),
    ],
)
def test_variants(number, variants):
    assert last_four_variants(number) == variants
    assert last_four(number) == variants[0]


@pytest.mark.parametrize(
    ("typed", "number", "matches"),
    [
        ("6(3)", "A123456(3)", True),
        ("６（３）", "A123456(3)", True),
        ("4563", "A123456(3)", True),
        ("3456", "A123456(3)", False),  # bracket content left out: another school's reading
        ("002x", "11010519491231002X", True),
        (" 002Ｘ\u200b", "11010519491231002x", True),
        ("0020", "11010519491231002X", False),
        ("02X", "11010519491231002X", False),
        ("", "11010519491231002X", False),
        ("", "", False),
    ],
)
def test_matches(typed, number, matches):
    assert last_four_matches(typed, number) is matches


@given(st.from_regex(r"[A-Z]{1,2}[0-9]{6}\([0-9A]\)|[0-9]{17}[0-9X]", fullmatch=True))
def test_every_variant_in_any_width_and_case_matches(number):
    for variant in last_four_variants(number):
        wide = "".join(chr(ord(c) + 0xFEE0) for c in variant)
        for typed in (variant, variant.lower(), wide, wide.lower(), f" {variant} "):
            assert last_four_matches(typed, number)
        assert len(variant) == 4


@given(
    st.from_regex(r"[0-9]{17}[0-9X]", fullmatch=True),
    st.from_regex(r"[0-9]{3}[0-9X]", fullmatch=True),
)
def test_only_the_right_four_match(number, typed):
    assert last_four_matches(typed, number) is number.endswith(typed)


def test_last_four_on_file_alone():
    assert same_last_four("６（３）", "6(3)")
    assert same_last_four("002x", "002X")
    assert not same_last_four("4563", "6(3)")
    assert not same_last_four("", "")
