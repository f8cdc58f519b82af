"""The gates for tests of other languages: the same names and reasons as Python's, a process for each question."""

import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from tta_orchestrate.domain.measured import Branch, Measured
from tta_orchestrate.modes.test_gen.arena import Killing
from tta_orchestrate.modes.test_gen.outcome import Drop, Kept, TargetResult
from tta_orchestrate.modes.test_gen.runs import Runs, Tried, Try
from tta_orchestrate.modes.test_gen.snapshot import Snapshot
from tta_orchestrate.ports.test_runner import FAILED, PASSED, Ask, Proposal, Ran, Symbol

SLOWEST: Final = 1.0
"""Seconds that a kept test may take."""
_TEST_SECONDS: Final = 20.0
"""For one run of the new file; beyond that it hangs."""
_VARIANTS: Final = (
    ({"TZ": "Asia/Tokyo", "LANG": "de_DE.UTF-8"}, "reversed"),
    ({"TZ": "America/New_York", "LANG": "C"}, "shuffled"),
    ({"TZ": "UTC", "LANG": "C.UTF-8"}, "as written"),
)


@dataclass(slots=True, kw_only=True)
class Target:
    """One source on the bench."""

    runs: Runs
    tree: Snapshot
    path: str
    text: str
    symbols: tuple[Symbol, ...]
    suite: Tried
    """The existing suite, as it stands."""
    loaded: Measured
    """What loading alone runs: no test earns its place with it."""
    result: TargetResult
    left: Callable[[], float]
    """Seconds left for this target."""
    alone: dict[str, Measured] = field(default_factory=dict)
    """What each candidate covers when it runs by itself."""
    candidates: dict[str, Proposal] = field(default_factory=dict)

    def file(self, tests: Sequence[Proposal]) -> str:
        """Return the test file that holds *tests*."""
        return self.runs.runner.write(tests, self.path, self.result.tests_path, self.runs.kit)

    def attempt(
        self, tests: Sequence[Proposal], *, names: Sequence[str] = (), cover: bool = False,
        env: Mapping[str, str] | None = None, source: str | None = None, seconds: float = _TEST_SECONDS,
    ) -> Try:  # fmt: skip
        """Return a run of *tests* in the new file, alone; *source* takes the place of the tested file."""
        files: dict[str, str | None] = {self.result.tests_path: self.file(tests)}
        if source is not None:
            files[self.path] = source
        ask = Ask(
            tests=(self.result.tests_path,), names=tuple(names), sources=(self.path,) if cover else (), env=env or {}
        )
        return Try(ask=ask, files=files, seconds=max(2.0, min(seconds, self.left() + 5)))

    def known(self) -> Measured:
        """Return what the suite and loading cover."""
        return self.suite.run.coverage.get(self.path, Measured()) | self.loaded

    def drop(self, test: str, gate: str, reason: str) -> None:
        """Note a drop."""
        self.result.dropped.append(Drop(test=test, gate=gate, reason=" ".join(reason.split())[:300]))


def outcomes(tried: Tried, names: Collection[str]) -> dict[str, Ran]:
    """Return how each of *names* ended; what was reported twice, or by a run that ended oddly, did not pass."""
    found: dict[str, Ran] = {}
    for ran in tried.run.tests:
        if ran.name in names:
            twice = ran.name in found
            found[ran.name] = Ran(name=ran.name, outcome=FAILED, error="was reported twice") if twice else ran
    honest = tried.answer.ok or any(r.outcome == FAILED for r in tried.run.tests)
    if honest and not tried.answer.cut:
        return found
    return {name: ran for name, ran in found.items() if ran.outcome != PASSED}


def why(tried: Tried) -> str:
    """Return why a test is missing from a run."""
    if tried.answer.cut:
        return f"cut ({tried.answer.cut})"
    return tried.run.error or f"the runner ended with {', '.join(map(str, tried.answer.codes))} and said nothing of it"


def ended(tried: Tried, *how: str) -> set[tuple[str, str]]:
    """Return the file and name of every test that ended so: names alone meet again in other files."""
    return {(r.file, r.name) for r in tried.run.tests if r.outcome in how}


def first_gates(target: Target, tests: Sequence[Proposal]) -> tuple[list[Proposal], dict[str, Ran], Tried | None]:
    """Collect and run: return what passed, how the others ended, and the run."""
    gates = target.result.gates
    gates["collects"] = gates["passes"] = gates["cheap"] = "run"
    if not tests:
        return [], {}, None
    tried = target.runs.one(target.tree, target.attempt(tests))
    ran = outcomes(tried, {t.name for t in tests})
    if not ran and len(tests) > 1:  # one that does not load takes the others with it
        middle = len(tests) // 2
        one, other = first_gates(target, tests[:middle]), first_gates(target, tests[middle:])
        return [*one[0], *other[0]], {**one[1], **other[1]}, tried
    hidden = [t for t in tests if t.name not in ran] if ran else []  # behind one that ended the process
    good = []
    for test in [t for t in tests if t not in hidden]:
        mine = ran.get(test.name)
        if mine is None:
            ran[test.name] = Ran(name=test.name, outcome=FAILED, error=why(tried))
            target.drop(test.name, "collects", why(tried))
        elif mine.outcome != PASSED:
            target.drop(test.name, "passes", f"{mine.outcome}: {mine.error}")
        elif mine.seconds > SLOWEST:
            target.drop(test.name, "cheap", f"takes {mine.seconds:.1f} s")
        else:
            good.append(test)
    others = first_gates(target, hidden)
    return [*good, *others[0]], {**ran, **others[1]}, tried


