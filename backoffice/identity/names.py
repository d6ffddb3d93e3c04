"""Personal names: cleaned of what nobody meant to type, every real character kept.

NFKC is not applied: it replaces rare name characters by others (DOMAIN section 3).
"""

from __future__ import annotations

import re

from backoffice.identity.characters import strip_invisible

NAME_DOT = "\u00b7"  # 12-ministry notice, DOMAIN section 3
# ∙ • ・ ･ ‧ ⋅ and the dot of the Greek and Canadian blocks: all drawn alike.
DOTS = "\u2219\u2022\u30fb\uff65\u2027\u22c5\u0387\u1427"
HAN = r"[\u2e80-\u2fdf\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
PLAIN = re.compile(r"[\u4e00-\u9fff]{2,4}")  # nearly every name: nothing to clean
# A full stop between Chinese characters was meant as the name dot; in "J.R. Smith" it was not.
STOP_BETWEEN_HAN = re.compile(rf"(?<={HAN})\s*[.\uff0e]\s*(?={HAN})")
# Two-character names are padded to the width of three in many rosters: 吴　兰.
SPACE_BETWEEN_HAN = re.compile(rf"(?<={HAN})\s+(?={HAN})")


def clean_name(raw: str) -> str:
    """Return the name without invisible characters and stray spaces, its dots as U+00B7.

    Spaces inside Latin names are kept, single. Applying it twice changes nothing.
    """
    if PLAIN.fullmatch(raw):
        return raw
    text = " ".join(strip_invisible(raw).split())
    text = text.translate(dict.fromkeys(map(ord, DOTS), NAME_DOT))
    text = STOP_BETWEEN_HAN.sub(NAME_DOT, text)
    text = SPACE_BETWEEN_HAN.sub("", text)
    return re.sub(rf"\s*{NAME_DOT}\s*", NAME_DOT, text)
