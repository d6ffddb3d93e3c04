"""Fields out of lines that are given, without a reader: numbers, rows, labels, cross-checks."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backoffice.identity.id_card_fields import card_from, is_card, number_in
from backoffice.identity.id_card_layout import card_of, rows_of
from backoffice.identity.id_card_text import Line, facing, lying, sides, turned_over
from tests.identity.id_cards import number_of

NUMBER = number_of("310101", "20030915", 248)
X_NUMBER = next(
    n for n in (number_of("110105", "19991231", s) for s in range(999)) if n.endswith("X")
)
PERMIT = number_of("910101", "19900101", 12)


@pytest.mark.parametrize(
    ("text", "number", "labelled", "valid"),
    [
        (NUMBER, NUMBER, False, True),
        (f"公民身份号码 {NUMBER}", NUMBER, True, True),
        (f"公民身份号码{X_NUMBER.lower()}", X_NUMBER, True, True),
        ("３１０１０１" + NUMBER[6:], NUMBER, False, True),
        (NUMBER.replace("0", "O"), NUMBER, False, True),
        (NUMBER.replace("1", "l").replace("1", "I"), NUMBER, False, True),
        (PERMIT, PERMIT, False, True),
        (NUMBER[:17] + "0", NUMBER[:17] + "0", False, False),
    ],
)
def test_numbers(text, number, labelled, valid):
    found = number_in(text, 0.9)
    assert (found.text, found.labelled, found.document is not None) == (number, labelled, valid)


@pytest.mark.parametrize(
    "text",
    ["", "公民身份号码", NUMBER[:17], NUMBER[1:], "9" + NUMBER, f"X{NUMBER}", "310101200313152480",
     "310101209909152485", "0" + NUMBER[1:], f"{NUMBER}号", "2023010123456789一卡通"],
)  # fmt: skip
def test_what_is_no_number(text):
    assert number_in(text, 0.9) is None


@given(st.integers(0, 16), st.integers(1, 9))
def test_one_misread_digit_is_never_a_valid_number(place, step):
    digit = str((int(NUMBER[place]) + step) % 10)
    found = number_in(NUMBER[:place] + digit + NUMBER[place + 1 :], 0.9)
    assert found is None or found.document is None


def box(right: float, above: float, width: float, height: float = 40.0):
    """A quad on a card 1000 px wide; the number's right end is at (910, 0), up is negative."""
    left, top = right * 1000, -above * 1000 - height / 2
    return np.array(
        [[left, top], [left + width, top], [left + width, top + height], [left, top + height]],
        np.float32,
    )


WRITTEN = [
    (0.08, 0.46, 70, "姓名"), (0.17, 0.46, 150, "阿卜杜・买买提"),
    (0.08, 0.38, 130, "性别男"), (0.30, 0.38, 190, "民族 维吾尔"),
    (0.08, 0.31, 400, "出生 2003年9月15日"),
    (0.08, 0.235, 500, "住址 上海市示例路 128 弄"), (0.17, 0.18, 140, "6号1203室"),
]  # fmt: skip


def rows(written, turn=0.0):
    number = Line(_turned(box(0.34, 0.0, 570), turn), NUMBER, 0.99)
    card = card_of(number, labelled=False)
    lines = [Line(_turned(box(r, a, w), turn), text, 0.95) for r, a, w, text in written]
    assert all(card.holds(line.quad) for line in lines)
    return rows_of(card, lines[::-1])


def _turned(quad, degrees):
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return (quad @ turn.T + 1500).astype(np.float32)


def read(written, number=NUMBER, turn=0.0):
    return card_from(number_in(number, 0.99), rows(written, turn))


@given(st.floats(-180, 180))
def test_rows_and_fields_any_way_up(turn):
    card = read(WRITTEN, turn=turn)
    assert card.name == "阿卜杜·买买提"
    assert card.address == "上海市示例路128弄6号1203室"
    assert card.birth_date == date(2003, 9, 15)
    assert card.confidence == pytest.approx(0.5), "printed male, the number says female"


def test_labels_that_were_not_read():
    bare = [
        (r, a, w, t.removeprefix("姓名").removeprefix("住址").strip()) for r, a, w, t in WRITTEN
    ]
    card = read([item for item in bare if item[3]])
    assert (card.name, card.address) == ("阿卜杜·买买提", "上海市示例路128弄6号1203室")


@pytest.mark.parametrize(("without", "field"), [("姓名|阿", "name"), ("住址|6号|出生", "address")])
def test_a_field_that_is_missing_is_none(without, field):
    kept = [item for item in WRITTEN if not any(item[3].startswith(w) for w in without.split("|"))]
    card = read(kept)
    assert getattr(card, field) is None
    assert card.id_number == NUMBER


def test_a_printed_date_that_is_no_date_is_nothing():
    card = read([(0.08, 0.31, 400, "出生 2003年13月41日")], number=NUMBER[:17] + "0")
    assert card.birth_date is None


@pytest.mark.parametrize(
    ("number", "written", "expected"),
    [
        (NUMBER, [], False),
        (f"公民身份号码{NUMBER}", [], True),
        (NUMBER, [(0.08, 0.46, 300, "中国银行")], False),
        (NUMBER, [(0.08, 0.46, 70, "姓名")], True),
        (NUMBER, [(0.08, 0.31, 400, "2003年9月15日")], True),
    ],
)
def test_a_number_alone_is_no_card(number, written, expected):
    assert is_card(number_in(number, 0.9), rows(written) if written else []) is expected


def test_rows_that_cannot_be_read_still_make_a_card():
    blurred = [(right, above, width, "*") for right, above, width, _ in WRITTEN]
    assert is_card(number_in(NUMBER, 0.9), rows(blurred))
    assert read(blurred).name is None


def test_without_its_label_a_name_is_taken_only_from_its_place():
    assert read([(0.17, 0.46, 150, "吴小兰")]).name == "吴小兰"
    assert read([(0.17, 0.60, 150, "采集通知")]).name is None
    assert read([(0.17, 0.46, 500, "毕业生图像采集通知2027届")]).name is None
    assert read([(0.08, 0.46, 220, "地名吴小兰")]).name == "吴小兰", "a misread label"


@given(st.floats(-180, 180), st.floats(300, 3000))
def test_the_window_holds_the_card_upright(turn, width):
    number = Line(_turned(box(0.34, 0.0, 570) * width / 1000, turn), NUMBER, 0.99)
    matrix, (across, down) = card_of(number, labelled=False).window(960)
    end = (number.quad[1] + number.quad[2]) / 2
    start = (number.quad[0] + number.quad[3]) / 2
    seen_start, seen_end = (matrix[:, :2] @ point + matrix[:, 2] for point in (start, end))
    assert seen_end[1] == pytest.approx(seen_start[1], abs=1), "level"
    assert 0.8 * across < seen_end[0] < across
    assert 0.8 * down < seen_end[1] < down


@given(st.floats(0, 360), st.floats(60, 300), st.integers(0, 3), st.booleans())
def test_quads_keep_their_place_whichever_corner_comes_first(turn, width, first, mirrored):
    plain = _turned(np.array([[0, 0], [width, 0], [width, 40], [0, 40]], np.float32), turn)
    quad = np.roll(plain[::-1] if mirrored else plain, first, axis=0)
    along = (plain[1] - plain[0]) / width
    assert np.allclose(facing(quad, along), plain, atol=0.1)
    assert np.allclose(facing(quad, -along), turned_over(plain), atol=0.1)
    assert sides(lying(quad)) == pytest.approx((width, 40), abs=0.1)
