"""How the moves of a drawing run, and where their names stand: clear of states and of each other.

Every curve and every name has a handful of candidates; the cheapest one wins, and each is chosen
again once the others are known. Nothing is random: the same definition gives the same drawing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from math import hypot

from backoffice.workflows.drawing_places import Box, Point, cross

Edge = tuple[str, str]
NORMALS: dict[str, Point] = {"right": (1, 0), "left": (-1, 0), "bottom": (0, 1), "top": (0, -1)}
SAMPLES = 14  # straight pieces a curve is judged by
KEPT = 12  # candidates of an edge that are compared with the other edges
ROUNDS = 3
BESIDE = 11.0  # closer than this, two curves count as running side by side, px
LINE = 16.0  # height of a line of text, px


@dataclass(frozen=True)
class Curve:
    """A cubic Bezier: where it leaves, two control points, where it arrives. px."""

    points: tuple[Point, Point, Point, Point]
    ports: tuple[tuple[str, str, float], tuple[str, str, float]]  # state, side, offset

    def at(self, t: float) -> Point:
        """Return the point at `t` from 0 (leaves) to 1 (arrives)."""
        weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
        return (
            sum(w * p[0] for w, p in zip(weights, self.points, strict=True)),
            sum(w * p[1] for w, p in zip(weights, self.points, strict=True)),
        )

    def samples(self, pieces: int = SAMPLES) -> list[Point]:
        """Return points along the curve, both ends included."""
        return [self.at(i / pieces) for i in range(pieces + 1)]


@dataclass(frozen=True)
class Route:
    """A candidate with its samples, the box around them, and what it costs by itself."""

    curve: Curve
    samples: tuple[Point, ...]
    around: Box
    cost: float


def routes(edges: Sequence[Edge], boxes: Mapping[str, Box]) -> dict[Edge, Curve]:
    """Return a curve for every edge: short, around the states, rarely across another."""
    candidates = {}
    for edge in edges:
        found = (_route(curve, edge, boxes) for curve in _curves(edge, boxes))
        candidates[edge] = sorted(found, key=lambda r: r.cost)[:KEPT]
    chosen: dict[Edge, Route] = {}
    known: dict[tuple[int, int], float] = {}

    def together(route: Route, other: Route) -> float:
        pair = (id(route), id(other))
        if pair not in known:
            known[pair] = known[pair[::-1]] = _between(route, other)
        return known[pair]

    for _ in range(ROUNDS):
        for edge in edges:
            others = [route for other, route in chosen.items() if other != edge]
            chosen[edge] = min(
                candidates[edge], key=lambda r: r.cost + sum(together(r, o) for o in others)
            )
    return {edge: chosen[edge].curve for edge in edges}


def _curves(edge: Edge, boxes: Mapping[str, Box]) -> Iterator[Curve]:
    a, b = boxes[edge[0]], boxes[edge[1]]
    for side, other in product(NORMALS, NORMALS):
        for shift, landing in product(_offsets(side), _offsets(other)):
            start, end = _port(a, side, shift), _port(b, other, landing)
            gap = hypot(end[0] - start[0], end[1] - start[1])
            if edge[0] == edge[1]:
                if side != other or shift >= landing:
                    continue
                gap = 80.0
            reach = min(110.0, max(22.0, gap * 0.45))
            (nx, ny), (mx, my) = NORMALS[side], NORMALS[other]
            yield Curve(
                (
                    start,
                    (start[0] + nx * reach, start[1] + ny * reach),
                    (end[0] + mx * reach, end[1] + my * reach),
                    end,
                ),
                ((edge[0], side, shift), (edge[1], other, landing)),
            )


def _offsets(side: str) -> tuple[float, ...]:
    return (-13.0, 0.0, 13.0) if side in ("left", "right") else (-32.0, 0.0, 32.0)


def _port(box: Box, side: str, shift: float) -> Point:
    nx, ny = NORMALS[side]
    return (
        box.x + nx * box.width / 2 + (0 if nx else shift),
        box.y + ny * box.height / 2 + (0 if ny else shift),
    )


def _route(curve: Curve, edge: Edge, boxes: Mapping[str, Box]) -> Route:
    samples = tuple(curve.samples())
    xs, ys = [p[0] for p in samples], [p[1] for p in samples]
    left, right, top, bottom = min(xs), max(xs), min(ys), max(ys)
    around = Box((left + right) / 2, (top + bottom) / 2, right - left, bottom - top)
    return Route(curve, samples, around, _alone(curve, samples, edge, boxes))


def _alone(curve: Curve, samples: Sequence[Point], edge: Edge, boxes: Mapping[str, Box]) -> float:
    length = sum(hypot(q[0] - p[0], q[1] - p[1]) for p, q in pairwise(samples))
    cost = length + 0.6 * sum(abs(shift) for _, _, shift in curve.ports)
    cost += sum(14.0 for _, side, _ in curve.ports if side in ("top", "bottom"))
    for name, box in boxes.items():
        margin = -1.0 if name in edge else 9.0
        cost += 400.0 * sum(box.covers(point, margin) for point in samples[1:-1])
    return cost


def _between(route: Route, other: Route) -> float:
    """Return the cost of two curves together: crossings, running side by side, shared ports."""
    if not route.around.overlaps(other.around, BESIDE):
        return 0.0
    cost = 90.0 * len(set(route.curve.ports) & set(other.curve.ports))
    for p, q in pairwise(route.samples):
        for r, s in pairwise(other.samples):
            if cross(p, q, r, s):
                cost += 160.0
    for p in route.samples[1:-1]:
        if any(
            abs(p[0] - r[0]) < BESIDE and abs(p[1] - r[1]) < BESIDE for r in other.samples[1:-1]
        ):
            cost += 22.0
    return cost


def names(
    curves: Mapping[Edge, Curve], sizes: Mapping[Edge, Point], boxes: Mapping[str, Box]
) -> dict[Edge, Box]:
    """Return the place of every edge's name. `sizes`: width and height of the names, px."""
    paths = {edge: curve.samples(2 * SAMPLES) for edge, curve in curves.items()}
    placed: dict[Edge, Box] = {}
    states = [*boxes.values()]
    for _ in range(ROUNDS):
        for edge, curve in curves.items():
            others = [box for other, box in placed.items() if other != edge]
            foreign = [p for other, path in paths.items() if other != edge for p in path]
            placed[edge] = min(
                _places(curve, sizes[edge]),
                key=lambda place: place[1] + _name_cost(place[0], states, others, foreign),
            )[0]
    return placed


