"""Single values as workbooks hold them: numbers for text, text for dates, words for codes."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from functools import lru_cache

from backoffice.identity.characters import compact
from backoffice.identity.documents import Gender, IdType, parse_id_type
from backoffice.imports.cells import Cell, display, visible
from backoffice.imports.fields import heading_key

# Excel and every other spreadsheet keep 15 significant digits of a number (DOMAIN section 3).
SAFE_NUMBER = 10**15
SCIENTIFIC = re.compile(r"[0-9](\.[0-9]+)?E\+[0-9]{2}")
STUDENT_NO = re.compile(r"(?=.*[0-9])[A-Za-z0-9][A-Za-z0-9_./\-]{0,31}")
LAST_FOUR = re.compile(r"[0-9A-Z]{4}|[0-9]\([0-9A]\)")
PLACEHOLDERS = frozenset(
    {"-", "--", "—", "——", "/", "\\", "无", "空", "null", "none", "n/a", "nan"}
)

EXCEL_EPOCH = date(1899, 12, 30)
SERIALS = range(14_611, 73_051)  # 1940-01-01 to 2099-12-31
YEARS = range(1940, 2100)
DATE_TEXT = re.compile(
    r"([0-9]{4})[-/.年]([0-9]{1,2})(?:[-/.月]([0-9]{1,2})日?|月)?(?:T?[0-9:.]+)?"
)

GENDERS: dict[str, Gender | None] = {
    "男": "male", "男性": "male", "男生": "male", "1": "male", "01": "male", "m": "male",
    "male": "male",
    "女": "female", "女性": "female", "女生": "female", "2": "female", "02": "female",
    "f": "female", "female": "female",
    "0": None, "9": None, "未知": None, "未说明": None,
}  # fmt: skip

ID_TYPES: dict[str, IdType] = {
    heading_key(word): kind
    for kind, words in {
        IdType.RESIDENT_ID: "居民身份证 身份证 二代身份证 第二代居民身份证 中华人民共和国居民身份证 "
        "大陆身份证 港澳台居民居住证 港澳居民居住证 台湾居民居住证 居住证 1 01",
        IdType.HK_MACAU_PERMIT: "港澳居民来往内地通行证 港澳通行证 港澳居民通行证 回乡证 "
        "港澳来往内地通行证 港澳居民往来内地通行证",
        IdType.TAIWAN_PERMIT: "台湾居民来往大陆通行证 台胞证 台湾通行证 台湾居民往来大陆通行证",
        IdType.PASSPORT: "护照 外国护照 普通护照 中国护照 passport",
        IdType.FOREIGN_PR: "外国人永久居留身份证 外国人永久居留证 永居证 永久居留证 外国人居留证",
        IdType.HK_ID: "香港身份证 香港居民身份证 香港特别行政区身份证 香港永久性居民身份证",
    }.items()
    for word in words.split()
}


def plain_text(cell: Cell) -> str:
    """Return a cell as one line of text, invisible characters gone; numbers as Excel shows them."""
    text = cell if isinstance(cell, str) else display(cell)
    if not text.isalnum():  # else there is nothing to take out
        text = " ".join(visible(text).split())
    return "" if len(text) < 5 and text.lower() in PLACEHOLDERS else text


def code_text(cell: Cell) -> str:
    """Return a code or number half-width and without spaces; letters keep their case."""
    text = plain_text(cell)
    if text.isascii():
        return "".join(text.split()) if " " in text else text
    upper = compact(text)
    # `compact` is for ID numbers and raises letters; student numbers are kept as the school
    # writes them, which is only possible when nothing but the width changed.
    half = "".join(chr(ord(c) - 0xFEE0) if "！" <= c <= "～" else c for c in text)
    half = "".join(half.split())
    return half if half.upper() == upper else upper


def digits_lost(cell: Cell) -> bool:
    """Return True for a number too long for a spreadsheet, also once written as 1.1E+17."""
    if isinstance(cell, bool) or cell is None:
        return False
    if isinstance(cell, int | float):
        return abs(cell) >= SAFE_NUMBER
    if not isinstance(cell, str) or (cell.isascii() and "+" not in cell):
        return False
    return bool(SCIENTIFIC.fullmatch(compact(cell)))


def is_number(cell: Cell) -> bool:
    """Return True for a cell that holds a number."""
    return isinstance(cell, int | float) and not isinstance(cell, bool)


def read_gender(cell: Cell) -> Gender | None:
    """Return the gender, None for the codes of unknown; raises ValueError."""
    text = plain_text(cell)
    if text not in GENDERS:
        text = compact(text).lower()
    if text not in GENDERS:
        raise ValueError
    return GENDERS[text]


def read_id_type(cell: Cell) -> IdType:
    """Return the document type of a label, a code or a wire name; raises UnknownIdType."""
    return _id_type(plain_text(cell))


@lru_cache(maxsize=256)
def _id_type(text: str) -> IdType:
    found = ID_TYPES.get(heading_key(text))
    return found or parse_id_type(text.strip().lower())


def read_date(cell: Cell, month_is_enough: bool = False) -> date:
    """Return the date of a cell in any shape Excel gives; raises ValueError.

    Dates, serial numbers, 20000101, 2000-1-1, 2000/1/1, 2000.1.1, 2000年1月1日, each with a time
    of day or without. With `month_is_enough`, 202309 and 2023年9月 are the first of the month.
    """
    if isinstance(cell, datetime):
        return _plausible(cell.date())
    if isinstance(cell, date):
        return _plausible(cell)
    return _date_of_text(plain_text(cell), month_is_enough)


@lru_cache(maxsize=8192)  # a roster has thousands of birth dates and a hundred thousand rows
def _date_of_text(raw: str, month_is_enough: bool) -> date:
    text = compact(raw)
    if text.endswith(".0"):
        text = text[:-2]
    if text.isdigit():
        return _plausible(_date_of_digits(text, month_is_enough))
    found = DATE_TEXT.fullmatch(text)
    if not found or (found[3] is None and not month_is_enough):
        raise ValueError
    return _plausible(date(int(found[1]), int(found[2]), int(found[3] or 1)))


def _date_of_digits(text: str, month_is_enough: bool) -> date:
    if len(text) == 8:
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    if len(text) == 14:  # 20000101000000, as databases export it
        return date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    if len(text) == 6 and month_is_enough:
        return date(int(text[:4]), int(text[4:]), 1)
    if len(text) == 5 and int(text) in SERIALS:
        return EXCEL_EPOCH + timedelta(days=int(text))
    raise ValueError


def _plausible(day: date) -> date:
    if day.year not in YEARS:
        raise ValueError
    return day
