"""How much of one file the tests run."""

from dataclasses import dataclass

Branch = tuple[int, int]
"""The line of a decision, and the number of one way out of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Coverage of one file; lines are 1-based."""

    lines: frozenset[int] = frozenset()
    branches: frozenset[Branch] = frozenset()
    all_lines: frozenset[int] = frozenset()
    all_branches: frozenset[Branch] = frozenset()

    @property
    def line_percent(self) -> float:
        """0..100; a file without statements is fully covered."""
        return _percent(len(self.lines), len(self.all_lines))

    @property
    def branch_percent(self) -> float:
        """0..100; a file without branches is fully covered."""
        return _percent(len(self.branches), len(self.all_branches))

    @property
    def missing(self) -> tuple[int, ...]:
        """Statements that nothing reaches."""
        return tuple(sorted(self.all_lines - self.lines))

    def __or__(self, other: "Measured") -> "Measured":
        """Return what either of two runs covers."""
        return Measured(
            lines=self.lines | other.lines,
            branches=self.branches | other.branches,
            all_lines=self.all_lines | other.all_lines,
            all_branches=self.all_branches | other.all_branches,
        )


def _percent(part: int, whole: int) -> float:
    return round(100.0 * part / whole, 1) if whole else 100.0
