"""Identity document numbers: shape, birth date and check character (DOMAIN section 4)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Literal

from backoffice.i18n import Text
from backoffice.identity.characters import compact
from backoffice.identity.check_characters import hk_check_character, resident_check_character
from backoffice.identity.errors import (
    IdNumberBirthDate,
    IdNumberCheckDigit,
    IdNumberFormat,
    IdNumberMissing,
    UnknownIdType,
)

Gender = Literal["male", "female"]

HK_MACAU_MATCH_LENGTH = 9  # characters 10 and 11 only count reissues


class IdType(StrEnum):
    """Document types under their wire names (CONTRACT section 4).

    Residence permits of Hong Kong, Macau and Taiwan residents (81, 82, 83) are `resident_id`.
    """

    RESIDENT_ID = "resident_id"
    HK_MACAU_PERMIT = "hk_macau_permit"
    TAIWAN_PERMIT = "taiwan_permit"
    PASSPORT = "passport"
    FOREIGN_PR = "foreign_pr"
    HK_ID = "hk_id"


ID_TYPE_LABELS: dict[IdType, Text] = {
    IdType.RESIDENT_ID: Text("居民身份证", "Resident ID"),
    IdType.HK_MACAU_PERMIT: Text("港澳居民来往内地通行证", "HK/Macau permit"),
    IdType.TAIWAN_PERMIT: Text("台湾居民来往大陆通行证", "Taiwan permit"),
    IdType.PASSPORT: Text("护照", "Passport"),
    IdType.FOREIGN_PR: Text("外国人永久居留身份证", "Foreign permanent resident ID"),
    IdType.HK_ID: Text("香港身份证", "Hong Kong ID"),
}

PATTERNS: dict[IdType, re.Pattern[str]] = {
    IdType.RESIDENT_ID: re.compile(r"[1-8][0-9]{5}(19|20)[0-9]{9}[0-9X]"),
    IdType.HK_MACAU_PERMIT: re.compile(r"[HM][0-9]{8}([0-9]{2})?"),
    IdType.TAIWAN_PERMIT: re.compile(r"[0-9]{8}"),
    IdType.PASSPORT: re.compile(r"[A-Z0-9]{5,17}"),
    IdType.FOREIGN_PR: re.compile(r"9[0-9]{5}(19|20)[0-9]{9}[0-9X]|[A-Z]{3}[0-9]{12}"),
    IdType.HK_ID: re.compile(r"[A-Z]{1,2}[0-9]{6}\([0-9A]\)"),
}

FORMAT_ADVICE: dict[IdType, Text] = {
    IdType.RESIDENT_ID: Text(
        "居民身份证（居住证）号码应为 18 位，最后一位可以是 X，请对照证件填写。",
        "A resident ID (or residence permit) number has 18 characters, the last may be X; "
        "please copy it from the card.",
    ),
    IdType.HK_MACAU_PERMIT: Text(
        "港澳通行证号码以 H 或 M 开头，后接 8 位或 10 位数字。",
        "A HK/Macau permit number is H or M followed by 8 or 10 digits.",
    ),
    IdType.TAIWAN_PERMIT: Text(
        "台胞证号码应为 8 位数字（不含换证次数）。",
        "A Taiwan permit number has 8 digits (without the reissue count).",
    ),
    IdType.PASSPORT: Text(
        "护照号码应为 5 至 17 位字母或数字。",
        "A passport number has 5 to 17 letters or digits.",
    ),
    IdType.FOREIGN_PR: Text(
        "外国人永久居留身份证号码应为以 9 开头的 18 位号码，或 3 个字母加 12 位数字。",
        "A foreign permanent resident number has 18 characters beginning with 9, "
        "or 3 letters and 12 digits.",
    ),
    IdType.HK_ID: Text(
        "香港身份证号码应为 1 至 2 个字母、6 位数字和括号内的校验码，如 A123456(3)。",
        "A Hong Kong ID number is 1 or 2 letters, 6 digits and a check character in brackets, "
        "such as A123456(3).",
    ),
}

MISSING = Text("请填写证件号码。", "Please enter the ID number.")
BAD_BIRTH_DATE = Text(
    "号码中的出生日期（第 7 至 14 位）不是有效日期，请对照证件核对。",
    "The birth date in the number (characters 7 to 14) is not a real date; check the card.",
)
BAD_CHECK = Text(
    "校验码与号码不符，通常是某一位输错了，请对照证件逐位核对。",
    "The check character does not fit: usually one character was mistyped; check each one.",
)


@dataclass(repr=False, slots=True)  # not frozen: that makes it four times as slow to make
class IdDocument:
    """A valid document: its number normalised, and what the number itself says. Never changed.

    `birth_date` and `gender` are None where the number does not carry them.
    """

    id_type: IdType
    number: str
    birth_date: date | None = None
    gender: Gender | None = None

    @property
    def match_key(self) -> str:
        """The part that stays the same when the card is renewed: compare people by this."""
        if self.id_type is IdType.HK_MACAU_PERMIT:
            return self.number[:HK_MACAU_MATCH_LENGTH]
        return self.number

    def __repr__(self) -> str:  # a number in a log or traceback would be a leak
        return f"IdDocument({self.id_type.value})"


def normalise(raw: str) -> str:
    """Return the number in half width and upper case, without spaces and invisible characters.

    Full-width brackets become ASCII ones. Applying it twice changes nothing.
    """
    return compact(raw)


def validate(id_type: IdType | str, raw: str, *, today: date | None = None) -> IdDocument:
    """Return the document behind `raw`, normalised.

    today: last acceptable birth date, by default the day it is now in China.
    Raises UnknownIdType, IdNumberMissing, IdNumberFormat, IdNumberBirthDate or
    IdNumberCheckDigit (all but the first are InvalidIdNumber). Rules: DOMAIN section 4.
    """
    kind = id_type if isinstance(id_type, IdType) else parse_id_type(id_type)
    number = normalise(raw)
    if not number:
        raise IdNumberMissing(MISSING)
    if not PATTERNS[kind].fullmatch(number):
        raise IdNumberFormat(FORMAT_ADVICE[kind])
    check = CHECKS.get(kind)
    return check(number, today or china_today()) if check else IdDocument(kind, number)


def parse_id_type(value: IdType | str) -> IdType:
    """Return the type of a wire name; raises UnknownIdType."""
    try:
        return IdType(value)
    except ValueError:
        raise UnknownIdType from None


def detect_type(number: str) -> IdType | None:
    """Return the type a number has the shape of, or None.

    Shape only, so that a mistyped resident number is still called one and `validate` can say
    what is wrong with it. Passport is the last resort: its shape fits almost anything.
    """
    number = normalise(number)
    for kind in (
        IdType.RESIDENT_ID,
        IdType.FOREIGN_PR,
        IdType.HK_MACAU_PERMIT,
        IdType.TAIWAN_PERMIT,
        IdType.HK_ID,
    ):
        if PATTERNS[kind].fullmatch(number):
            return kind
    if re.fullmatch(r"[0-9]{14,20}[X]?", number):
        return IdType.RESIDENT_ID  # a resident number with characters lost, added or mistyped
    return IdType.PASSPORT if PATTERNS[IdType.PASSPORT].fullmatch(number) else None


def china_today() -> date:
    """Return today's date in China (UTC+8, no summer time)."""
    return (datetime.now(UTC) + timedelta(hours=8)).date()


