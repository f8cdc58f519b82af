"""Quality over days: an exponentially weighted mean of the gate pass rate and the judge's score, and when it drops.

EWMA after Roberts (1959): ``e = a * x + (1 - a) * e``. In integer millionths, so that it is the same everywhere.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from tta_orchestrate.domain.ledger import Entry, Quality

PPM: Final = 1_000_000
WEIGHT_PERCENT: Final = 30
"""What the newest day counts, in percent."""
FEWEST: Final = 20
"""Gated answers, in all, below which a drop is chance."""


def trend(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """Return one row for each day that has gated answers: rate, its EWMA, and how many answers they rest on."""
    days: dict[str, Quality] = {}
    for entry in entries:
        days[entry.day] = days.get(entry.day, Quality()) + entry.quality
    known = [(day, total) for day, total in sorted(days.items()) if total.gated]
    smooth = ewma([total.passed * PPM // total.gated for _, total in known])
    return [
        {
            "day": day,
            "n": total.gated,
            "gate_pass": places(total.passed * PPM // total.gated),
            "ewma": places(value),
            "judge_score": places(total.judge_ppm // total.judged) if total.judged else None,
        }
        for (day, total), value in zip(known, smooth, strict=True)
    ]


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


def drop(entries: Iterable[Entry]) -> int | None:
    """Return by how many millionths the EWMA of the gate pass rate stands below its own best of the month.

    ``None`` when too little was gated to tell.
    """
    days: dict[str, Quality] = {}
    for entry in entries:
        days[entry.day] = days.get(entry.day, Quality()) + entry.quality
    known = [total for _, total in sorted(days.items()) if total.gated]
    if sum(total.gated for total in known) < FEWEST:
        return None
    smooth = ewma([total.passed * PPM // total.gated for total in known])
    return max(smooth) - smooth[-1]
