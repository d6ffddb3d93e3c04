"""Phones become E.164; names keep every real character."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backoffice.identity.errors import InvalidPhone
from backoffice.identity.names import clean_name
from backoffice.identity.phones import normalise_phone


@pytest.mark.parametrize(
    ("raw", "stored"),
    [
        ("13812345678", "+8613812345678"),
        (" 138 1234-5678 ", "+8613812345678"),
        ("１３８１２３４５６７８", "+8613812345678"),
        ("+86 138 1234 5678", "+8613812345678"),
        ("008613812345678", "+8613812345678"),
        ("8613812345678", "+8613812345678"),
        ("\u202d13812345678\u202c", "+8613812345678"),  # pasted from a contacts app
        ("+852 9123 4567", "+85291234567"),
        ("00886912345678", "+886912345678"),
        ("+1 (202) 555-0123".replace("555-0123", "456-1414"), "+12024561414"),
    ],
)
def test_phones(raw, stored):
    assert normalise_phone(raw) == stored
    assert normalise_phone(stored) == stored


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "1381234567",
        "138123456789",
        "12812345678",
        "01012345678",
        "+86 10 1234 5678",
        "abc",
        "+999123456",
        "1.3812345678E10",
        "+852 1",
        "6" * 500,
    ],
)
def test_refused_phones(raw):
    with pytest.raises(InvalidPhone) as caught:
        normalise_phone(raw)
    assert caught.value.code == "phone_invalid"


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (" 吴小兰\u00a0", "吴小兰"),
        ("吴\u200b小兰\ufeff", "吴小兰"),
        ("吴　兰", "吴兰"),
        ("𠮷田", "𠮷田"),
        ("㐂", "㐂"),
        ("\uf9b4", "\uf9b4"),  # a compatibility ideograph: NFKC would replace it
        ("阿卜杜拉•买买提", "阿卜杜拉·买买提"),
        ("阿卜杜拉 ・ 买买提", "阿卜杜拉·买买提"),
        ("阿卜杜拉．买买提", "阿卜杜拉·买买提"),
        ("阿卜杜拉.买买提", "阿卜杜拉·买买提"),
        ("J.R.  Smith", "J.R. Smith"),
        ("", ""),
    ],
)
def test_names(raw, name):
    assert clean_name(raw) == name


@given(st.text(max_size=20))
def test_cleaning_twice_is_once(raw):
    assert clean_name(clean_name(raw)) == clean_name(raw)
