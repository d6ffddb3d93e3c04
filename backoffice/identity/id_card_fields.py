"""What the rows of a card say: name, gender, birth date, address; and how sure that is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from backoffice.identity.documents import Gender, IdDocument, IdType, normalise, validate
from backoffice.identity.errors import IdNumberCheckDigit, InvalidIdNumber
from backoffice.identity.id_card_layout import Row
from backoffice.identity.names import HAN, NAME_DOT, clean_name

# Letters the recogniser may take for a digit; only where a digit must stand.
LIKE_DIGITS = str.maketrans("OQDIL|ZSB", "000111258")
NUMBER = re.compile(r"[0-9OQDIL|ZSB]{17}[0-9OQDIL|ZSBX]$")
NUMBER_LABEL = re.compile(r"公民|身份|号码")
NAME_LABEL = re.compile(r"^.?名|^姓")
GENDER = re.compile(r"性?别?([男女])")
BIRTH = re.compile(r"((?:19|20)\d\d)年?(\d{1,2})月?(\d{1,2})日?$")
BIRTH_ROW = re.compile(r"出生|\d{4}年|月\d|\d月")
GENDER_ROW = re.compile(r"性别|民族|^别?[男女]")
ADDRESS_LABEL = re.compile(r"^住?址|^住")
NAME = re.compile(rf"{HAN}[{NAME_DOT}\w]*{HAN}|{HAN}{{2,}}")
NAME_ALONE = re.compile(rf"{HAN}{{2,6}}|{HAN}+({NAME_DOT}{HAN}+)+")
NAME_ABOVE = (0.38, 0.56)  # shares of the card's width above the number
CARD_ROWS = 4  # above the number, however badly they read
LABELS = ("姓名", "性别", "民族", "出生", "住址")

UNSURE_CHECKSUM = 0.3  # the most a card with a wrong check character is worth
UNSURE_CROSS_CHECK = 0.5  # printed birth date or gender is not the number's
UNSURE_NAME = 0.7


@dataclass(frozen=True, repr=False)
class IdCard:
    """The front of a resident ID card.

    gender, birth_date: the number's own where its check character is right, else as printed.
    confidence: 0 to 1. valid_checksum: the number passes every rule of DOMAIN section 4.
    Fields that could not be read are None.
    """

    id_number: str
    name: str | None
    gender: Gender | None
    birth_date: date | None
    address: str | None
    confidence: float
    valid_checksum: bool

    def to_dict(self) -> dict[str, str | float | bool | None]:
        """Return the JSON form (CONTRACT section 4)."""
        return {
            "name": self.name,
            "id_number": self.id_number,
            "gender": self.gender,
            "birth_date": self.birth_date.isoformat() if self.birth_date else None,
            "address": self.address,
            "confidence": self.confidence,
            "valid_checksum": self.valid_checksum,
        }


@dataclass(frozen=True, repr=False)
class Number:
    """An 18-character number as read. `document`: None where the check character is wrong."""

    text: str
    score: float
    labelled: bool
    document: IdDocument | None


def number_in(text: str, score: float) -> Number | None:
    """Return the ID number a line ends with, or None.

    Characters are never corrected by the check character: that could turn a misread number into a
    valid one of somebody else.
    """
    plain = normalise(text)
    found = NUMBER.search(plain)
    if found is None or (
        found.start() and plain[found.start() - 1].isalnum() and plain[found.start() - 1].isascii()
    ):
        return None
    number = found.group().translate(LIKE_DIGITS)
    labelled = NUMBER_LABEL.search(plain[: found.start()]) is not None
    try:
        kind = IdType.FOREIGN_PR if number[0] == "9" else IdType.RESIDENT_ID
        return Number(number, score, labelled, validate(kind, number))
    except IdNumberCheckDigit:
        return Number(number, score, labelled, None)
    except InvalidIdNumber:
        return None


def card_from(number: Number, rows: list[Row]) -> IdCard:
    """Return the card of its number and the rows above it."""
    name_row, name = _name(rows)
    printed_gender = _gender(rows)
    printed_birth = _birth(rows)
    address_score, address = _address(rows)
    document = number.document
    scores = [
        number.score,
        *([name_row.score] if name_row else []),
        *([address_score] if address else []),
    ]
    confidence = min(scores)
    if not name:
        confidence *= UNSURE_NAME
    if document is None:
        confidence = min(confidence, UNSURE_CHECKSUM)
    elif _disagree(document.birth_date, printed_birth) or _disagree(
        document.gender, printed_gender
    ):
        confidence = min(confidence, UNSURE_CROSS_CHECK)
    return IdCard(
        id_number=number.text,
        name=name,
        gender=(document and document.gender) or printed_gender,
        birth_date=(document and document.birth_date) or printed_birth,
        address=address,
        confidence=round(confidence, 3),
        valid_checksum=document is not None,
    )


def is_card(number: Number, rows: list[Row]) -> bool:
    """Return True if something beside the number says that this is a card."""
    if number.labelled or len(rows) >= CARD_ROWS:
        return True
    text = "".join(row.text for row in rows)
    return any(label in text for label in LABELS) or _birth(rows) is not None


def _disagree(of_number: object, printed: object) -> bool:
    return None not in (of_number, printed) and of_number != printed


def _name(rows: list[Row]) -> tuple[Row | None, str | None]:
    labelled = [row for row in rows if NAME_LABEL.search(row.text)]
    for row in labelled:
        found = NAME.search(clean_name(NAME_LABEL.sub("", row.text)))
        if found:
            return row, found.group()
    for row in rows:  # the label was not made out: only what stands where a name stands
        text = clean_name(row.text)
        if NAME_ABOVE[0] < row.above < NAME_ABOVE[1] and NAME_ALONE.fullmatch(text):
            return row, text
    return None, None


def _gender(rows: list[Row]) -> Gender | None:
    for row in rows:
        if GENDER_ROW.search(row.text) and not NAME_LABEL.search(row.text):
            found = GENDER.search(row.text)
            if found:
                return "male" if found.group(1) == "男" else "female"
    return None


def _birth(rows: list[Row]) -> date | None:
    for row in rows:
        found = BIRTH.search(row.text) if "年" in row.text or "出生" in row.text else None
        if found:
            try:
                return date(*(int(part) for part in found.groups()))
            except ValueError:
                return None
    return None


def _address(rows: list[Row]) -> tuple[float, str | None]:
    first = next((i for i, row in enumerate(rows) if ADDRESS_LABEL.search(row.text)), None)
    if first is None:
        birth = [i for i, row in enumerate(rows) if BIRTH_ROW.search(row.text)]
        first = birth[-1] + 1 if birth else None
    if first is None:
        return 0.0, None
    chosen = [row for row in rows[first:] if row.text]
    text = ADDRESS_LABEL.sub("", "".join(row.text for row in chosen))
    return min((row.score for row in chosen), default=0.0), text or None
