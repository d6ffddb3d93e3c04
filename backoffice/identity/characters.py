"""Characters people paste without seeing them; shared by numbers and names."""

from __future__ import annotations

import unicodedata


def is_invisible(character: str) -> bool:
    """Return True for zero-width, direction and control characters (Unicode Cf and Cc).

    Line breaks and tabs are white space, not invisible: callers treat them as spaces.
    """
    return not character.isspace() and unicodedata.category(character) in ("Cf", "Cc")


def strip_invisible(text: str) -> str:
    """Return `text` without invisible characters; white space is left alone."""
    if text.isprintable():  # no Cf or Cc among printable characters
        return text
    return "".join(c for c in text if not is_invisible(c))


def compact(text: str) -> str:
    """Return `text` in half width, ASCII letters upper-case, without any white space.

    For numbers and codes only: NFKC changes some rare name characters (DOMAIN section 3).
    """
    if text.isascii() and text.isprintable():  # NFKC leaves plain ASCII alone
        return ("".join(text.split()) if " " in text else text).upper()
    before = None
    while before != text:  # NFKC can bring out white space, and removing it can compose again
        before = text
        text = unicodedata.normalize("NFKC", strip_invisible(text))
        text = "".join(text.split())
    return "".join(c.upper() if c.isascii() else c for c in text)
