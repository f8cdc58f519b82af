"""The measured baseline: a random share of the units is also done by the orchestrator alone, on its own budget line.

Which units are drawn is fixed by their names, so that a repeated attempt draws no new tickets. What the answer says is
thrown away: only what it cost counts.
"""

import threading
from collections.abc import Callable
from decimal import Decimal

from tta_orchestrate.domain.cost import Baseline, NanoUsd
from tta_orchestrate.domain.sampling import is_sampled, within


class Sample:
    """Draws units, and keeps the sample's spend within *room* nano-dollars at every moment."""

    def __init__(self, rate: Decimal, room: NanoUsd, seed: str) -> None:
        self._rate = rate
        self._room = room
        self._seed = seed
        self._lock = threading.Lock()
        self._spent = NanoUsd(0)
        self._measured: dict[str, NanoUsd] = {}

    def wants(self, unit: str) -> bool:
        """Whether *unit* is drawn."""
        return self._rate > 0 and is_sampled(f"{self._seed}:{unit}", self._rate)

    def measure(self, unit: str, worst: NanoUsd, ask: Callable[[], tuple[NanoUsd, NanoUsd] | None]) -> None:
        """Let *ask* do *unit* again if *worst* fits the line; it returns cash and list price, ``None`` if it failed.

        What failed counts with *worst*: nobody knows better.
        """
        with self._lock:
            if unit in self._measured or not within(self._room, self._spent, worst):
                return
            self._spent = NanoUsd(self._spent + worst)
        found = ask()
        with self._lock:
            if found is not None:
                cash, listed = found
                self._spent = NanoUsd(self._spent - worst + cash)
                self._measured[unit] = listed

    def report(self, model: str) -> tuple[Baseline, ...]:
        """Return the measured baseline, or nothing when nothing was measured."""
        with self._lock:
            prices = tuple(self._measured.values())
        if not prices:
            return ()
        name = f"{model} alone, sample"
        return (Baseline(name=name, basis="measured", list_price=NanoUsd(sum(prices)), tasks=len(prices)),)


NOTHING = Sample(Decimal(0), NanoUsd(0), "")
"""Draws nobody."""