def _birth_date(number: str, today: date) -> date:
    born = _day(number[6:14])
    if born is None or born > today:
        raise IdNumberBirthDate(BAD_BIRTH_DATE)
    return born


@lru_cache(maxsize=8192)  # a roster has thousands of birth dates and a hundred thousand rows
def _day(digits: str) -> date | None:
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None


def _check_18(number: str, today: date) -> date:
    born = _birth_date(number, today)
    if resident_check_character(number[:17]) != number[17]:
        raise IdNumberCheckDigit(BAD_CHECK)
    return born


def _check_resident(number: str, today: date) -> IdDocument:
    born = _check_18(number, today)
    gender: Gender = "male" if int(number[16]) % 2 else "female"
    return IdDocument(IdType.RESIDENT_ID, number, born, gender)


def _check_foreign_pr(number: str, today: date) -> IdDocument:
    if number[0] != "9":  # the card before December 2023: no published check
        return IdDocument(IdType.FOREIGN_PR, number)
    # No source states that digit 17 carries the gender here as it does on resident cards.
    return IdDocument(IdType.FOREIGN_PR, number, _check_18(number, today))


def _check_hk_id(number: str, today: date) -> IdDocument:
    letters, digits, check = number[:-9], number[-9:-3], number[-2]
    if hk_check_character(letters, digits) != check:
        raise IdNumberCheckDigit(BAD_CHECK)
    return IdDocument(IdType.HK_ID, number)


CHECKS: dict[IdType, Callable[[str, date], IdDocument]] = {
    IdType.RESIDENT_ID: _check_resident,
    IdType.FOREIGN_PR: _check_foreign_pr,
    IdType.HK_ID: _check_hk_id,
}
