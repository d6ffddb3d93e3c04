"""The last four characters of an ID number, as students are told to type them.

CONTRACT section 6: a bracket pair counts as two characters, so A123456(3) gives 6(3); 4563
(brackets dropped) is accepted too. Only about 11,000 values exist: never enough by themselves.
"""

from __future__ import annotations

from backoffice.identity.characters import compact


def last_four(number: str) -> str:
    """Return the canonical last four of a full number (shorter when the number is)."""
    return compact(number)[-4:]


def last_four_variants(number: str) -> list[str]:
    """Return every accepted form of the last four, normalised, the canonical one first."""
    number = compact(number)
    canonical = number[-4:]
    dropped = number.replace("(", "").replace(")", "")[-4:]
    return [canonical] if dropped == canonical else [canonical, dropped]


def last_four_matches(typed: str, number: str) -> bool:
    """Return True if `typed` is an accepted last four of the full `number`.

    Full-width characters and a small x are the same as their plain forms.
    """
    entered = compact(typed)
    return bool(entered) and entered in last_four_variants(number)


def same_last_four(typed: str, last_four_on_file: str) -> bool:
    """Return True if two last fours are the same once normalised.

    For rosters and capture codes that hold nothing but the last four. A file that has 6(3)
    cannot accept 4563: the 4 is not in it.
    """
    return bool(compact(typed)) and compact(typed) == compact(last_four_on_file)
