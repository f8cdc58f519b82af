"""Reserve, spend, settle: no call is sent whose worst case does not fit.

``settled + reserved <= limit`` holds for every hard limit at every moment, whatever fails, is cancelled or comes late.
A reservation whose outcome is unknown settles at its full amount.
"""

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from tta_orchestrate.domain.cost import BudgetState, NanoUsd, usd
from tta_orchestrate.engine.failures import CallFailure, FailureKind

_NOTHING: Final = NanoUsd(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One limit of cash. ``spent_before``: what earlier work took from it already (this month, or before a resume)."""

    name: str
    """``run``, ``month`` …"""
    limit: NanoUsd
    hard: bool = True
    """Hard: nothing is sent beyond it. Soft: it is only reported as reached."""
    spent_before: NanoUsd = _NOTHING
    model: str = ""
    """Only calls to this model draw on it; ``""``: all calls do."""


class Reservation:
    """The worst case of one call; exactly one of ``settle`` and ``release`` ends it, later ones do nothing."""

    __slots__ = ("_budget", "_open", "amount", "model")

    def __init__(self, budget: "Budget", amount: NanoUsd, model: str = "") -> None:
        self._budget = budget
        self._open = True
        self.amount = amount
        self.model = model

    def settle(self, actual: NanoUsd | None) -> NanoUsd:
        """Book *actual*, or the whole reservation when it is ``None`` (nobody can tell); return what was booked."""
        return self._budget._close(self, self.amount if actual is None else actual)  # noqa: SLF001 -- one module, two halves

    def release(self) -> None:
        """Book nothing: the call was provably not billed."""
        self._budget._close(self, NanoUsd(0))  # noqa: SLF001


class Budget:
    """All limits of a run behind one lock."""

    def __init__(self, limits: Iterable[Limit], *, call_limit: NanoUsd | None = None) -> None:
        self._limits = tuple(limits)
        self._call_limit = call_limit
        self._changed = threading.Condition()
        self._settled = NanoUsd(0)
        self._reserved = NanoUsd(0)
        self._by_model: dict[str, tuple[int, int]] = {}
        """Settled and reserved of each model that has a limit of its own."""
        self._refused: Limit | None = None

    @property
    def settled(self) -> NanoUsd:
        """What is booked."""
        return self._settled

    @property
    def reserved(self) -> NanoUsd:
        """What is on its way."""
        return self._reserved

    @property
    def exhausted(self) -> bool:
        """Whether some hard limit is used up entirely (a limit of 0 is, for anything that costs)."""
        return self.remaining() <= 0

    def remaining(self) -> NanoUsd:
        """What the tightest hard limit still allows, counting reservations as spent."""
        with self._changed:
            return self._room("", pending=True)[0]

    def reserve(self, worst: NanoUsd, cancelled: threading.Event | None = None, *, model: str = "") -> Reservation:
        """Set *worst* aside for a call to *model*; waits while only calls on their way stand against it.

        Raises:
            CallFailure: ``OVER_BUDGET`` when it cannot fit even if everything on its way turns out free;
                ``CANCELLED`` when *cancelled* is set while waiting.
        """
        if self._call_limit is not None and worst > self._call_limit:
            raise _over("one call", worst, self._call_limit)
        with self._changed:
            while worst > self._room(model, pending=True)[0]:
                room, tightest = self._room(model, pending=False)
                if worst > room:
                    self._refused = tightest
                    raise _over("the budget", worst, room)
                if cancelled is not None and cancelled.is_set():
                    raise CallFailure(FailureKind.CANCELLED, "the run was cancelled")
                self._changed.wait(_POLL)
            self._reserved = NanoUsd(self._reserved + worst)
            self._draw(model, 0, worst)
            return Reservation(self, worst, model)

    def states(self) -> tuple[BudgetState, ...]:
        """Where each limit stands."""
        with self._changed:
            return tuple(
                BudgetState(
                    name=limit.name,
                    limit=limit.limit,
                    settled=NanoUsd(limit.spent_before + self._drawn(limit, pending=False)),
                    hard=limit.hard,
                    reached=limit.spent_before + self._drawn(limit, pending=False) >= limit.limit
                    or (limit.hard and limit is self._refused),
                )
                for limit in self._limits
            )

    def _drawn(self, limit: Limit, *, pending: bool) -> int:
        settled, reserved = self._by_model.get(limit.model, (0, 0)) if limit.model else (self._settled, self._reserved)
        return settled + reserved if pending else settled

    def _room(self, model: str, *, pending: bool) -> tuple[NanoUsd, Limit | None]:
        """Return what the tightest hard limit on *model* allows, and which one that is."""
        rooms = [
            (limit.limit - limit.spent_before - self._drawn(limit, pending=pending), limit)
            for limit in self._limits
            if limit.hard and limit.model in {"", model}
        ]
        room, tightest = min(rooms, key=lambda pair: pair[0], default=(_ENDLESS, None))
        return NanoUsd(room), tightest

    def _draw(self, model: str, settled: int, reserved: int) -> None:
        if model:
            before = self._by_model.get(model, (0, 0))
            self._by_model[model] = (before[0] + settled, before[1] + reserved)

    def _close(self, reservation: Reservation, booked: NanoUsd) -> NanoUsd:
        with self._changed:
            if not reservation._open:  # noqa: SLF001
                return NanoUsd(0)
            reservation._open = False  # noqa: SLF001
            self._reserved = NanoUsd(self._reserved - reservation.amount)
            self._settled = NanoUsd(self._settled + booked)
            self._draw(reservation.model, booked, -reservation.amount)
            self._changed.notify_all()
            return booked


_POLL = 0.05
_ENDLESS = 2**62


def _over(what: str, worst: NanoUsd, room: NanoUsd) -> CallFailure:
    return CallFailure(
        FailureKind.OVER_BUDGET,
        f"over budget: the call may cost ${usd(worst)}, {what} allows ${usd(max(NanoUsd(0), room))}",
    )
