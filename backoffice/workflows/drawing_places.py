"""Where the states of a drawing stand: columns by distance from the start, rows by short lines."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from backoffice.workflows.definition import Definition

Grid = dict[str, tuple[int, int]]  # state -> (column, row)
BLOCKED, CROSSED = 6.0, 3.0  # cost of a line through a box, and of two lines crossing, in rows


def grid(definition: Definition) -> Grid:
    """Return column and row of every state.

    A column is the number of steps from the start; the rows are chosen so that lines are short,
    rarely cross and do not run through other states. The same definition gives the same grid.
    """
    columns = _columns(definition)
    height = max(len(names) for names in columns.values())
    edges = sorted(
        {
            (min(source, t.target), max(source, t.target))
            for t in definition.transitions
            for source in t.sources
            if source != t.target
        }
    )
    places = {name: (c, row) for c, names in columns.items() for row, name in enumerate(names)}
    best = _cost(places, edges)
    better = True
    while better:
        better = False
        for candidate in _neighbours(places, height):
            cost = _cost(candidate, edges)
            if cost < best - 1e-9:
                places, best, better = candidate, cost, True
                break
    return places


def _columns(definition: Definition) -> dict[int, list[str]]:
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
    return columns


def _neighbours(places: Grid, height: int) -> Iterator[Grid]:
    """Yield the grid with one state moved to another row, changing places with who stands there."""
    for name, (column, row) in places.items():
        for other in range(height):
            if other == row:
                continue
            moved = {n: (c, row) if (c, r) == (column, other) else (c, r) for n, (c, r) in places.items()}  # fmt: skip
            moved[name] = (column, other)
            yield moved


def _cost(places: Grid, edges: list[tuple[str, str]]) -> float:
    lines = [(places[a], places[b]) for a, b in edges]
    total = sum(abs(a[1] - b[1]) + 0.1 * max(a[1], b[1]) for a, b in lines)
    total += BLOCKED * sum(_blocked(a, b, places) for a, b in lines)
    for index, first in enumerate(lines):
        total += CROSSED * sum(cross(*first, *second) for second in lines[index + 1 :])
    return total


def _blocked(a: tuple[int, int], b: tuple[int, int], places: Grid) -> int:
    """Return how many states stand on the straight line from a to b."""
    return sum(
        p not in (a, b)
        and min(a[0], b[0]) <= p[0] <= max(a[0], b[0])
        and min(a[1], b[1]) <= p[1] <= max(a[1], b[1])
        and abs((b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0])) < 0.6
        for p in places.values()
    )


Point = tuple[float, float]


def cross(a: Point, b: Point, c: Point, d: Point) -> bool:
    """Return whether the open line a-b properly crosses c-d."""
    if max(a[0], b[0]) < min(c[0], d[0]) or max(c[0], d[0]) < min(a[0], b[0]):
        return False
    return _turn(a, b, c) * _turn(a, b, d) < 0 and _turn(c, d, a) * _turn(c, d, b) < 0


def _turn(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


@dataclass(frozen=True)
class Box:
    """A rectangle by centre and size, px."""

    x: float
    y: float
    width: float
    height: float

    def covers(self, point: Point, margin: float = 0.0) -> bool:
        """Return whether the point lies inside, or closer than `margin` to it."""
        return (
            abs(point[0] - self.x) < self.width / 2 + margin
            and abs(point[1] - self.y) < self.height / 2 + margin
        )

    def overlaps(self, other: Box, margin: float = 0.0) -> bool:
        """Return whether the two share area, or come closer than `margin`."""
        return (
            abs(self.x - other.x) < (self.width + other.width) / 2 + margin
            and abs(self.y - other.y) < (self.height + other.height) / 2 + margin
        )


def boxes(places: Mapping[str, tuple[int, int]], size: Point, step: Point) -> dict[str, Box]:
    """Return the states' boxes: `size` wide and high, `step` from centre to centre, px."""
    return {n: Box(c * step[0], r * step[1], *size) for n, (c, r) in places.items()}
