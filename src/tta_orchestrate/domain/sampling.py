"""Savings against named baselines: measured where enough was measured, and otherwise called modelled.

The saving is ``1 - work / baseline`` at list prices, a ratio of sums; a loss stays a loss. Its interval is the
percentile bootstrap over runs (Efron 1979), 95 %.
"""

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal
from hashlib import sha256
from typing import Any, Final, Protocol, TypeVar

from tta_orchestrate.domain.cost import NanoUsd, usd
from tta_orchestrate.domain.ledger import BaselineShare, Entry

T = TypeVar("T")


class Random(Protocol):
    """As much of ``random.Random`` as the bootstrap needs."""

    def choices(self, population: Sequence[T], *, k: int) -> list[T]:
        """Draw *k* with replacement."""
        ...


ENOUGH: Final = 20
"""Measured tasks below which nothing is called measured."""
RESAMPLES: Final = 1000
_TAIL: Final = 25
"""2.5 % of the resamples on each side."""


def savings(entries: Iterable[Entry], random: Random) -> list[dict[str, Any]]:
    """Return one row for each baseline, measured ones first."""
    found: dict[tuple[bool, str], list[BaselineShare]] = {}
    for entry in entries:
        for one in entry.baselines:
            found.setdefault((not one.measured, one.name), []).append(one)
    return [_row(shares, random) for _, shares in sorted(found.items(), key=lambda item: item[0])]


def _row(shares: Sequence[BaselineShare], random: Random) -> dict[str, Any]:
    pairs = [(one.work, one.list_price) for one in shares]
    tasks = sum(one.tasks for one in shares)
    measured = shares[0].measured and tasks >= ENOUGH
    work, alone = sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)
    return {
        "against": shares[0].name,
        "basis": "measured" if measured else "modelled",
        "n": tasks,
        "work_usd": usd(NanoUsd(work)),
        "baseline_usd": usd(NanoUsd(alone)),
        "percent": percent(work, alone),
        "interval": interval(pairs, random) if measured else None,
        "note": _note(shares[0].measured, tasks),
    }


def _note(sampled: bool, tasks: int) -> str:
    if not sampled:
        return "modelled, not measured"
    return (
        f"measured on {tasks} tasks" if tasks >= ENOUGH else f"modelled: only {tasks} measured tasks, {ENOUGH} needed"
    )


def percent(work: int, alone: int) -> str | None:
    """Return the saving in percent with one decimal, ``None`` against nothing."""
    if alone <= 0:
        return None
    saved = (1 - Decimal(work) / Decimal(alone)) * 100
    return f"{saved.quantize(Decimal('0.1'), ROUND_HALF_UP) + 0:f}"


def interval(pairs: Sequence[tuple[int, int]], random: Random) -> list[str] | None:
    """Return the 95 % percentile bootstrap of the saving over *pairs* (work, baseline), ``None`` of fewer than two."""
    if len(pairs) < 2:  # noqa: PLR2004 -- one run has no spread
        return None
    found: list[tuple[float, int, int]] = []
    for _ in range(RESAMPLES):
        drawn = random.choices(pairs, k=len(pairs))
        work, alone = sum(pair[0] for pair in drawn), sum(pair[1] for pair in drawn)
        if alone > 0:
            found.append((work / alone, work, alone))
    if not found:
        return None
    found.sort(reverse=True)
    tail = len(found) * _TAIL // RESAMPLES
    low, high = found[tail], found[-1 - tail]
    return [str(percent(*low[1:])), str(percent(*high[1:]))]


def is_sampled(seed: str, rate: Decimal) -> bool:
    """Return whether the run or unit called *seed* is in the random share *rate* (0..1): fixed by its name.

    The same name always gives the same answer, so that a repeated attempt draws no new ticket.
    """
    ticket = int.from_bytes(sha256(f"tta-baseline:{seed}".encode()).digest()[:8], "big")
    return Decimal(ticket) < rate * 2**64


def within(limit: NanoUsd, spent: NanoUsd, worst: NanoUsd) -> bool:
    """Return whether one more sampled call of at most *worst* fits the sample's own line of *limit*."""
    return spent + worst <= limit
