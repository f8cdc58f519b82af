"""The one retry loop of the program: for models and for GitHub.

Full jitter (1-30 s), the server's hint honoured when the deadline allows it, at most four tries, and a budget of
retries for the whole run, so that a bad day ends soon instead of slowly. The decision is a pure function
(:func:`pause_before_retry`); the loop only obeys it.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from tta_orchestrate.engine.clock import Clock, Random
from tta_orchestrate.engine.failures import CallFailure, FailureKind, kind_of

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How patient one call is. Times in seconds."""

    tries: int = 4
    """Upper bound; a kind of failure may allow fewer (``failures.Trait.tries``)."""
    base: float = 1.0
    cap: float = 30.0
    budget_share: float = 0.2
    """Retries of a run, as a share of its calls …"""
    budget_floor: int = 10
    """… but never fewer than this."""


def pause_before_retry(
    policy: RetryPolicy, failure: CallFailure, attempt: int, remaining: float, random: Random
) -> float | None:
    """Return the seconds to wait after failed try number *attempt* (from 1), or ``None``: do not try again.

    A hint is a floor for the wait, never shortened; a hint beyond *remaining* seconds means no retry at all.
    """
    if attempt >= min(policy.tries, kind_of(failure.kind).tries):
        return None
    jitter = random.uniform(0.0, min(policy.cap, policy.base * 2 ** (attempt - 1)))
    pause = jitter if failure.hint is None else failure.hint + jitter * 0.1
    return pause if pause < remaining else None


class RetryBudget:
    """How many retries a run may make in all; shared by every thread."""

    def __init__(self, policy: RetryPolicy) -> None:
        self._policy = policy
        self._lock = threading.Lock()
        self._calls = 0
        self._retries = 0

    def count_call(self) -> None:
        """A first try was made."""
        with self._lock:
            self._calls += 1

    def take(self) -> bool:
        """Take one retry; ``False`` when the run has used up its share."""
        with self._lock:
            allowed = max(self._policy.budget_floor, int(self._policy.budget_share * self._calls))
            if self._retries >= allowed:
                return False
            self._retries += 1
            return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """What a retry loop is given: policy, the run's budget of retries, time, chance, and the way out."""

    policy: RetryPolicy
    budget: RetryBudget
    clock: Clock
    random: Random
    deadline: float
    """On ``clock.monotonic``."""
    cancelled: threading.Event

    def remaining(self) -> float:
        """Seconds until the deadline; negative when it has passed."""
        return self.deadline - self.clock.monotonic()

    def check(self) -> None:
        """Raise when there is no point in starting anything.

        Raises:
            CallFailure: ``CANCELLED`` or ``DEADLINE``.
        """
        if self.cancelled.is_set():
            raise CallFailure(FailureKind.CANCELLED, "the run was cancelled")
        if self.remaining() <= 0:
            raise CallFailure(FailureKind.DEADLINE, "the time for this run is over")


def with_retries(call: Callable[[int], T], patience: Patience) -> T:
    """Return what ``call(attempt)`` returns, trying again as the policy says.

    Raises:
        CallFailure: the last one, when no further try is due.
    """
    patience.budget.count_call()
    attempt = 1
    while True:
        patience.check()
        try:
            return call(attempt)
        except CallFailure as failure:
            pause = pause_before_retry(patience.policy, failure, attempt, patience.remaining(), patience.random)
            if pause is None or not patience.budget.take():
                raise
        patience.clock.wait(pause, patience.cancelled)
        attempt += 1
