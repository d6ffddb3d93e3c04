"""Feature codes: drawn without look-alikes, typed in any way."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backoffice.batches.feature_codes import (
    is_feature_code,
    new_feature_code,
    normalise_feature_code,
)


@given(st.integers())
def test_drawn_codes(seed):
    code = new_feature_code(random.Random(seed))
    assert len(code) == 6
    assert not set(code) & set("0OQ1IL25S8B6GUVE")
    assert any(c.isdigit() for c in code)
    assert any(c.isalpha() for c in code)
    assert is_feature_code(code)
    assert normalise_feature_code(code) == code
    assert normalise_feature_code(f" {code[:3].lower()}-{code[3:].lower()}\u3000") == code


def test_codes_differ():
    assert len({new_feature_code() for _ in range(500)}) > 490


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("z3k8f7", "Z3K8F7"),
        ("Ｚ３Ｋ８Ｆ７", "Z3K8F7"),
        (" 4rvn8e\n", "4RVN8E"),
        ("EK43", "EK43"),
        ("610 967", "610967"),
        ("Z3K－8F7", "Z3K8F7"),
        ("", ""),
        ("特征码", "特征码"),
    ],
)
def test_normalise(typed, stored):
    assert normalise_feature_code(typed) == stored


@pytest.mark.parametrize("code", ["", "ABC", "ABCDEFGHI", "abcd", "特征码码", "../..", "ABCD\n"])
def test_not_a_code(code):
    assert not is_feature_code(code)
