"""Two-language texts: every text a user reads is written here-and-now in Chinese and English."""

from __future__ import annotations

from typing import Any, NamedTuple

DEFAULT_LOCALE = "zh"
LOCALES = ("zh", "en")


class Text(NamedTuple):
    """One message in both languages; `str.format` fields are allowed in either."""

    zh: str
    en: str

    def get(self, locale: str = DEFAULT_LOCALE, **params: Any) -> str:
        """Return the text in `locale` ("zh" or "en"; anything else reads Chinese)."""
        raw = self.en if locale == "en" else self.zh
        return raw.format(**params) if params else raw


def pick_locale(accept_language: str | None) -> str:
    """Return "zh" or "en" for an Accept-Language header; Chinese when nothing matches.

    The quality values are honoured: `en;q=0.4, zh;q=0.9` is Chinese.
    """
    best, best_quality = DEFAULT_LOCALE, 0.0
    for part in (accept_language or "").split(","):
        tag, _, rest = part.partition(";")
        try:
            quality = float(rest.partition("=")[2]) if rest else 1.0
        except ValueError:
            quality = 0.0
        language = tag.strip().lower().split("-")[0]
        if language in LOCALES and quality > best_quality:
            best, best_quality = language, quality
    return best
