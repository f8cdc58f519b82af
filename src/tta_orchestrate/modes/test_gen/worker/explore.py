"""The local generator: search inputs by coverage, look at what comes out, keep what kills mutants.

The parent of this process tree only forks, listens and kills: code under test runs in children, because a C-level
endless iterator ignores every alarm but SIGKILL.
"""

import random
import time
from collections.abc import Callable
from typing import Any

from .boot import Emit
from .evaluate import Candidate, Evaluator
from .forks import run
from .invent import Inventor
from .laws import Laws
from .selection import Chosen, Row, choose
from .subject import Subject, quiet
from .tracer import Arc, Tracer
from .walk import WILD, Key, Walk, wild

_MATRIX_ROWS = 150
_ENOUGH = 10
"""Candidates that tell a mutant, after which no more are tried on it."""
_PATIENCE = 60_000
"""Candidates in a row that bring nothing new before the search is taken to have stalled."""
_PER_KILLED = 10_000
"""A searcher that had to be killed and found nothing stands for this many idle candidates."""
_SHORT = 24
"""A call of fewer characters is simple enough."""
_CONTRACTS = {
    "MemoryError",
    "ValueError",
    "UnicodeDecodeError",
    "UnicodeEncodeError",
    "JSONDecodeError",
    "InvalidOperation",
}
"""What the libraries beneath raise for a text that is none of theirs: to let it pass is a parser's contract."""
_ODD = 2.0
"""How much dearer a call is whose arguments are of other kinds than their parameters' names and defaults tell."""
_LAW_SECONDS = 4.0
_FIRST_HUNT = 0.12
"""Seconds for each mutant in the first round: most fall at once, the rest gets longer and longer."""
_BARREN_ROUNDS = 2
"""Hunts for all that is left, each twice as long as the one before, that find nothing: then it stays alive."""
_HUNT_SHARE = 8
"""A first hunt for one mutant tries this part of the patience."""


def serve(request: dict[str, Any], emit: Emit) -> None:
    """Answer one request: ``case`` records, ``suspect`` records, then ``end`` with figures."""
    started = time.monotonic()
    quiet()
    source = request["source"]
    try:
        subject = Subject(request["module"], request["file"], source, request.get("only", ()))
    except BaseException as error:
        emit({"event": "import-error", "error": f"{type(error).__name__}: {error}"[:500]})
        return
    emit(
        {
            "event": "imported",
            "targets": [t.qual for t in subject.targets],
            "left_out": subject.left_out,
            "seconds": round(time.monotonic() - started, 3),
        }
    )
    search = Search(subject, request)
    budget = float(request["seconds"])
    search.explore(started + budget * 0.4)
    search.matrix(started + budget * 0.65)
    search.hunt(started + budget * 0.87)
    for record in search.selected(time.monotonic() + budget * 0.12):
        emit({"event": "case", **record})
    for record in search.suspects.values():
        emit({"event": "suspect", **record})
    for record in search.laws():
        emit({"event": "law", **record})
    emit({"event": "end", **search.figures()})


