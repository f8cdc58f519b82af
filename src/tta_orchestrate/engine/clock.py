"""Time and chance as things that are passed in."""

import random
import threading
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What the engine knows of time. All waiting goes through :meth:`wait`, so that cancelling wakes everybody."""

    def now(self) -> datetime:
        """The wall clock, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back."""
        ...

    def wait(self, seconds: float, cancelled: threading.Event) -> None:
        """Return after *seconds*, or at once when *cancelled* is set."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """The wall clock, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """``time.monotonic``."""
        return time.monotonic()

    def wait(self, seconds: float, cancelled: threading.Event) -> None:
        """Sleep, but wake when *cancelled* is set."""
        cancelled.wait(seconds)


class VirtualClock:
    """A clock that jumps: a wait costs no real time. For tests, ``selftest`` and the chaos matrix.

    Concurrent waits overlap as they would in reality: each ends at its own start plus its length.
    """

    def __init__(self, start: datetime) -> None:
        self._start = start
        self._elapsed = 0.0
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """The start plus everything waited for."""
        from datetime import timedelta

        return self._start + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        """Seconds waited so far."""
        return self._elapsed

    def wait(self, seconds: float, cancelled: threading.Event) -> None:
        """Jump forward."""
        if cancelled.is_set():
            return
        end = self._elapsed + seconds
        with self._lock:
            self._elapsed = max(self._elapsed, end)


Random = random.Random
"""A seeded ``random.Random``: jitter only, never anything secret."""
