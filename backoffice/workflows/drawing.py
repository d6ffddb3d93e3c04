"""A definition as SVG: states in columns by distance from the start, moves as labelled curves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

from backoffice.workflows.definition import Definition, State

WIDTH, HEIGHT = 132, 54  # of a state's box, px
STEP_X, STEP_Y = 250, 150  # from box to box, px
MARGIN = 46
FILL = {
    "neutral": "#eceff1",
    "waiting": "#fff4d6",
    "working": "#e1eefb",
    "good": "#e0f3e6",
    "bad": "#fbe4e1",
}
LINE = {
    "neutral": "#78868f",
    "waiting": "#b7860b",
    "working": "#2f6fb0",
    "good": "#2c7a4b",
    "bad": "#b23b2e",
}
FONT = "'Noto Sans CJK SC','PingFang SC','Microsoft YaHei',sans-serif"


@dataclass(frozen=True)
class Place:
    """Centre of a state's box, px."""

    x: float
    y: float


def svg(definition: Definition, locale: str = "zh", counts: Mapping[str, int] | None = None) -> str:
    """Return the definition drawn; with `counts`, the number of orders in each state."""
    places = _places(definition)
    width = max(p.x for p in places.values()) + WIDTH / 2 + MARGIN
    height = max(p.y for p in places.values()) + HEIGHT / 2 + MARGIN + 30
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'role="img" aria-label="{escape(definition.title.get(locale))}" font-family="{FONT}">',
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="#5b6770"/></marker></defs>',
    ]
    parts += [_edge(places, *edge, labels) for edge, labels in _edges(definition, locale).items()]
    for state in definition.states:
        parts.append(_box(state, places[state.name], locale, counts))
    return "\n".join([*parts, "</svg>"])


def _places(definition: Definition) -> dict[str, Place]:
    """Columns are steps from the start; in a column, states keep the definition's order."""
    depth = {definition.initial: 0}
    frontier = [definition.initial]
    while frontier:
        here = frontier.pop(0)
        for transition in definition.transitions:
            if here in transition.sources and transition.target not in depth:
                depth[transition.target] = depth[here] + 1
                frontier.append(transition.target)
    columns: dict[int, list[str]] = defaultdict(list)
    for state in definition.states:
        columns[depth[state.name]].append(state.name)
    tallest = max(len(names) for names in columns.values())
    places = {}
    for column, names in columns.items():
        lead = (tallest - len(names)) / 2
        for row, name in enumerate(names):
            places[name] = Place(
                MARGIN + WIDTH / 2 + column * STEP_X,
                MARGIN + HEIGHT / 2 + (row + lead) * STEP_Y,
            )
    return places


def _edges(definition: Definition, locale: str) -> dict[tuple[str, str], list[str]]:
    edges: dict[tuple[str, str], list[str]] = defaultdict(list)
    for transition in definition.transitions:
        for source in transition.sources:
            edges[(source, transition.target)].append(transition.label.get(locale))
    return edges


def _edge(places: Mapping[str, Place], source: str, target: str, labels: list[str]) -> str:
    a, b = places[source], places[target]
    if source == target:
        path = f"M{a.x - 24:.0f} {a.y + HEIGHT / 2:.0f}c-16 34 64 34 48 0"
        middle = Place(a.x, a.y + HEIGHT / 2 + 38)
    else:
        start, end, bend = _ends(a, b)
        path = (
            f"M{start.x:.0f} {start.y:.0f}C{start.x + bend[0]:.0f} {start.y + bend[1]:.0f} "
            f"{end.x + bend[2]:.0f} {end.y + bend[3]:.0f} {end.x:.0f} {end.y:.0f}"
        )
        middle = Place(
            (start.x + end.x) / 2 + 0.375 * (bend[0] + bend[2]),
            (start.y + end.y) / 2 + 0.375 * (bend[1] + bend[3]),
        )
    text = escape(" / ".join(labels))
    halo = 'stroke="#fff" stroke-width="4" paint-order="stroke"'
    return (
        f'<path d="{path}" fill="none" stroke="#5b6770" stroke-width="1.3" '
        f'marker-end="url(#arrow)"/><text x="{middle.x:.0f}" y="{middle.y:.0f}" font-size="12" '
        f'fill="#37424a" text-anchor="middle" {halo}>{text}</text>'
    )


def _ends(a: Place, b: Place) -> tuple[Place, Place, tuple[float, float, float, float]]:
    """Return where a curve leaves and arrives, and the offsets of its two control points."""
    if b.x > a.x:  # forward: right side to left side
        return (
            Place(a.x + WIDTH / 2, a.y),
            Place(b.x - WIDTH / 2 - 2, b.y),
            (60.0, 0.0, -60.0, 0.0),
        )
    if b.x < a.x:  # back: under the boxes
        return (
            Place(a.x - 20, a.y + HEIGHT / 2),
            Place(b.x + 20, b.y + HEIGHT / 2 + 2),
            (-30.0, 60.0, 30.0, 60.0),
        )
    side = 1 if b.y > a.y else -1  # same column: down on the right, up on the left
    return (
        Place(a.x + side * 20, a.y + side * HEIGHT / 2),
        Place(b.x + side * 20, b.y - side * (HEIGHT / 2 + 2)),
        (side * 14.0, side * 24.0, side * 14.0, -side * 24.0),
    )


def _box(state: State, place: Place, locale: str, counts: Mapping[str, int] | None) -> str:
    x, y = place.x - WIDTH / 2, place.y - HEIGHT / 2
    weight = 2.6 if state.terminal else 1.3
    count = "" if counts is None else f"{counts.get(state.name, 0):,}"
    second = count or state.name
    return (
        f'<g><rect x="{x:.0f}" y="{y:.0f}" width="{WIDTH}" height="{HEIGHT}" rx="8" '
        f'fill="{FILL[state.tone]}" stroke="{LINE[state.tone]}" stroke-width="{weight}"/>'
        f'<text x="{place.x:.0f}" y="{place.y - 3:.0f}" font-size="15" font-weight="600" '
        f'fill="#1d262c" text-anchor="middle">{escape(state.label.get(locale))}</text>'
        f'<text x="{place.x:.0f}" y="{place.y + 16:.0f}" font-size="12" fill="#4b565e" '
        f'text-anchor="middle">{escape(second)}</text></g>'
    )
