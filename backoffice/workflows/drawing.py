"""A definition as SVG: states in columns by distance from the start, moves as named curves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from html import escape

from backoffice.workflows.definition import Definition, State
from backoffice.workflows.drawing_places import Box, boxes, grid
from backoffice.workflows.drawing_routes import LINE, Curve, Edge, names, routes

SIZE = (124.0, 52.0)  # of a state's box, px
STEP = (226.0, 160.0)  # from centre to centre, px
MARGIN = 12.0
NAME_SIZE = 13  # letters of the names, px
NAME_WIDTH = 86.0  # names wider than this are broken into lines, px
FILL = {
    "neutral": "#eceff1",
    "waiting": "#fff4d6",
    "working": "#e1eefb",
    "good": "#e0f3e6",
    "bad": "#fbe4e1",
}
EDGING = {
    "neutral": "#78868f",
    "waiting": "#b7860b",
    "working": "#2f6fb0",
    "good": "#2c7a4b",
    "bad": "#b23b2e",
}
FONT = "'Noto Sans CJK SC','PingFang SC','Microsoft YaHei',sans-serif"


@dataclass(frozen=True)
class Layout:
    """Everything placed, px."""

    states: Mapping[str, Box]
    curves: Mapping[Edge, Curve]
    names: Mapping[Edge, Box]
    lines: Mapping[Edge, tuple[str, ...]]

    def frame(self) -> tuple[float, float, float, float]:
        """Return left, top, width and height of what is drawn, with its margin."""
        rects = [*self.states.values(), *self.names.values()]
        points = [point for curve in self.curves.values() for point in curve.samples()]
        xs = [r.x + s * r.width / 2 for r in rects for s in (-1, 1)] + [p[0] for p in points]
        ys = [r.y + s * r.height / 2 for r in rects for s in (-1, 1)] + [p[1] for p in points]
        left, top = min(xs) - MARGIN, min(ys) - MARGIN
        return left, top, max(xs) + MARGIN - left, max(ys) + MARGIN - top


def layout(definition: Definition, locale: str = "zh") -> Layout:
    """Return where everything stands; kept, because finding it takes some tenths of a second."""
    edges: dict[Edge, list[str]] = defaultdict(list)
    for transition in definition.transitions:
        for source in transition.sources:
            edges[(source, transition.target)].append(transition.label.get(locale))
    lines = tuple((edge, _broken(labels)) for edge, labels in edges.items())
    return _layout(tuple(grid(definition).items()), lines)


@lru_cache(maxsize=32)
def _layout(
    places: tuple[tuple[str, tuple[int, int]], ...], lines: tuple[tuple[Edge, tuple[str, ...]], ...]
) -> Layout:
    states = boxes(dict(places), SIZE, STEP)
    curves = routes([edge for edge, _ in lines], states)
    sizes = {
        edge: (max(text_width(line) for line in text), LINE * len(text)) for edge, text in lines
    }
    return Layout(states, curves, names(curves, sizes, states), dict(lines))


def text_width(text: str, size: float = NAME_SIZE) -> float:
    """Return the width of a line of text, a little more than any of our typefaces needs, px."""
    wide = sum(ord(letter) > 0x2E7F for letter in text)
    return size * (wide + 0.57 * (len(text) - wide)) + 2


def _broken(labels: list[str]) -> tuple[str, ...]:
    """Return the names of one edge in lines, broken at spaces when they are long."""
    lines: list[str] = []
    for number, label in enumerate(labels):
        words = (f"{label} /" if number + 1 < len(labels) else label).split(" ")
        line = ""
        for word in words:
            longer = f"{line} {word}" if line else word
            if line and text_width(longer) > NAME_WIDTH and word != "/":
                lines.append(line)
                longer = word
            line = longer
        lines.append(line)
    return tuple(lines)


def svg(
    definition: Definition,
    locale: str = "zh",
    counts: Mapping[str, int] | None = None,
    links: Mapping[str, str] | None = None,
) -> str:
    """Return the definition drawn. Colours are attributes, no styles: fit for a strict page.

    counts: the number of orders in each state, shown in its box. links: addresses the boxes lead
    to, by state.
    """
    placed = layout(definition, locale)
    left, top, width, height = placed.frame()
    title = escape(definition.title.get(locale))
    arrow = f"arrow-{definition.name}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{left:.0f} {top:.0f} {width:.0f} '
        f'{height:.0f}" width="{width:.0f}" height="{height:.0f}" role="img" aria-label="{title}" font-family="{FONT}">',
        f'<defs><marker id="{arrow}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="#5b6770"/></marker></defs>',
        f'<rect x="{left:.0f}" y="{top:.0f}" width="{width:.0f}" height="{height:.0f}" '
        'fill="#fff"/>',
    ]
    parts += [_curve(curve, arrow) for curve in placed.curves.values()]
    parts += [_name(box, placed.lines[edge]) for edge, box in placed.names.items()]
    for state in definition.states:
        drawn = _state(state, placed.states[state.name], locale, counts)
        address = (links or {}).get(state.name)
        parts.append(f'<a href="{escape(address)}">{drawn}</a>' if address else drawn)
    return "\n".join([*parts, "</svg>"])


def _curve(curve: Curve, arrow: str) -> str:
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = curve.points
    return (
        f'<path d="M{ax:.0f} {ay:.0f}C{bx:.0f} {by:.0f} {cx:.0f} {cy:.0f} {dx:.0f} {dy:.0f}" '
        f'fill="none" stroke="#5b6770" stroke-width="1.3" marker-end="url(#{arrow})"/>'
    )


def _name(box: Box, lines: tuple[str, ...]) -> str:
    first = box.y - box.height / 2 + LINE - 4
    spans = "".join(
        f'<tspan x="{box.x:.0f}" y="{first + LINE * number:.0f}">{escape(line)}</tspan>'
        for number, line in enumerate(lines)
    )
    halo = 'stroke="#fff" stroke-width="4" stroke-linejoin="round" paint-order="stroke"'
    return f'<text class="move" font-size="{NAME_SIZE}" fill="#37424a" text-anchor="middle" {halo}>{spans}</text>'


def _state(state: State, box: Box, locale: str, counts: Mapping[str, int] | None) -> str:
    weight = 2.6 if state.terminal else 1.3
    second = state.name if counts is None else f"{counts.get(state.name, 0):,}"
    size, bold = (12, "") if counts is None else (15, ' font-weight="600"')
    label = escape(state.label.get(locale))
    first = next((s for s in (15, 14, 13, 12) if text_width(label, s) < box.width - 12), 11)
    return (
        f'<g class="state"><rect x="{box.x - box.width / 2:.0f}" y="{box.y - box.height / 2:.0f}" '
        f'width="{box.width:.0f}" height="{box.height:.0f}" rx="8" fill="{FILL[state.tone]}" '
        f'stroke="{EDGING[state.tone]}" stroke-width="{weight}"/>'
        f'<text x="{box.x:.0f}" y="{box.y - 4:.0f}" font-size="{first}" font-weight="600" '
        f'fill="#1d262c" text-anchor="middle">{label}</text>'
        f'<text x="{box.x:.0f}" y="{box.y + 16:.0f}" font-size="{size}"{bold} fill="#4b565e" '
        f'text-anchor="middle">{escape(second)}</text></g>'
    )
