"""One walk through the inputs, in a fork: try, look, and send home whatever shows something new."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from .build import Builder
from .evaluate import Candidate, Evaluator
from .invent import Inventor
from .tracer import Arc, Tracer

Key = tuple[str, frozenset[Arc], str]
"""What makes a candidate one of its own: the target, the arcs that it runs, and what came out."""
WILD = "wild"
"""The last part of the key where a declared type is broken."""
_PER_TARGET = 60
_PATHS = 900
"""Paths kept: so many for each target, or more where there are few targets."""
_SETTLED = 5_000
"""So many idle candidates at least, and twice as many as it took until the latest find."""
_UNSETTLED = 30_000
"""The same while statements are left to reach."""
_ALL_REACHED = 20
"""With no statement left to reach, this part of the patience is enough."""


class Walk:
    """Tries candidates until the time is over or nothing new has come for long."""

    def __init__(
        self, inventor: Inventor, send: Callable[[Any], None], beat: Callable[[str], None], patience: int,
        goals: frozenset[int],
    ) -> None:  # fmt: skip
        self._inventor, self._send, self._beat = inventor, send, beat
        self._patience, self._goals = patience, goals
        self._targets = {target.qual: target for target in inventor.subject.targets}
        self._most = max(_PER_TARGET, _PATHS // max(1, len(self._targets)))
        self._tracer = Tracer([inventor.subject.file])
        self._evaluator = Evaluator(inventor.subject)
        self._covered: set[Arc] = set()
        self._sizes: dict[Key, int] = {}
        self._corpus: list[Candidate] = []
        self._seeds: list[Candidate] = []
        self._count = self._idle = self._last = 0

    def go_on_from(self, kept: Mapping[Key, tuple[Candidate, dict[str, Any]]], covered: set[Arc]) -> None:
        """Take over what earlier walks found."""
        self._covered = set(covered)
        self._sizes = {key: candidate.size for key, (candidate, _) in kept.items()}
        self._corpus = [candidate for key, (candidate, _) in kept.items() if key[2] != WILD]
        self._seeds = [] if kept else self._inventor.seeds()

    def run(self, until: float) -> None:
        """Send ``("keep", key, candidate, seen)`` for each find, at last ``("count", tried, stalled)``."""
        limit = self._limit()
        while time.monotonic() < until and self._idle < limit:
            candidate = self._seeds.pop(0) if self._seeds else self._inventor.next(self._corpus)
            self._beat(candidate.target)
            seen, arcs = self._look(candidate)
            self._count += 1
            self._idle += not self._seeds
            fresh = not arcs <= self._covered and not wild(self._inventor.builder, candidate, seen)
            self._inventor.learn(candidate, seen, fresh=fresh)
            if fresh:
                self._covered |= arcs
            if seen["kind"] not in {"stuck", "opaque"}:
                self._judge(candidate, seen, arcs)
            if fresh or not self._idle:
                limit = self._limit()
        self._send(("count", self._count, self._idle >= limit))

    def _look(self, candidate: Candidate) -> tuple[dict[str, Any], frozenset[Arc]]:
        self._tracer.start()
        try:
            seen = self._evaluator.observe(candidate, self._targets.get(candidate.target))
        finally:
            self._tracer.stop()
        return seen, frozenset(self._tracer.take().get(self._inventor.subject.file, ()))

    def _judge(self, candidate: Candidate, seen: dict[str, Any], arcs: frozenset[Arc]) -> None:
        """Keep *candidate* where it is the first of its key, or simpler than the one before."""
        broken = self._inventor.builder.breaks(candidate)
        key = (candidate.target, arcs, f"{_shape(seen)}{':refused' if broken else ''}")
        if seen["kind"] == "accident":
            asked = self._inventor.builder.as_declared(candidate)
            key = (candidate.target, arcs, f"accident:{seen['type']}:{asked}")
        size = candidate.size // 3 if candidate.example else candidate.size
        if self._sizes.get(key, 1 << 30) <= size or self._full(key):
            return
        if wild(self._inventor.builder, candidate, seen):
            key = (candidate.target, arcs, WILD)
            if seen["kind"] == "accident" or key in self._sizes:
                return
        elif key not in self._sizes:
            self._corpus.append(candidate)
            self._idle, self._last = 0, self._count
        self._sizes[key] = size
        self._send(("keep", key, candidate, seen))

    def _full(self, key: Key) -> bool:
        return key not in self._sizes and sum(k[0] == key[0] for k in self._sizes) >= self._most

    def _limit(self) -> int:
        """Return how many idle candidates in a row are enough: few where every statement is reached already."""
        done = bool(self._goals) and self._goals <= {b for _, b in self._covered}
        most = max(200, self._patience // _ALL_REACHED) if done else self._patience
        return min(most, max(_SETTLED if done else _UNSETTLED, 2 * self._last))


def wild(builder: Builder, candidate: Candidate, seen: Mapping[str, Any]) -> bool:
    """Whether *candidate* breaks a declared type, and the code does not say so by an exception of its own."""
    return seen["kind"] != "raises" and builder.breaks(candidate)


def _shape(seen: dict[str, Any]) -> str:
    kind = str(seen["kind"])
    if kind == "value":
        text = str(seen["src"])
        return f"value:{seen['type']}:{text if seen['type'] == 'builtins.bool' else ''}{len(text) <= 2}"
    return f"{kind}:{seen.get('type', '')}"
