"""The last characters of ID numbers, which tell mistyped ones (DOMAIN section 4)."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from operator import mul

RESIDENT_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
RESIDENT_CHECKS = "10X98765432"
HK_WEIGHTS = (9, 8, 7, 6, 5, 4, 3, 2)
HK_BLANK = 36  # value of the missing first letter of a one-letter number


def resident_check_character(first_17: str) -> str:
    """Return the MOD 11-2 check character (0-9 or X) of 17 digits."""
    if len(first_17) != len(RESIDENT_WEIGHTS) or not first_17.isdigit():
        raise ValueError("a resident number has 17 digits before its check character")
    total = AREA_SUM(first_17[:6]) + BIRTH_SUM(first_17[6:14]) + ORDER_SUM(first_17[14:])
    return RESIDENT_CHECKS[total % 11]


def _weighted_sum(place: int) -> Callable[[str], int]:
    """Return what sums up the weighted digits of a resident number from `place` on."""

    @lru_cache(maxsize=16_384)  # the parts come again: areas, birth dates, a thousand orders
    def weighted(digits: str) -> int:
        return sum(map(mul, map(int, digits), RESIDENT_WEIGHTS[place:]))

    return weighted


AREA_SUM, BIRTH_SUM, ORDER_SUM = map(_weighted_sum, (0, 6, 14))


def hk_check_character(letters: str, digits: str) -> str:
    """Return the check character (0-9 or A) of a Hong Kong number: 1-2 letters, 6 digits.

    The weighted sum with the check value must divide by 11: A123456 has 3.
    """
    values = [ord(c) - ord("A") + 10 for c in letters]
    if len(values) == 1:
        values.insert(0, HK_BLANK)
    values += [int(d) for d in digits]
    total = sum(v * w for v, w in zip(values, HK_WEIGHTS, strict=True))
    return "0123456789A"[-total % 11]
