"""Masks: what may be shown of a number, a name or a phone, and whether a mask fits a value."""

from __future__ import annotations

import re
import unicodedata

from backoffice.identity.characters import compact
from backoffice.identity.names import NAME_DOT, PLAIN, clean_name

STAR = "*"
FULL_WIDTH_TO_ASCII = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
MASK_MAX = 200  # longer texts are no names or numbers; bounds the work of a comparison


def mask_id(number: str) -> str:
    """Return the number with its middle hidden: 310***********6629, one star a character.

    Of 12 characters or more the first three and the last four stay; of shorter numbers fewer,
    of four or less none.
    """
    number = compact(number)
    length = len(number)
    if length >= 12:
        head, tail = 3, 4
    elif length >= 8:
        head, tail = (2, 4) if length >= 11 else (1, 4)
    else:
        head, tail = (1, 2) if length >= 5 else (0, 0)
    return number[:head] + STAR * (length - head - tail) + number[length - tail :]


def mask_name(name: str) -> str:
    """Return the name with its middle hidden: 吴*兰, 吴*, J*** S****, 阿***·买**.

    Of a Chinese name the first and last characters stay (only the first of two); of every
    part of a Latin or dotted name the first.
    """
    if PLAIN.fullmatch(name):
        return name[0] + STAR * max(1, len(name) - 2) + (name[-1] if len(name) > 2 else "")
    name = clean_name(name)
    parts = re.split(rf"([\s{NAME_DOT}]+)", name)
    if len(parts) > 1 or name.isascii():
        return "".join(p if i % 2 else _mask_part(p) for i, p in enumerate(parts))
    units = _units(name)
    if len(units) <= 2:
        return _mask_part(name) if len(units) == 2 else STAR * len(units)
    return units[0] + STAR * (len(units) - 2) + units[-1]


def mask_phone(phone: str) -> str:
    """Return a phone with four digits hidden: 138****5678, abroad +852****4567."""
    phone = compact(phone)
    if phone.startswith("+86"):
        phone = phone[3:]
    if len(phone) < 8:
        return STAR * len(phone)
    return phone[:-8] + STAR * 4 + phone[-4:]


def mask_matches(mask: str, other: str) -> bool:
    """Return True if a mask can stand for `other`, a full value or another mask of it.

    A run of stars stands for one character or more, however many stars it has: the capture
    code shows 吴* for names of any length. A mask that shows nothing fits nothing.
    """
    left, right = _pattern(mask), _pattern(other)
    if not _shows_something(left) or not _shows_something(right):
        return False
    return _can_be_equal(left, right)


def _mask_part(part: str) -> str:
    units = _units(part)
    return "".join(units[:1]) + STAR * (len(units) - 1)


def _units(text: str) -> list[str]:
    """Split into what a reader calls characters: a base with its accents and variants."""
    units: list[str] = []
    for character in text:
        if units and unicodedata.category(character) in ("Mn", "Mc", "Me"):
            units[-1] += character
        else:
            units.append(character)
    return units


def _pattern(text: str) -> str:
    """Return the text comparable: half width, upper case, each run of stars a single one."""
    plain = clean_name(text[:MASK_MAX]).translate(FULL_WIDTH_TO_ASCII).upper()
    return re.sub(r"\*+", STAR, plain)


def _shows_something(pattern: str) -> bool:
    return any(c != STAR and not c.isspace() and c != NAME_DOT for c in pattern)


def _can_be_equal(left: str, right: str) -> bool:
    """Return True if some text fits both patterns (`*` = one or more characters).

    Walks every pair of positions that the same text can have reached in both patterns.
    """
    todo, seen = [(0, 0)], {(0, 0)}
    while todo:
        i, j = todo.pop()
        if i == len(left) and j == len(right):
            return True
        if i == len(left) or j == len(right):
            continue
        for step in _steps(left, i, right, j):
            if step not in seen:
                seen.add(step)
                todo.append(step)
    return False


def _steps(left: str, i: int, right: str, j: int) -> list[tuple[int, int]]:
    """Return the positions after one more character of a text that fits both so far."""
    a, b = left[i], right[j]
    if STAR not in (a, b):
        return [(i + 1, j + 1)] if a == b else []
    after_a = [i, i + 1] if a == STAR else [i + 1]
    after_b = [j, j + 1] if b == STAR else [j + 1]
    return [(x, y) for x in after_a for y in after_b]


def mask_email(address: str) -> str:
    """Return an address with its name hidden: w***@example.com."""
    name, _, domain = address.rpartition("@")
    return f"{name[:1]}***@{domain}"