def cover_alone(target: Target, tests: Sequence[Proposal]) -> list[Proposal]:
    """Run each test by itself, measured; return those that pass so."""
    new = [t for t in tests if t.name not in target.alone]
    tried = target.runs.many(target.tree, [target.attempt([t], cover=True) for t in new])
    for test, one in zip(new, tried, strict=True):
        ran = outcomes(one, {test.name}).get(test.name)
        if ran is not None and ran.outcome == PASSED:
            target.alone[test.name] = one.run.coverage.get(target.path, Measured())
        else:
            target.drop(test.name, "stable", f"fails on its own: {ran.error if ran else why(one)}")
    return [t for t in tests if t.name in target.alone]


def stable(target: Target, tests: list[Proposal]) -> list[Proposal]:
    """Run again in five fresh processes: other time zones, languages and orders, each alone, inside the suite."""
    if not tests:
        return []
    target.result.gates["stable"] = "run"
    tests = cover_alone(target, tests)
    orders = {"as written": tests, "reversed": tests[::-1], "shuffled": _shuffled(tests)}
    tries = [target.attempt(orders[order], env=env) for env, order in _VARIANTS]
    bad: dict[str, str] = {}
    for (env, order), tried in zip(_VARIANTS, target.runs.many(target.tree, tries), strict=True):
        ran = outcomes(tried, {t.name for t in tests})
        for test in tests:
            mine = ran.get(test.name)
            if mine is None or mine.outcome != PASSED:
                bad.setdefault(test.name, f"differs with {dict(env)}, {order}: {mine.error if mine else why(tried)}")
    bad = {**_in_suite(target, tests), **bad}
    for name, reason in bad.items():
        target.drop(name, "stable", reason)
    return [t for t in tests if t.name not in bad]


def _shuffled(tests: Sequence[Proposal]) -> list[Proposal]:
    found = list(tests)
    random.Random(len(found)).shuffle(found)  # noqa: S311 -- an order, not a secret
    return found


def _in_suite(target: Target, tests: Sequence[Proposal]) -> dict[str, str]:
    """Run the new file among the existing ones; a test of the suite that stops passing condemns it."""
    if not tests or not target.suite.run.tests:
        return {}
    if target.suite.answer.seconds > max(15.0, target.left() / 2):
        target.result.notes.append("stable: not run inside the whole suite, which takes too long for the time given")
        return {}
    ask = Ask(tests=(*target.runs.runner.tests(target.tree), target.result.tests_path))
    files = {target.result.tests_path: target.file(tests)}
    tried = target.runs.one(target.tree, Try(ask=ask, files=files, seconds=2 * target.suite.answer.seconds + 20))
    broken = sorted(ended(target.suite, PASSED) & ended(tried, FAILED))
    if broken:
        return {t.name: f"makes {broken[0][1]} fail" for t in tests}
    mine = [r for r in tried.run.tests if r.file in {target.result.tests_path, ""}]
    passed = {r.name for r in mine if r.outcome == PASSED}
    return {t.name: f"fails inside the suite: {why(tried)}" for t in tests if t.name not in passed}


def earn(
    target: Target, tests: Sequence[Proposal], killings: Mapping[int, Killing], focus: frozenset[int] | None
) -> list[Kept]:
    """Choose greedily: a test stays if it bites, and adds a line, a branch or a dead mutant to what is accepted."""
    target.result.gates["gains"] = "run"
    known = _goals(target.known(), None)
    kills: dict[str, set[int]] = {}
    for mutant, killing in killings.items():
        if killing.status == "killed":
            for name in killing.killers:
                kills.setdefault(name, set()).add(mutant)
    goals = {t.name: _goals(target.alone[t.name], focus) for t in tests}
    for name in goals:
        if not kills.get(name):
            unrun = killings and all(k.status == "not-run" for k in killings.values())
            reason = "not run: no time was left for mutants" if unrun else "kills no mutant that the suite lets live"
            target.drop(name, "bites", reason)
    left, dead, kept = {n for n in goals if kills.get(n)}, set[int](), list[Kept]()
    while left:
        best = max(sorted(left), key=lambda n: len(goals[n] - known) + len(kills[n] - dead))
        gains, bitten = len(goals[best] - known), len(kills[best] - dead)
        if not gains and not bitten:
            break
        left.discard(best)
        known |= goals[best]
        dead |= kills[best]
        kept.append(Kept(test=best, gains=gains, kills=bitten))
    for name in sorted(left):
        target.drop(name, "gains", "adds no line, branch or dead mutant to the tests already accepted")
    return kept


def _goals(measured: Measured, focus: frozenset[int] | None) -> set[int | Branch]:
    return {
        *(n for n in measured.lines if focus is None or n in focus),
        *(b for b in measured.branches if focus is None or b[0] in focus),
    }
