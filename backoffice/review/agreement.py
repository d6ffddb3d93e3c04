"""How far two reviewers agree beyond chance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Agreement:
    """Pairs of decisions about the same photos: how many, the share that agree, Cohen's kappa.

    kappa is None without pairs, and where both always said the same one thing: chance explains
    everything then, and nothing can be said.
    """

    pairs: int
    share: float | None
    kappa: float | None


def agreement(pairs: Sequence[tuple[str, str]]) -> Agreement:
    """Return the agreement of (first, second) decisions. Cohen 1960."""
    count = len(pairs)
    if not count:
        return Agreement(0, None, None)
    observed = sum(one == two for one, two in pairs) / count
    firsts, seconds = (Counter(side) for side in zip(*pairs, strict=True))
    by_chance = sum(firsts[word] * seconds[word] for word in firsts) / count**2
    kappa = None if by_chance == 1 else (observed - by_chance) / (1 - by_chance)
    return Agreement(count, observed, kappa)


def reason_agreement(
    code: str, pairs: Iterable[tuple[Collection[str], Collection[str]]]
) -> Agreement:
    """Return how far both sides agree on whether this reason applies."""
    return agreement([(str(code in one), str(code in two)) for one, two in pairs])
