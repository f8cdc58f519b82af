"""A small fault in a source, as one splice of its text."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """Characters ``start..end`` of the source replaced by ``replacement``; lines are 1-based, inclusive."""

    id: int
    line: int
    last: int
    operator: str
    start: int
    end: int
    before: str
    replacement: str
    symbol: str
    """The enclosing function (``Class.method``)."""

    def apply(self, source: str) -> str:
        """Return the mutated source."""
        return source[: self.start] + self.replacement + source[self.end :]
