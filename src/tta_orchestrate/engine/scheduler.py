"""Who may call when: concurrency, learned rate limits, day counters, pauses, circuit breakers.

One :class:`Lane` per (provider, model); a provider's limit of concurrency spans its lanes. Rates are learned from
response headers and from the bodies of 429s, so the second minute of a run already keeps the limit.
"""

import json
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from tta_orchestrate.engine.clock import Clock
from tta_orchestrate.engine.failures import CallFailure, Closes, FailureKind, duration, kind_of

BREAKER_FAILURES: Final = 5
BREAKER_WINDOW: Final = 60.0
BREAKER_PAUSE: Final = 30.0
BREAKER_OPENINGS: Final = 3
"""In a row, with no answer between: then the model is given up for this run."""
MINUTE: Final = 60.0
_POLL: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the configuration says of a provider; ``None`` means: learn it."""

    concurrency: int = 4
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    requests_per_day: int | None = None


@dataclass(slots=True)
class Bucket:
    """A token bucket that refills evenly; ``per_minute`` of ``None`` lets everything through."""

    per_minute: float | None = None
    level: float = 0.0
    at: float = 0.0

    def learn(self, per_minute: float, remaining: float, now: float) -> None:
        """Take over what the server says."""
        self.per_minute, self.level, self.at = per_minute, remaining, now

    def delay(self, amount: float, now: float) -> float:
        """Return the seconds until *amount* is there; a request larger than the bucket waits for a full one."""
        if self.per_minute is None:
            return 0.0
        self.level = min(self.per_minute, self.level + (now - self.at) * self.per_minute / MINUTE)
        self.at = now
        missing = min(amount, self.per_minute) - self.level
        return max(0.0, missing * MINUTE / self.per_minute)

    def take(self, amount: float) -> None:
        """Use *amount*; a debt is paid back by time."""
        if self.per_minute is not None:
            self.level -= amount


@dataclass(slots=True)
class Lane:
    """What is known of one model at one provider."""

    requests: Bucket = field(default_factory=Bucket)
    tokens: Bucket = field(default_factory=Bucket)
    paused_until: float = 0.0
    closed: str = ""
    failures: deque[float] = field(default_factory=lambda: deque(maxlen=BREAKER_FAILURES))
    open_until: float | None = None
    openings: int = 0
    probing: bool = False


class DayCounter:
    """Requests per model and day, in the providers' zone (Google resets at midnight Pacific), kept in a small file."""

    def __init__(self, clock: Clock, path: Path | None = None) -> None:
        self._clock = clock
        self._path = path
        self._zone = ZoneInfo("America/Los_Angeles")
        self._lock = threading.Lock()
        self._counts: dict[str, int] = self._load()

    def today(self, lane: str) -> int:
        """How many requests *lane* has had today."""
        return self._counts.get(self._key(lane), 0)

    def add(self, lane: str) -> None:
        """One more; kept on disk when there is a place."""
        with self._lock:
            key = self._key(lane)
            self._counts = {k: n for k, n in self._counts.items() if k[:10] == key[:10]}
            self._counts[key] = self._counts.get(key, 0) + 1
            if self._path is not None:
                with suppress(OSError):
                    self._path.parent.mkdir(parents=True, exist_ok=True)
                    beside = self._path.with_suffix(".new")
                    beside.write_text(json.dumps(self._counts, sort_keys=True), encoding="utf-8")
                    beside.replace(self._path)

    def _key(self, lane: str) -> str:
        return f"{self._clock.now().astimezone(self._zone).date().isoformat()} {lane}"

    def _load(self) -> dict[str, int]:
        if self._path is None:
            return {}
        try:
            raw = json.loads(self._path.read_bytes())
            return {str(k): int(n) for k, n in raw.items()}
        except (OSError, ValueError, AttributeError, TypeError):
            return {}


