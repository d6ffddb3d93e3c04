"""Guides for students, as Markdown files `kind.locale.md`."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

FOLDER = Path(__file__).parent
GUIDES = ("shooting", "standard", "capture-code")


@lru_cache(maxsize=16)
def guide(kind: str, locale: str) -> tuple[str, str]:
    """Return title and body of a guide. `kind` must be one of GUIDES."""
    language = "en" if locale == "en" else "zh"
    text = (FOLDER / f"{kind}.{language}.md").read_text(encoding="utf-8")
    heading, _, body = text.partition("\n")
    return heading.lstrip("# ").strip(), body.strip()
