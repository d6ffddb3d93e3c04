"""Charts as SVG, drawn on the server: no script, nothing from outside, readable without colour.

Every chart has a title for screen readers and its numbers as text; colours come from the style
sheet by class, so the content policy needs no inline style.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

WIDTH = 560
NARROW = 320  # several side by side
ROW = 26
LABEL, NARROW_LABEL = 150, 64
WIDEST_COLUMN = 28  # one day alone is a column, not a wall
PLOT_HEIGHT = 120


@dataclass(frozen=True)
class Bar:
    """One bar of a bar chart: what it is, how long, and how the number is said."""

    label: str
    value: float
    said: str
    tone: str = "working"


@dataclass(frozen=True)
class Series:
    """One line of columns: its name, its tone, one value for each step."""

    name: str
    tone: str
    values: Sequence[float]


def bars(title: str, rows: Sequence[Bar], *, narrow: bool = False) -> Markup:
    """Return horizontal bars, longest value filling the width."""
    width, label = (NARROW, NARROW_LABEL) if narrow else (WIDTH, LABEL)
    top = max([row.value for row in rows], default=0) or 1
    height = ROW * len(rows) + 4
    room = width - label - 84
    parts = []
    for number, row in enumerate(rows):
        y = number * ROW
        length = max(1.0 if row.value else 0.0, room * row.value / top)
        parts.append(
            Markup(
                '<text class="label" x="{}" y="{}">{}</text>'
                '<rect class="bar tone-{}" x="{}" y="{}" width="{:.1f}" height="16" rx="3"/>'
                '<text class="value" x="{:.1f}" y="{}">{}</text>'
            ).format(
                0, y + 16, _short(row.label), row.tone, label, y + 4, length,
                label + length + 6, y + 16, row.said,
            )
        )  # fmt: skip
    return _svg(title, width, height, parts)


def columns(title: str, steps: Sequence[str], series: Sequence[Series], unit: str = "") -> Markup:
    """Return grouped columns over time; `steps` are the words below, some of them empty."""
    top = max([value for line in series for value in line.values], default=0) or 1
    slot = (WIDTH - 46) / max(1, len(steps))
    width = min(WIDEST_COLUMN, max(2.0, slot * 0.72 / max(1, len(series))))
    margin = (slot - width * len(series)) / 2
    parts = [
        Markup(
            '<line class="axis" x1="42" x2="{}" y1="{}" y2="{}"/>'
            '<text class="tick" x="36" y="14" text-anchor="end">{}</text>'
            '<text class="tick" x="36" y="{}" text-anchor="end">0</text>'
        ).format(WIDTH, PLOT_HEIGHT, PLOT_HEIGHT, f"{top:,.0f}{unit}", PLOT_HEIGHT)
    ]
    for number, step in enumerate(steps):
        x = 44 + number * slot
        if step:
            parts.append(
                Markup(
                    '<text class="tick" x="{:.1f}" y="{}" text-anchor="middle">{}</text>'
                ).format(x + slot / 2, PLOT_HEIGHT + 16, step)
            )
        for place, line in enumerate(series):
            value = line.values[number]
            high = (PLOT_HEIGHT - 8) * value / top
            if high > 0:
                parts.append(
                    Markup(
                        '<rect class="bar tone-{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" '
                        'height="{:.1f}" rx="1"><title>{}</title></rect>'
                    ).format(
                        line.tone, x + margin + place * width, PLOT_HEIGHT - high, width, high,
                        f"{line.name} {value:,.0f}{unit}",
                    )
                )  # fmt: skip
    return _legend(series) + _svg(title, WIDTH, PLOT_HEIGHT + 24, parts)


def _legend(series: Sequence[Series]) -> Markup:
    entries = [
        Markup('<li><span class="key tone-{}"></span>{} <strong>{}</strong></li>').format(
            line.tone, line.name, f"{sum(line.values):,.0f}"
        )
        for line in series
    ]
    return Markup('<ul class="legend">{}</ul>').format(Markup("").join(entries))


def _short(text: str, most: int = 12) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _svg(title: str, width: int, height: int, parts: Sequence[Markup]) -> Markup:
    return Markup(
        '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}" '
        'preserveAspectRatio="xMinYMin meet">{}</svg>'
    ).format(width, height, escape(title), Markup("").join(parts))
