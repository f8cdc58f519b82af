"""How good a review was: findings against labels. Pure: no files, no clock, no chance but the seed that is passed in.

A finding is right when some label has the same path and side, overlapping lines within ``TOLERANCE`` on either end, and
a compatible category: the same one, or both of {bug, reliability, performance}, or both of {maintainability, testing,
documentation}, or security and bug. Findings and labels are matched one to one, as many as possible: a second finding
about a label that is taken counts as wrong, because a reader pays for it. A label without category fits any.
"""

import math
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

TOLERANCE = 2
_KIN = (
    frozenset({"bug", "reliability", "performance"}),
    frozenset({"maintainability", "testing", "documentation"}),
    frozenset({"security", "bug"}),
)
Interval = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    path: str
    start: int
    end: int
    category: str
    side: str = "RIGHT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Label(Place):
    """What is known to be wrong; ``category`` may be empty."""

    severity: str = ""
    kind: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim(Place):
    """What a reviewer said."""

    rule: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """One change: what is wrong with it, what was said, what it cost."""

    name: str
    language: str
    labels: tuple[Label, ...]
    claims: tuple[Claim, ...] = ()
    usd: Decimal = Decimal(0)
    failure: str = ""
    """Why there was no review; its labels count as missed."""
    complete: bool = True
    """Whether everything that was planned was reviewed."""
    known_false: tuple[Label, ...] = ()
    """Places of comments that annotators refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    changes: int = 0
    clean: int = 0
    labels: int = 0
    claims: int = 0
    right: int = 0
    exact: int = 0
    overlap: int = 0
    noise_on_clean: int = 0
    wrong: int = 0
    repeats_false: int = 0
    failed: int = 0
    partial: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(**{name: getattr(self, name) + getattr(other, name) for name in Counts.__slots__})

    @property
    def precision(self) -> float | None:
        return ratio(self.right, self.claims)

    @property
    def recall(self) -> float | None:
        return ratio(self.right, self.labels)

    @property
    def f1(self) -> float | None:
        return ratio(2 * self.right, self.claims + self.labels)

    @property
    def noise(self) -> float | None:
        """Wrong findings a change, clean or not."""
        return ratio(self.wrong, self.changes)

    @property
    def clean_noise(self) -> float | None:
        """Findings a clean change."""
        return ratio(self.noise_on_clean, self.clean)


def ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def compatible(one: str, other: str) -> bool:
    return not one or not other or one == other or any({one, other} <= kin for kin in _KIN)


def near(claim: Place, label: Place, tolerance: int = TOLERANCE) -> bool:
    apart = max(claim.start, label.start) - min(claim.end, label.end)
    return (claim.path, claim.side) == (label.path, label.side) and apart <= tolerance


def matches(claims: Sequence[Place], labels: Sequence[Place]) -> dict[int, int]:
    """Return claim index -> label index: one to one, as many as possible, better lines first."""
    reach = {
        c: sorted(
            (n for n, label in enumerate(labels) if near(claim, label) and compatible(claim.category, label.category)),
            key=lambda n: _distance(claim, labels[n]),
        )
        for c, claim in enumerate(claims)
    }
    holder: dict[int, int] = {}

    def place(claim: int, tried: set[int]) -> bool:
        for label in reach[claim]:
            if label in tried:
                continue
            tried.add(label)
            if label not in holder or place(holder[label], tried):
                holder[label] = claim
                return True
        return False

    best_first = sorted(reach, key=lambda c: min((_distance(claims[c], labels[n]) for n in reach[c]), default=0))
    for claim in best_first:
        place(claim, set())
    return {claim: label for label, claim in holder.items()}


def _distance(claim: Place, label: Place) -> int:
    return abs(claim.start - label.start) + abs(claim.end - label.end)


def count(change: Reviewed, category: str | None = None) -> Counts:
    """Count one change; with *category*, labels of that category and claims that hit them or are of it."""
    pairs = matches(change.claims, change.labels)
    labels = [n for n, label in enumerate(change.labels) if category in {None, label.category}]
    hits = {c: n for c, n in pairs.items() if n in labels}
    strays = [c for c, claim in enumerate(change.claims) if c not in pairs and category in {None, claim.category}]
    right = [(change.claims[c], change.labels[n]) for c, n in hits.items()]
    wrong = [change.claims[c] for c in strays]
    clean = not change.labels
    return Counts(
        changes=1,
        clean=int(clean),
        labels=len(labels),
        claims=len(hits) + len(strays),
        right=len(hits),
        exact=sum((claim.start, claim.end) == (label.start, label.end) for claim, label in right),
        overlap=sum(near(claim, label, 0) for claim, label in right),
        noise_on_clean=len(strays) if clean else 0,
        wrong=len(wrong),
        repeats_false=len(matches(wrong, change.known_false)),
        failed=int(bool(change.failure)),
        partial=int(not change.failure and not change.complete),
    )


def total(changes: Iterable[Reviewed], category: str | None = None) -> Counts:
    return sum((count(change, category) for change in changes), Counts())


def wilson(part: int, whole: int, z: float = 1.959964) -> Interval | None:
    """The 95 % score interval of a share (Wilson 1927)."""
    if not whole:
        return None
    share, square = part / whole, z * z / whole
    middle = (share + square / 2) / (1 + square)
    half = z * math.sqrt(share * (1 - share) / whole + square / (4 * whole)) / (1 + square)
    return max(0.0, middle - half), min(1.0, middle + half)


def bootstrap(
    counted: Sequence[Counts], figure: Callable[[Counts], float | None], *, rounds: int = 1000, seed: int = 1
) -> Interval | None:
    """The 95 % percentile interval of *figure* over resampled changes; ``None`` where it is seldom defined.

    Changes are drawn, not findings: those of one change are not independent of each other.
    """
    chance = random.Random(seed)
    figures = []
    for _ in range(rounds if counted else 0):
        value = figure(sum(chance.choices(counted, k=len(counted)), Counts()))
        if value is not None:
            figures.append(value)
    if len(figures) < rounds // 2 or not figures:
        return None
    figures.sort()
    return figures[int(0.025 * len(figures))], figures[math.ceil(0.975 * len(figures)) - 1]


def summary(changes: Sequence[Reviewed], category: str | None = None) -> dict[str, object]:
    """All figures of *changes*, as JSON can hold them; shares in 0..1, money as decimal strings."""
    counted = [count(change, category) for change in changes]
    sums = sum(counted, Counts())
    return {
        **{name: getattr(sums, name) for name in Counts.__slots__},
        "precision": _figure(sums.precision, wilson(sums.right, sums.claims)),
        "recall": _figure(sums.recall, wilson(sums.right, sums.labels)),
        "f1": _figure(sums.f1, bootstrap(counted, lambda c: c.f1)),
        "line_exact": _figure(ratio(sums.exact, sums.right), wilson(sums.exact, sums.right)),
        "line_overlap": _figure(ratio(sums.overlap, sums.right), wilson(sums.overlap, sums.right)),
        "noise_per_change": _figure(sums.noise, bootstrap(counted, lambda c: c.noise)),
        "noise_per_clean_change": _figure(sums.clean_noise, bootstrap(counted, lambda c: c.clean_noise)),
    }


def cost(changes: Sequence[Reviewed]) -> dict[str, str | None]:
    spent, right = sum((change.usd for change in changes), Decimal(0)), total(changes).right
    return {"usd": str(spent), "usd_per_accepted_finding": str(spent / right) if right else None}


def grouped(changes: Sequence[Reviewed]) -> Mapping[str, Mapping[str, object]]:
    """Summaries of everything, by language, and by category."""
    languages = sorted({change.language for change in changes})
    categories = sorted({place.category for change in changes for place in (*change.labels, *change.claims)} - {""})
    return {
        "all": {"all": {**summary(changes), **cost(changes)}},
        "language": {name: summary([c for c in changes if c.language == name]) for name in languages},
        "category": {name: summary(changes, name) for name in categories},
    }


def _figure(value: float | None, interval: Interval | None) -> dict[str, object]:
    return {
        "value": None if value is None else round(value, 4),
        "interval": None if interval is None else [round(edge, 4) for edge in interval],
    }
