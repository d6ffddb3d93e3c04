"""Document numbers by DOMAIN section 4."""

from __future__ import annotations

import contextlib
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backoffice.identity.check_characters import hk_check_character, resident_check_character
from backoffice.identity.documents import (
    IdType,
    detect_type,
    normalise,
    validate,
)
from backoffice.identity.errors import InvalidIdNumber, UnknownIdType

# Published example of GB 11643-1999: 11010519491231002X.
GOOD = [
    ("resident_id", "11010519491231002X", "11010519491231002X", date(1949, 12, 31), "female"),
    (
        "resident_id",
        " １１０１０５１９４９１２３１００２ｘ ",
        "11010519491231002X",
        date(1949, 12, 31),
        "female",
    ),
    ("resident_id", "440524188001010014".replace("18800101", "19800101"), None, None, None),
    ("hk_macau_permit", "h12345678", "H12345678", None, None),
    ("hk_macau_permit", "M1234567801", "M1234567801", None, None),
    ("taiwan_permit", "12345678", "12345678", None, None),
    ("passport", "e12345678", "E12345678", None, None),
    ("foreign_pr", "CHN110080010100", "CHN110080010100", None, None),
    ("hk_id", "A123456(3)", "A123456(3)", None, None),
    ("hk_id", "ａ１２３４５６（３）", "A123456(3)", None, None),
    ("hk_id", "AB987654(3)", "AB987654(3)", None, None),
]
BAD = [
    ("resident_id", "", "id_number_missing"),
    ("resident_id", "\u200b \u00a0", "id_number_missing"),
    ("resident_id", "110105194912310021", "id_number_check_digit"),
    ("resident_id", "11010519490231002X", "id_number_birth_date"),
    ("resident_id", "110105199902290015", "id_number_birth_date"),
    ("resident_id", "11010518491231002X", "id_number_format"),
    ("resident_id", "91010519491231002X", "id_number_format"),
    ("resident_id", "01010519491231002X", "id_number_format"),
    ("resident_id", "110105491231002", "id_number_format"),
    ("resident_id", "1101051949123100XX", "id_number_format"),
    ("resident_id", "1.1010519491231E+17", "id_number_format"),
    ("resident_id", "٣١0105194912310026", "id_number_format"),
    ("hk_macau_permit", "H1234567", "id_number_format"),
    ("hk_macau_permit", "H123456789", "id_number_format"),
    ("hk_macau_permit", "A12345678", "id_number_format"),
    ("taiwan_permit", "1234567", "id_number_format"),
    ("taiwan_permit", "1234567890", "id_number_format"),
    ("passport", "E123", "id_number_format"),
    ("passport", "E1234567890123456X", "id_number_format"),
    ("passport", "E-123456", "id_number_format"),
    ("foreign_pr", "CH1110080010100", "id_number_format"),
    ("hk_id", "A123456(7)", "id_number_check_digit"),
    ("hk_id", "A1234563", "id_number_format"),
    ("hk_id", "ABC123456(3)", "id_number_format"),
]


@pytest.mark.parametrize(("kind", "raw", "number", "born", "gender"), GOOD)
def test_valid_numbers(kind, raw, number, born, gender):
    if number is None:  # complete the check character, then expect the number back
        raw = raw[:17] + resident_check_character(raw[:17])
        number, born, gender = raw, date(1980, 1, 1), "male"
    document = validate(kind, raw)
    assert (document.number, document.birth_date, document.gender) == (number, born, gender)
    assert document.id_type is IdType(kind)


@pytest.mark.parametrize(("kind", "raw", "code"), BAD)
def test_refused_numbers_say_why(kind, raw, code):
    with pytest.raises(InvalidIdNumber) as caught:
        validate(kind, raw)
    error = caught.value
    assert (error.code, error.field) == (code, "id_number")
    assert error.text("zh") != error.text("en")
    if len(raw) > 4:
        assert raw not in str(error)  # a message ends up in logs


@pytest.mark.parametrize("prefix", ["810000", "820000", "830000"])
def test_residence_permits_are_resident_ids(prefix):
    body = f"{prefix}20010203002"
    document = validate("resident_id", body + resident_check_character(body))
    assert (document.birth_date, document.gender) == (date(2001, 2, 3), "female")


def test_foreign_permanent_resident_new_form():
    body = "911156199001010012"[:17]
    number = body + resident_check_character(body)
    document = validate("foreign_pr", number)
    assert (document.birth_date, document.gender) == (date(1990, 1, 1), None)
    other = "0" if number[17] != "0" else "1"
    with pytest.raises(InvalidIdNumber) as caught:
        validate("foreign_pr", body + other)
    assert caught.value.code == "id_number_check_digit"


def test_born_tomorrow_is_refused():
    body = "11010120250101001"
    number = body + resident_check_character(body)
    assert validate("resident_id", number, today=date(2025, 1, 1)).birth_date == date(2025, 1, 1)
    with pytest.raises(InvalidIdNumber) as caught:
        validate("resident_id", number, today=date(2024, 12, 31))
    assert caught.value.code == "id_number_birth_date"


def test_unknown_type():
    with pytest.raises(UnknownIdType):
        validate("driving_licence", "123")


def test_match_key_ignores_the_reissue_count():
    first, second = (
        validate("hk_macau_permit", "H12345678"),
        validate("hk_macau_permit", "H1234567801"),
    )
    assert first.match_key == second.match_key == "H12345678"
    assert validate("passport", "E12345678").match_key == "E12345678"


def test_repr_shows_no_number():
    assert "123456" not in repr(validate("hk_id", "A123456(3)"))


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        ("11010519491231002x", "resident_id"),
        ("110105194912310021", "resident_id"),  # wrong check: still one, so it can be explained
        ("11010519491231002", "resident_id"),
        ("110105491231002", "resident_id"),
        ("H12345678", "hk_macau_permit"),
        ("12345678", "taiwan_permit"),
        ("123456789", "passport"),
        ("E12345678", "passport"),
        ("CHN110080010100", "foreign_pr"),
        ("A123456（3）", "hk_id"),
        ("张三", None),
        ("", None),
    ],
)
def test_detect_type(number, kind):
    assert detect_type(number) == kind


def test_hk_check_characters():
    # A123456(3) is computed in DOMAIN section 4; G123456(A) shows the letter A as check.
    assert hk_check_character("A", "123456") == "3"
    assert hk_check_character("G", "123456") == "A"


births = st.dates(date(1900, 1, 1), date(2020, 12, 31))


@given(region=st.integers(100000, 899999), born=births, order=st.integers(0, 999))
def test_made_numbers_are_valid_and_any_single_slip_is_caught(region, born, order):
    body = f"{region}{born:%Y%m%d}{order:03}"
    number = body + resident_check_character(body)
    document = validate(IdType.RESIDENT_ID, number)
    assert document.birth_date == born
    assert document.gender == ("male" if order % 10 % 2 else "female")
    for place in range(17):
        wrong = number[:place] + str((int(number[place]) + 1) % 10) + number[place + 1 :]
        with pytest.raises(InvalidIdNumber):
            validate(IdType.RESIDENT_ID, wrong)


@given(st.text(max_size=30))
def test_normalise_twice_is_once(raw):
    assert normalise(normalise(raw)) == normalise(raw)


@given(st.text(max_size=30), st.sampled_from(IdType))
def test_any_text_is_accepted_or_refused_with_a_code(raw, kind):
    with contextlib.suppress(InvalidIdNumber):
        assert validate(kind, raw).number.isascii()
