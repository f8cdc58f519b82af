"""Quality over days: exponentially weighted means of what gates, the judge and people said, and when one drops.

EWMA after Roberts (1959): ``e = a * x + (1 - a) * e``. In integer millionths, so that it is the same everywhere.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from tta_orchestrate.domain.ledger import Entry, Quality

PPM: Final = 1_000_000
WEIGHT_PERCENT: Final = 30
"""What the newest day counts, in percent."""
FEWEST: Final = 20
"""Gated answers, judged ones or findings that somebody decided on, in all, below which a drop is chance."""
GATES: Final = "gate_pass"
MEASURES: Final[Mapping[str, Callable[[Quality], tuple[int, int]]]] = {
    GATES: lambda one: (one.passed * PPM, one.gated),
    "judge_score": lambda one: (one.judge_ppm, one.judged),
    "accepted": lambda one: (one.accepted * PPM, one.accepted + one.dismissed),
}
"""Each rate as a sum of millionths and how many it is the mean of."""


def millionths(score: float) -> int:
    """Return a judge's score, forced into 0 to 1, in millionths."""
    return round(min(1.0, max(0.0, score)) * PPM)


def trend(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """Return one row for each day that has something to tell: each rate, its EWMA, and how many it rests on.

    ``n``, ``gate_pass`` and ``ewma`` are of the gates; the judge's and the people's have their names. ``None``: nothing
    was counted that day.
    """
    days = _days(entries)
    smooth = {name: _smoothed(days, name) for name in MEASURES}
    return [
        {
            "day": day,
            "n": total.gated,
            **_row(total, smooth[GATES].get(day), GATES, "ewma"),
            "judged": total.judged,
            **_row(total, smooth["judge_score"].get(day), "judge_score", "judge_ewma"),
            "decided": total.accepted + total.dismissed,
            **_row(total, smooth["accepted"].get(day), "accepted", "accepted_ewma"),
        }
        for day, total in days.items()
        if any(day in known for known in smooth.values())
    ]


def _row(total: Quality, smooth: int | None, name: str, ewma_name: str) -> dict[str, str | None]:
    known, count = MEASURES[name](total)
    return {name: places(known // count) if count else None, ewma_name: None if smooth is None else places(smooth)}


def _days(entries: Iterable[Entry]) -> dict[str, Quality]:
    days: dict[str, Quality] = {}
    for entry in entries:
        days[entry.day] = days.get(entry.day, Quality()) + entry.quality
    return dict(sorted(days.items()))


def _smoothed(days: Mapping[str, Quality], name: str) -> dict[str, int]:
    """Return the EWMA of one measure after each day that has it."""
    known = {day: known // count for day, total in days.items() for known, count in [MEASURES[name](total)] if count}
    return dict(zip(known, ewma(list(known.values())), strict=True))


def places(ppm: int) -> str:
    """Return millionths as a decimal string with four places, rounded half up."""
    rounded = (ppm + 50) // 100
    return f"{rounded // 10_000}.{rounded % 10_000:04}"


def ewma(values: Sequence[int], weight_percent: int = WEIGHT_PERCENT) -> list[int]:
    """Return the weighted mean after each of *values*; it starts at the first."""
    smooth: list[int] = []
    for value in values:
        before = smooth[-1] if smooth else value
        smooth.append((weight_percent * value + (100 - weight_percent) * before + 50) // 100)
    return smooth


def drops(entries: Iterable[Entry]) -> dict[str, int]:
    """Return, for each measure, by how many millionths its EWMA stands below its own best of the month.

    A measure that too little rests on to tell is left out.
    """
    days = _days(entries)
    smooth = {
        name: list(_smoothed(days, name).values())
        for name, of in MEASURES.items()
        if sum(of(total)[1] for total in days.values()) >= FEWEST
    }
    return {name: max(values) - values[-1] for name, values in smooth.items()}
