"""Which rows of the matrix become cases: greedily, by what each adds for what it takes to read."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from .tracer import Arc

_ARC, _KILL = 2.0, 3.0


class Row(NamedTuple):
    """What one candidate runs, which mutants it tells apart, and what reading it takes."""

    arcs: frozenset[Arc]
    kills: frozenset[int]
    cost: float


class Chosen(NamedTuple):
    """A row that was chosen, and what it was the first to bring."""

    row: int
    arcs: frozenset[Arc]
    kills: frozenset[int]


def choose(rows: Sequence[Row], covered: frozenset[Arc], *, last: Collection[int], most: int) -> list[Chosen]:
    """Return at most *most* rows that add arcs or dead mutants to what is *covered*, the best first.

    Those in *last* come after all others, and only for arcs: what breaks a declared type is no way to tell mutants.
    """
    picked = _Picked(rows, covered, most)
    late = set(last)
    picked.take(set(range(len(rows))) - late, _KILL)
    picked.take(late, 0.0)
    return picked.chosen


class _Picked:
    """What is chosen so far, and what it brings together."""

    def __init__(self, rows: Sequence[Row], covered: frozenset[Arc], most: int) -> None:
        self._rows, self._covered, self._most = rows, covered, most
        self._dead: frozenset[int] = frozenset()
        self.chosen: list[Chosen] = []

    def take(self, left: set[int], kill: float) -> None:
        """Choose among *left* until none of them adds anything; a dead mutant is worth *kill*."""
        while left and len(self.chosen) < self._most:
            best = max(left, key=lambda number: (self._worth(number, kill), -number))
            if self._worth(best, kill) <= 0:
                break
            left.discard(best)
            row = self._rows[best]
            self.chosen.append(Chosen(best, row.arcs - self._covered, row.kills - self._dead))
            self._covered |= row.arcs
            self._dead |= row.kills

    def _worth(self, number: int, kill: float) -> float:
        row = self._rows[number]
        return (_ARC * len(row.arcs - self._covered) + kill * len(row.kills - self._dead)) / row.cost
