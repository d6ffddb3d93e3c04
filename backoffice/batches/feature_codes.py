"""Feature codes (特征码): what students type to reach their batch."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from typing import Protocol

from backoffice.identity.characters import compact

LENGTH = 6
# Without what is mistaken on paper or on the phone: 0 O Q, 1 I L, 2, 5 S, 8 B, 6 G, U V; and
# without E: spreadsheets read 345E67 as a number. `Z3K8F7` shows the form students know, so
# codes of other alphabets are accepted; they are only not drawn.
ALPHABET = "3479ACDFHJKMNPRTWXYZ"
DIGITS = "3479"
SHAPE = re.compile(r"[0-9A-Z]{4,8}")


class Chooser(Protocol):
    """What is needed of a random source: `secrets`, or a seeded `random.Random` in tests."""

    def choice(self, sequence: Sequence[str], /) -> str:
        """Return one element."""
        ...


def new_feature_code(rng: Chooser | None = None) -> str:
    """Return a random code of six characters, letters and digits mixed, easy to copy by hand.

    64 million codes less the one-sided ones: the caller draws again if the code is taken.
    """
    choose = rng.choice if rng is not None else secrets.choice
    while True:
        code = "".join(choose(ALPHABET) for _ in range(LENGTH))
        # A code of digits only loses its look as a code (and in workbooks its text form).
        if any(c in DIGITS for c in code) and any(c not in DIGITS for c in code):
            return code


def normalise_feature_code(raw: str) -> str:
    """Return the stored form of a typed code: upper case, half width, no spaces or dashes.

    Nothing is refused here: a code of no batch is answered as not found.
    """
    return re.sub(r"[-‐‑–—_.]", "", compact(raw))


def is_feature_code(code: str) -> bool:
    """Return True if a normalised code has the shape of one (4 to 8 letters and digits)."""
    return SHAPE.fullmatch(code) is not None
