"""One row a benchmark: what, the ratio, the goal, and what the reference was."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """A measured ratio. `better` says which direction the goal means."""

    name: str
    ratio: float
    goal: float
    better: str  # "higher" or "lower"
    reference: str
    detail: str = ""

    @property
    def reached(self) -> bool:
        """True if the goal was met in this run."""
        return self.ratio >= self.goal if self.better == "higher" else self.ratio <= self.goal


@dataclass(frozen=True)
class Times:
    """Median and 95th percentile of one kind of step, in milliseconds."""

    p50: float
    p95: float


def times(taken: Sequence[float]) -> Times:
    """Return median and 95th percentile of what was taken, in the same unit."""
    ordered = sorted(taken)
    return Times(statistics.median(ordered), ordered[int(0.95 * (len(ordered) - 1))])


def show(rows: Sequence[Row]) -> str:
    """Return the rows as a Markdown table."""
    lines = ["| benchmark | ratio | goal | | reference | detail |", "|---|---|---|---|---|---|"]
    for row in rows:
        sign = "≥" if row.better == "higher" else "≤"
        mark = "✓" if row.reached else "✗"
        lines.append(
            f"| {row.name} | {row.ratio:.2f} | {sign} {row.goal:g} | {mark} "
            f"| {row.reference} | {row.detail} |"
        )
    return "\n".join(lines)