class Search:
    """What is known so far, held by the parent; children send what they find."""

    def __init__(self, subject: Subject, request: dict[str, Any]) -> None:
        self.subject, self.request = subject, request
        self.rng = random.Random(request["seed"])
        self.targets = {target.qual: target for target in subject.targets}
        self.inventor = Inventor(subject, request, self.rng)
        self.builder = self.inventor.builder
        self.kept: dict[Key, tuple[Candidate, dict[str, Any]]] = {}
        self.covered: set[Arc] = set()
        self.kills: dict[int, list[int]] = {}
        self.rows: list[tuple[Candidate, dict[str, Any], frozenset[Arc]]] = []
        self.suspects: dict[str, dict[str, Any]] = {}
        self.survivors: list[dict[str, Any]] = []
        self.evaluated = 0
        self.hangs = 0
        self.patience = int(request.get("patience") or _PATIENCE)
        self.stalled = False
        self.goals = frozenset(map(int, request.get("statements", ())))

    # -- phase 1 ------------------------------------------------------------------------------------------------

    def explore(self, deadline: float) -> None:
        """Fork searchers until *deadline*; one that hangs is killed and its last candidate's target gets a mark."""
        barren = 0
        while self.targets and not self.stalled and (left := deadline - time.monotonic()) > 0.2:
            known = len(self.kept)
            self._child(
                lambda send, beat: self._search(send, beat, time.monotonic() + left), self._take, deadline + 0.3
            )
            barren = 0 if len(self.kept) > known else barren + 1
            if barren >= 2 + self.patience // _PER_KILLED:
                break

    def _search(self, send: Callable[[Any], None], beat: Callable[[str], None], until: float) -> None:
        walk = Walk(self.inventor, send, beat, self.patience, self.goals)
        walk.go_on_from(self.kept, self.covered)
        walk.run(until)

    def _wild(self, candidate: Candidate, seen: dict[str, Any]) -> bool:
        return wild(self.builder, candidate, seen)

    def _take(self, message: Any) -> None:
        if message[0] == "count":
            self.evaluated += message[1]
            self.stalled = message[2]
            return
        _, key, candidate, seen = message
        self.kept[key] = (candidate, seen)
        if key[2] == WILD:
            return
        self.covered |= key[1]
        if seen["kind"] == "accident":
            self._suspect(candidate, seen)
        elif seen["kind"] != "raises":
            self.inventor.remember(candidate, seen)

    def _suspect(self, candidate: Candidate, seen: dict[str, Any]) -> None:
        known = self.suspects.get(candidate.target)
        asked = self.builder.as_declared(candidate) and seen["type"] not in _CONTRACTS
        if asked and not candidate.before and seen["line"] and (known is None or len(known["expr"]) > candidate.size):
            self.suspects[candidate.target] = {"target": candidate.target, "expr": candidate.expr, **seen}

    # -- phase 2 ------------------------------------------------------------------------------------------------

    def matrix(self, deadline: float) -> None:
        """See which kept candidates tell which mutants from the original."""
        self.rows = [(c, seen, key[1]) for key, (c, seen) in self.kept.items() if seen["kind"] != "accident"]
        self.rows = self._stable(self.rows)
        for mutant in self.request["mutants"]:
            if time.monotonic() >= deadline:
                self.survivors.append(mutant)
                continue
            rows = self._touching(mutant)
            killers: list[int] = []
            done: list[bool] = []

            def take(message: Any, killers: list[int] = killers, done: list[bool] = done) -> None:
                done.append(True) if message == "done" else killers.append(message)

            self._child(
                lambda send, beat, m=mutant, r=rows: self._compare(send, beat, m, r), take, time.monotonic() + 3.0
            )
            if killers:
                self.kills[mutant["id"]] = killers
            elif done:
                self.survivors.append(mutant)

    def _stable(self, rows: list[Any]) -> list[Any]:
        """Keep the rows that come out the same in another process, on their own."""
        same: set[int] = set()

        def check(send: Callable[[Any], None], beat: Callable[[str], None]) -> None:
            evaluator = Evaluator(self.subject)
            for index in reversed(range(len(rows))):
                candidate, seen, _ = rows[index]
                beat(candidate.target)
                if evaluator.observe(candidate, self.targets.get(candidate.target)) == seen:
                    send(index)

        self._child(check, same.add, time.monotonic() + 10)
        return [row for index, row in enumerate(rows) if index in same]

    def _related(self, mutant: dict[str, Any]) -> set[str]:
        """Targets that may show the mutant: those that run its line, or read what it made at import."""
        return self.subject.reach.related(mutant["line"], self.targets)

    def _touching(self, mutant: dict[str, Any]) -> list[int]:
        lines = range(mutant["line"], mutant["last"] + 1)
        found = [i for i, (_, _, arcs) in enumerate(self.rows) if any(a in lines or b in lines for a, b in arcs)]
        if not found:
            related = self._related(mutant)
            found = [i for i, (candidate, _, _) in enumerate(self.rows) if candidate.target in related]
        found.sort(key=lambda i: self.rows[i][0].size)
        return found[:_MATRIX_ROWS]

    def _mutated(self, mutant: dict[str, Any]) -> Evaluator | None:
        text = self.subject.source
        try:
            module = self.subject.mutated(text[: mutant["start"]] + mutant["replacement"] + text[mutant["end"] :])
        except BaseException:
            return None
        return Evaluator(self.subject, module)

    def _compare(
        self, send: Callable[[Any], None], beat: Callable[[str], None], mutant: dict[str, Any], rows: list[int]
    ) -> None:
        evaluator = self._mutated(mutant)
        enough = _ENOUGH
        if evaluator is not None:
            for index in rows:
                candidate, seen, _ = self.rows[index]
                beat(candidate.target)
                if _different(evaluator.observe(candidate, self.targets.get(candidate.target)), seen):
                    send(index)
                    enough -= 1
                if not enough:
                    break
            send("done")

    # -- phase 3 ------------------------------------------------------------------------------------------------

    def hunt(self, deadline: float) -> None:
        """Look for inputs that tell the surviving mutants from the original, in turn, longer each round."""
        share, tries = _FIRST_HUNT, max(1, self.patience // _HUNT_SHARE)
        left = [mutant for mutant in self.survivors if self._touching(mutant) or self._related(mutant)]
        hopeless: list[dict[str, Any]] = []  # whoever chases them hangs
        barren = 0
        while left and time.monotonic() < deadline and barren < _BARREN_ROUNDS:
            still = []
            for mutant in left:
                if time.monotonic() >= deadline:
                    still.append(mutant)
                    continue
                until = min(deadline, time.monotonic() + share)
                found: list[Any] = []
                calm = self._child(
                    lambda send, beat, m=mutant, u=until, n=tries: self._chase(send, beat, m, u, n),
                    found.append,
                    until + 0.5,
                )
                for candidate, seen, arcs in found:
                    self.kills[mutant["id"]] = [len(self.rows)]
                    self.rows.append((candidate, seen, arcs))
                if not found:
                    (still if calm else hopeless).append(mutant)
            barren = barren + (share > 4 * _FIRST_HUNT) if len(still) == len(left) else 0
            left, share, tries = still, share * 2, tries * 2
        self.survivors = left + hopeless

    def _chase(
        self, send: Callable[[Any], None], beat: Callable[[str], None], mutant: dict[str, Any], until: float, tries: int
    ) -> None:
        changed = self._mutated(mutant)
        if changed is None:
            return
        original = Evaluator(self.subject)
        near = [self.rows[i][0] for i in self._touching(mutant)]
        names = {c.target for c in near} | self._related(mutant)
        for known in near:
            if self._tells(known, original, changed) and self._send(send, known, original):
                return
        while time.monotonic() < until and names and tries:
            tries -= 1
            candidate = self.inventor.near(near, sorted(names))
            beat(candidate.target)
            if self._tells(candidate, original, changed):
                smaller = self._shrink(candidate, original, changed, until)
                if self._send(send, smaller, original):
                    return

    def _tells(self, candidate: Candidate, original: Evaluator, changed: Evaluator) -> bool:
        target = self.targets.get(candidate.target)
        before = original.observe(candidate, target)
        if before["kind"] in {"stuck", "opaque", "accident"}:
            return False
        if self._wild(candidate, before):
            return False
        return _different(changed.observe(candidate, target), before) and original.observe(candidate, target) == before

    def _shrink(self, candidate: Candidate, original: Evaluator, changed: Evaluator, until: float) -> Candidate:
        for smaller in self.inventor.simpler(candidate):
            if time.monotonic() > until + 0.2:
                break
            if smaller.size < candidate.size and self._tells(smaller, original, changed):
                return self._shrink(smaller, original, changed, until)
        return candidate

    def _send(self, send: Callable[[Any], None], candidate: Candidate, original: Evaluator) -> bool:
        tracer = Tracer([self.subject.file])
        tracer.start()
        try:
            seen = original.observe(candidate, self.targets.get(candidate.target))
        finally:
            tracer.stop()
        send((candidate, seen, frozenset(tracer.take().get(self.subject.file, ()))))
        return True

    # -- the end ------------------------------------------------------------------------------------------------

    def selected(self, deadline: float) -> list[dict[str, Any]]:
        """Return the records of the rows that earn their place, each said as simply as its earnings allow."""
        known = frozenset((int(a), int(b)) for a, b in self.request.get("covered", ()))
        late = {row for row, (candidate, seen, _) in enumerate(self.rows) if self._wild(candidate, seen)}
        rows = [Row(arcs, frozenset(m for m, killers in self.kills.items() if n in killers), self._cost(candidate))
                for n, (candidate, _, arcs) in enumerate(self.rows)]  # fmt: skip
        chosen = choose(rows, known, last=late, most=int(self.request["max_cases"]))
        self._minimise(chosen, deadline)
        return [_record(self.rows[row][0], self.rows[row][1], sorted(kills)) for row, _, kills in chosen]

    def _cost(self, candidate: Candidate) -> float:
        """What reading it takes: an example that somebody wrote reads better, an unexpected kind of argument worse."""
        size = candidate.size * (0.3 if candidate.example else 1.0)
        odd = self.builder.breaks(candidate) or self.builder.odd(candidate)
        return (20 + size) * (_ODD if odd and not candidate.example else 1.0)

    # -- phase 4 ------------------------------------------------------------------------------------------------

    def _minimise(self, chosen: list[Chosen], deadline: float) -> None:
        """Put in the place of each chosen row the simplest one that earns the same, the longest rows first."""
        mutants = {mutant["id"]: mutant for mutant in self.request["mutants"]}
        for row, arcs, kills in sorted(chosen, key=lambda choice: -self.rows[choice.row][0].size):
            candidate = self.rows[row][0]
            if time.monotonic() >= deadline or candidate.size < _SHORT:
                break
            if candidate.example:
                continue
            found: list[Any] = []
            wanted = [mutants[number] for number in sorted(kills) if number in mutants]
            self._child(
                lambda send, beat, r=row, a=arcs, w=wanted: self._simplify(send, beat, r, a, w),
                found.append,
                min(deadline, time.monotonic() + 0.5),
            )
            if found:
                self.rows[row] = found[-1]

    def _simplify(
        self,
        send: Callable[[Any], None],
        beat: Callable[[str], None],
        row: int,
        arcs: frozenset[Arc],
        wanted: list[dict[str, Any]],
    ) -> None:
        candidate, seen, _ = self.rows[row]
        original = Evaluator(self.subject)
        changed = [evaluator for mutant in wanted if (evaluator := self._mutated(mutant)) is not None]
        tracer = Tracer([self.subject.file])

        def good(other: Candidate) -> bool:
            beat(other.target)
            tracer.start()
            try:
                now = original.observe(other, self.targets.get(other.target))
            finally:
                tracer.stop()
            reached = frozenset(tracer.take().get(self.subject.file, ()))
            if now["kind"] != seen["kind"] or not arcs <= reached:
                return False
            if not all(self._tells(other, original, evaluator) for evaluator in changed):
                return False
            send((other, now, reached))
            return True

        better: Candidate | None = candidate
        while better is not None:
            candidate = better
            simpler = (other for other in self.inventor.simpler(candidate) if other.size < candidate.size)
            better = next((other for other in simpler if good(other)), None)

    def laws(self) -> list[dict[str, Any]]:
        """Return the laws that hold for everything that was observed."""
        found: list[dict[str, Any]] = []
        observed = [*self.kept.values(), *((candidate, seen) for candidate, seen, _ in self.rows)]

        def check(send: Callable[[Any], None], beat: Callable[[str], None]) -> None:
            for record in Laws(self.subject, observed, beat).propose():
                send(record)

        self._child(check, found.append, time.monotonic() + _LAW_SECONDS)
        return found

    def figures(self) -> dict[str, Any]:
        """Return what was done."""
        return {
            "evaluated": self.evaluated, "paths": len(self.kept), "hangs": self.hangs, "rows": len(self.rows),
            "killed": len(self.kills), "survivors": [m["id"] for m in self.survivors],
        }  # fmt: skip

    # -- children -----------------------------------------------------------------------------------------------

    def _child(self, work: Callable[..., None], take: Callable[[Any], None], deadline: float) -> bool:
        """Run *work* in a fork, hand its messages to *take*; return false when it had to be killed because it hung."""
        finished, doing = run(work, take, deadline)
        if not finished:
            self.hangs += 1
            target = self.targets.get(doing)
            if target is not None:
                target.hangs += 1
        return finished


def _different(changed: dict[str, Any], seen: dict[str, Any]) -> bool:
    """Whether an assertion made from *seen* fails on *changed*."""
    return changed["kind"] != "stuck" and {**changed, "line": 0} != {**seen, "line": 0}


def _record(candidate: Candidate, seen: dict[str, Any], kills: list[int]) -> dict[str, Any]:
    return {
        "target": candidate.target, "expr": candidate.expr, "before": candidate.before, "seen": seen, "kills": kills,
        "arguments": candidate.arguments, "keywords": candidate.keywords, "receiver": candidate.receiver,
    }  # fmt: skip
