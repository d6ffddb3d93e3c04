"""The tables of docs/photos.md, made from the code, so that they cannot say something else."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from backoffice.photos.checks import KINDS
from backoffice.photos.standards import BUILTIN, DEFAULT_LIMITS, Limit
from backoffice.photos.standards_differences import POLICIES
from evaluation.basis import BASIS

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "photos.md"


def standards_table() -> str:
    """Return the built-in standards."""
    lines = [
        "| standard | size, dpi | background | file, KB | hair top | eyes | face width | background is |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for s in BUILTIN.values():
        ranges = " | ".join(
            f"{low:g}–{high:g}" for low, high in (s.hair_top, s.eye_line, s.face_width)
        )
        policy = POLICIES[s.background_policy].en.lower()
        lines.append(
            f"| `{s.name}` {s.title_en} | {s.width}×{s.height}, {s.dpi} "
            f"| {' '.join(map(str, s.background))} | {s.min_bytes / 1000:.1f}–{s.max_bytes / 1000:.1f} "
            f"| {ranges} | {policy} |"
        )
    return "\n".join(lines)


def checks_table() -> str:
    """Return all checks with their limits and what these rest on."""
    lines = [
        "| check | OFIQ | measures | refused | hinted | reason | rests on | trust |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for code, kind in KINDS.items():
        basis, limits = BASIS[code], DEFAULT_LIMITS.get(code, ())
        refuse = "; ".join(_outside(x) for x in limits if x.severity == "refuse")
        hint = "; ".join(f"{_outside(x)} ({x.severity})" for x in limits if x.severity != "refuse")
        lines.append(
            f"| `{code}` {kind.title.en} | {kind.ofiq or ''} | {basis.measures} "
            f"| {refuse or ('see below' if not limits else '')} | {hint} | {kind.rejection_code} "
            f"| {basis.rests_on} | {basis.trust} |"
        )
    return "\n".join(lines)


def _outside(limit: Limit) -> str:
    parts = [f"< {limit.low:g}"] if limit.low is not None else []
    parts += [f"> {limit.high:g}"] if limit.high is not None else []
    return " or ".join(parts)


TABLES: dict[str, Callable[[], str]] = {"standards": standards_table, "checks": checks_table}


def filled(text: str) -> str:
    """Return the document with its tables made anew between their marks."""
    for name, table in TABLES.items():
        marks = re.compile(f"(<!-- {name}:begin -->\n).*?(\n<!-- {name}:end -->)", re.DOTALL)
        made = table()
        text = marks.sub(lambda found, made=made: found[1] + made + found[2], text)  # type: ignore[misc]
    return text


def write() -> str:
    """Write docs/photos.md and return its path."""
    DOCUMENT.write_text(filled(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
    return str(DOCUMENT)
