"""What test generation reports of one target: plain figures, every gate named, every drop with its reason."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tta_orchestrate.domain.measured import Measured
from tta_orchestrate.modes.test_gen.mutants import Mutant

GATES = ("static", "collects", "passes", "stable", "gains", "bites", "fail-to-pass", "cheap")


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """A candidate that is not kept: at which gate, and why."""

    test: str
    gate: str
    reason: str
    file: str = ""
    """Where it stands, for a test of the repository's own suite."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A test that is kept, and what it earns its place with."""

    test: str
    gains: int
    """Lines and branches that nothing reached before it."""
    kills: int
    """Mutants that nothing told from the original before it."""
    label: str = ""
    """``change-proving`` or ``regression-guard`` where there is a base revision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """Mutants that compile, import and were run; ``killed`` counts those that some test told apart."""

    total: int = 0
    killed: int = 0
    import_only: int = 0
    """Killed by mere import: in neither figure."""
    not_run: int = 0

    @property
    def score(self) -> float | None:
        """0..100, ``None`` when nothing was run."""
        return round(100.0 * self.killed / self.total, 1) if self.total else None

    def to_json(self) -> dict[str, Any]:
        """Return plain figures."""
        return {
            "score": self.score,
            "killed": self.killed,
            "total": self.total,
            "import_only": self.import_only,
            "not_run": self.not_run,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """A call with arguments of the declared kinds that ended in an accident (IndexError …): bug or contract?"""

    target: str
    expr: str
    error: str
    line: int
    expected: str = ""
    """What a test claimed instead; empty: any ordinary end."""


@dataclass(slots=True, kw_only=True)
class TargetResult:
    """Everything about one target; filled step by step."""

    path: str
    module: str = ""
    tests_path: str = ""
    text: str = ""
    before: Measured | None = None
    after: Measured | None = None
    mutation_before: Mutation = field(default_factory=Mutation)
    mutation_after: Mutation = field(default_factory=Mutation)
    survivors: list[Mutant] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    dropped: list[Drop] = field(default_factory=list)
    gates: dict[str, str] = field(default_factory=lambda: dict.fromkeys(GATES, "not run"))
    suspects: list[Suspect] = field(default_factory=list)
    regressions: list[Drop] = field(default_factory=list)
    baseline: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    """What only a person can decide."""
    models: list[dict[str, Any]] = field(default_factory=list)
    """Which model was asked for what, and what came of it."""
    waits: bool = False
    """Questions to models are in a batch: a later run goes on, and judges what is there then."""
    earlier: str | None = None
    """The text of the file that was added to; ``None`` where the file is new."""
    reason: str = ""
    """Why there is nothing, when there is nothing."""
    seconds: float = 0.0
    generator: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the entry of ``targets`` in ``findings.json``."""
        return {
            "path": self.path,
            "module": self.module,
            "tests": self.tests_path if self.kept else None,
            "coverage": {"before": _coverage(self.before), "after": _coverage(self.after)},
            "mutation": {"before": self.mutation_before.to_json(), "after": self.mutation_after.to_json()},
            "kept": [{"test": k.test, "gains": k.gains, "kills": k.kills, "label": k.label} for k in self.kept],
            "dropped": [{"test": d.test, "gate": d.gate, "reason": d.reason} for d in self.dropped[:200]],
            "dropped_by_gate": dict(sorted(Counter(d.gate for d in self.dropped).items())),
            "gates": self.gates,
            "survivors": [
                {
                    "line": m.line,
                    "symbol": m.symbol,
                    "operator": m.operator,
                    "before": m.before[:120],
                    "after": m.replacement[:120],
                }
                for m in self.survivors[:50]
            ],
            "suspects": [
                {"target": s.target, "call": s.expr, "error": s.error, "line": s.line, "expected": s.expected}
                for s in self.suspects
            ],
            "possible_regressions": [{"test": d.test, "reason": d.reason} for d in self.regressions],
            "baseline": self.baseline,
            "generator": self.generator,
            "notes": self.notes,
            "questions": self.questions[:100],
            "models": self.models,
            "reason": self.reason,
            "seconds": round(self.seconds, 1),
        }


def _coverage(measured: Measured | None) -> dict[str, Any] | None:
    if measured is None:
        return None
    return {
        "lines": {"covered": len(measured.lines), "total": len(measured.all_lines), "percent": measured.line_percent},
        "branches": {
            "covered": len(measured.branches),
            "total": len(measured.all_branches),
            "percent": measured.branch_percent,
        },
        "missing_lines": list(measured.missing)[:500],
    }