def _places(curve: Curve, size: Point) -> Iterator[tuple[Box, float]]:
    """Yield places along the curve, on it or beside it, each with its own cost."""
    width, height = size
    path = curve.samples()
    for step in range(3, 18):
        t = step / 20
        x, y = curve.at(t)
        middle = abs(t - 0.5) * 60
        on_it = Box(x, y, width, height)
        hidden = sum(on_it.covers(point) for point in path)  # the name's ground hides the curve
        yield (
            on_it,
            middle + 4 + (300 if hidden > SAMPLES / 2 else 3 * hidden) + 2 * middle * (t > 0.6),
        )  # not on the arrow's head
        for dx, dy in product((-1, 0, 1), (-1, 0, 1)):
            if dx or dy:
                shifted = Box(x + dx * (width / 2 + 5), y + dy * (height / 2 + 4), width, height)
                yield shifted, middle + (10 if dx and dy else 0)


def _name_cost(
    box: Box, states: Sequence[Box], others: Sequence[Box], foreign: Sequence[Point]
) -> float:
    cost = 5000.0 * sum(box.overlaps(state, 4.0) for state in states)
    cost += 5000.0 * sum(box.overlaps(other, 3.0) for other in others)
    cost += 60.0 * sum(box.overlaps(other, 12.0) for other in others)  # whose name is whose
    cost += 60.0 * sum(box.covers(point, 5.0) for point in foreign)
    return cost
