"""Phone numbers: one stored form, E.164."""

from __future__ import annotations

import re

import phonenumbers

from backoffice.identity.characters import compact
from backoffice.identity.errors import InvalidPhone

MAINLAND_MOBILE = re.compile(r"(?:\+86|0086|86)?(1[3-9][0-9]{9})")
MAINLAND = 86


def normalise_phone(raw: str) -> str:
    """Return the number as E.164 (`+8613812345678`); without a country code it is mainland.

    Raises InvalidPhone for anything that cannot receive a message, landlines included.
    """
    text, mainland = raw, MAINLAND_MOBILE.fullmatch(raw)
    if not mainland:
        text = re.sub(r"[-()./]", "", compact(raw))
        mainland = MAINLAND_MOBILE.fullmatch(text)
    if mainland:
        # Not left to the library: its list of ranges lags behind newly opened ones.
        return f"+86{mainland[1]}"
    if text.startswith("00"):
        text = "+" + text[2:]
    if not re.fullmatch(r"\+[0-9]{6,15}", text):
        raise InvalidPhone
    return _foreign(text)


def _foreign(text: str) -> str:
    try:
        number = phonenumbers.parse(text, None)
    except phonenumbers.NumberParseException:
        raise InvalidPhone from None
    fixed = phonenumbers.number_type(number) == phonenumbers.PhoneNumberType.FIXED_LINE
    if number.country_code == MAINLAND or fixed or not phonenumbers.is_valid_number(number):
        raise InvalidPhone
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