class Scheduler:
    """Admits calls one by one. Thread-safe."""

    def __init__(
        self, clock: Clock, cancelled: threading.Event, rules: Mapping[str, Rules], days: DayCounter | None = None
    ) -> None:
        self._clock = clock
        self._cancelled = cancelled
        self._rules = rules
        self._days = days or DayCounter(clock)
        self._lock = threading.Lock()
        self._lanes: dict[tuple[str, str], Lane] = {}
        self._slots: dict[str, threading.Semaphore] = {}
        self._closed: dict[str, str] = {}

    def closed(self, provider: str, model: str) -> str:
        """Return why nothing can be asked of *model* any more, ``""`` when it can."""
        with self._lock:
            return self._closed.get(provider) or self._lane(provider, model).closed

    @contextmanager
    def admitted(self, provider: str, model: str, tokens: int, deadline: float) -> Iterator[None]:
        """Wait for a turn, then hold it.

        Raises:
            CallFailure: ``CLOSED``, ``BREAKER_OPEN``, ``DAY_QUOTA``, ``RATE_LIMIT`` (the wait would pass the deadline),
                ``CANCELLED``.
        """
        slots = self._slots_of(provider)
        while not slots.acquire(timeout=_POLL):
            self._check(deadline)
        try:
            self._wait_turn(provider, model, tokens, deadline)
            yield
        finally:
            slots.release()

    def succeeded(self, provider: str, model: str, headers: Mapping[str, str]) -> None:
        """An answer came: close the breaker, learn the limits."""
        with self._lock:
            lane = self._lane(provider, model)
            lane.failures.clear()
            lane.open_until, lane.probing, lane.openings = None, False, 0
            self._learn(lane, headers)

    def failed(self, provider: str, model: str, failure: CallFailure) -> None:
        """A call failed: pause, trip or close what its kind says."""
        trait, now = kind_of(failure.kind), self._clock.monotonic()
        with self._lock:
            lane = self._lane(provider, model)
            lane.probing = False
            self._learn(lane, failure.headers)
            if failure.kind is FailureKind.RATE_LIMIT:
                lane.paused_until = max(lane.paused_until, now + (failure.hint or 0.0))
                if failure.quota:
                    lane.requests.learn(failure.quota, 0.0, now)
            if trait.closes is Closes.PROVIDER:
                self._closed[provider] = str(failure)
            elif trait.closes is Closes.MODEL:
                lane.closed = str(failure)
            if trait.trips:
                self._trip(lane, now)

    def _trip(self, lane: Lane, now: float) -> None:
        lane.failures.append(now)
        probe_failed = lane.open_until is not None
        if probe_failed or (len(lane.failures) == BREAKER_FAILURES and now - lane.failures[0] <= BREAKER_WINDOW):
            if lane.open_until is None or now >= lane.open_until:  # late failures of the same wave count once
                lane.openings += 1
            lane.open_until = now + BREAKER_PAUSE
            if lane.openings >= BREAKER_OPENINGS:
                lane.closed = f"it failed through {BREAKER_OPENINGS} rests in a row"

    def _wait_turn(self, provider: str, model: str, tokens: int, deadline: float) -> None:
        while True:
            self._check(deadline)
            with self._lock:
                pause = self._pause(provider, model, tokens)
                if pause <= 0:
                    return
            if self._clock.monotonic() + pause >= deadline:
                raise CallFailure(
                    FailureKind.RATE_LIMIT,
                    f"{provider} allows the next call in {pause:.0f} s, after the deadline",
                    hint=pause,
                )
            self._clock.wait(pause, self._cancelled)

    def _pause(self, provider: str, model: str, tokens: int) -> float:
        """Return the seconds to wait, or take the turn and return 0."""
        lane, now = self._lane(provider, model), self._clock.monotonic()
        if reason := self._closed.get(provider) or lane.closed:
            raise CallFailure(FailureKind.CLOSED, f"{provider} is closed for this run: {reason}")
        if lane.open_until is not None and (now < lane.open_until or lane.probing):
            hint = max(1.0, lane.open_until - now)
            message = f"{model} failed {BREAKER_FAILURES} times in a row: resting"
            raise CallFailure(FailureKind.BREAKER_OPEN, message, hint=hint)
        daily, name = self._rules_of(provider).requests_per_day, f"{provider}/{model}"
        if daily is not None and self._days.today(name) >= daily:
            lane.closed = f"the {daily} requests of the day are used up"
            raise CallFailure(FailureKind.DAY_QUOTA, f"{name}: {lane.closed}")
        pause = max(lane.paused_until - now, lane.requests.delay(1, now), lane.tokens.delay(tokens, now))
        if pause <= 0:
            lane.requests.take(1)
            lane.tokens.take(tokens)
            lane.probing = lane.open_until is not None
            self._days.add(name)
        return pause

    def _learn(self, lane: Lane, headers: Mapping[str, str]) -> None:
        now = self._clock.monotonic()
        for bucket, names in ((lane.requests, _REQUEST_HEADERS), (lane.tokens, _TOKEN_HEADERS)):
            for limit_name, remaining_name, reset_name in names:
                limit, remaining = _count(headers, limit_name), _count(headers, remaining_name)
                if limit and remaining is not None:
                    bucket.learn(limit, min(remaining, bucket.level) if bucket.per_minute == limit else remaining, now)
                if remaining == 0 and (wait := self._until(headers.get(reset_name, ""))) is not None:
                    lane.paused_until = max(lane.paused_until, now + wait)

    def _until(self, text: str) -> float | None:
        if (seconds := duration(text)) is not None:
            return seconds
        try:
            when = datetime.fromisoformat(text)
        except ValueError:
            return None
        if when.tzinfo is None:
            return None
        return max(0.0, min((when - self._clock.now()).total_seconds(), timedelta(days=1).total_seconds()))

    def _check(self, deadline: float) -> None:
        if self._cancelled.is_set():
            raise CallFailure(FailureKind.CANCELLED, "the run was cancelled")
        if self._clock.monotonic() >= deadline:
            raise CallFailure(FailureKind.DEADLINE, "the time for this run is over")

    def _lane(self, provider: str, model: str) -> Lane:
        if (provider, model) not in self._lanes:
            rules, now = self._rules_of(provider), self._clock.monotonic()
            lane = self._lanes[provider, model] = Lane()
            for bucket, rate in ((lane.requests, rules.requests_per_minute), (lane.tokens, rules.tokens_per_minute)):
                if rate:
                    bucket.learn(rate, rate, now)
        return self._lanes[provider, model]

    def _slots_of(self, provider: str) -> threading.Semaphore:
        with self._lock:
            return self._slots.setdefault(provider, threading.Semaphore(self._rules_of(provider).concurrency))

    def _rules_of(self, provider: str) -> Rules:
        return self._rules.get(provider, Rules())


_REQUEST_HEADERS: Final = (
    (
        "anthropic-ratelimit-requests-limit",
        "anthropic-ratelimit-requests-remaining",
        "anthropic-ratelimit-requests-reset",
    ),
    # OpenAI counts per minute and Groq per day under this one name: only "none left" is certain.
    ("", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
)
_TOKEN_HEADERS: Final = (
    (
        "anthropic-ratelimit-input-tokens-limit",
        "anthropic-ratelimit-input-tokens-remaining",
        "anthropic-ratelimit-input-tokens-reset",
    ),
    ("x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"),
)


def _count(headers: Mapping[str, str], name: str) -> int | None:
    text = headers.get(name, "")
    return int(text) if text.isdecimal() else None
