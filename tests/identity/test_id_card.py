"""ID cards read by the real reader: any way up, in bad light, and what is no such card."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from backoffice.identity import id_card_errors as errors
from backoffice.identity.id_card import IdCardReader
from tests.identity.id_cards import (
    CONDITIONS,
    PEOPLE,
    draw_back,
    draw_card,
    draw_passport,
    font,
    lying,
    on_table,
)


@pytest.fixture(scope="module")
def reader():
    return IdCardReader()


# The benchmark reads all thirteen conditions with all people; these take one second each.
CASES = [
    ("straight", PEOPLE[1]),
    ("turned 90", PEOPLE[0]),
    ("turned 180", PEOPLE[2]),
    ("turned 270", PEOPLE[3]),
    ("tilted -15", PEOPLE[1]),
    ("perspective 12 %", PEOPLE[0]),
    ("blur 3 px", PEOPLE[3]),
    ("glare", PEOPLE[0]),
    ("dark", PEOPLE[3]),
    ("clutter", PEOPLE[5]),
    ("small and turned", PEOPLE[0]),
]


@pytest.mark.parametrize(("condition", "person"), CASES, ids=[name for name, _ in CASES])
def test_every_field_in_every_condition(reader, condition, person):
    card = reader.read(CONDITIONS[condition](draw_card(person)))
    born = person.number[6:14]
    assert card.to_dict() | {"confidence": 0} == {
        "name": person.name,
        "id_number": person.number,
        "gender": "male" if person.shown_gender == "男" else "female",
        "birth_date": f"{born[:4]}-{born[4:6]}-{born[6:]}",
        "address": person.address.replace(" ", ""),
        "confidence": 0,
        "valid_checksum": True,
    }
    assert card.confidence > 0.8
    assert person.number not in repr(card)


def two_cards():
    table = Image.new("RGB", (1712, 2300), "#765c46")
    table.paste(draw_card(PEOPLE[0]), (0, 20))
    table.paste(draw_card(PEOPLE[1]), (0, 1180))
    return np.asarray(table)


def number_alone():
    slip = Image.new("RGB", (1600, 500), "white")
    ImageDraw.Draw(slip).text((100, 180), PEOPLE[0].number, "black", font(80))
    return np.asarray(slip)


REFUSED = {
    "nothing written": (lambda: np.full((700, 900, 3), 190, np.uint8), errors.NO_TEXT),
    "noise": (
        lambda: np.random.default_rng(1).integers(0, 255, (600, 600, 3)).astype(np.uint8),
        errors.NO_TEXT,
    ),
    "the back": (lambda: on_table(draw_back()), errors.BACK_SIDE),
    "the back upside down": (lambda: on_table(draw_back())[::-1, ::-1].copy(), errors.BACK_SIDE),
    "a passport": (lambda: on_table(draw_passport(PEOPLE[0])), errors.OTHER_DOCUMENT),
    "no number": (lambda: on_table(draw_card(PEOPLE[0], numbered=False)), errors.NO_NUMBER),
    "two cards": (two_cards, errors.SEVERAL_CARDS),
    "a number on a slip": (number_alone, errors.NOT_A_CARD),
}


@pytest.mark.parametrize(("draw", "advice"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_card_is_refused_with_its_own_advice(reader, draw, advice):
    with pytest.raises(errors.IdCardUnreadable) as caught:
        reader.read(draw())
    assert caught.value.code == "id_card_unreadable"
    assert caught.value.reason is advice


DOUBTFUL = {
    "another birth date": (lying(PEOPLE[0], birth="20030815"), 0.5, True),
    "another gender": (lying(PEOPLE[0], gender="男"), 0.5, True),
    "a wrong check character": (lying(PEOPLE[0], number=PEOPLE[0].number[:17] + "0"), 0.3, False),
}


@pytest.mark.parametrize(("person", "most", "valid"), DOUBTFUL.values(), ids=DOUBTFUL)
def test_a_card_that_contradicts_itself_is_doubtful(reader, person, most, valid):
    card = reader.read(on_table(draw_card(person)))
    assert (card.id_number, card.valid_checksum) == (person.number, valid)
    assert card.confidence <= most
    assert card.gender == "female", "the number's own, or as printed"
    assert card.birth_date.isoformat() == "2003-09-15"
