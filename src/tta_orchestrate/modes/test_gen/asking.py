"""Models asked for tests in another language, a function at a time, and believed only as far as their tests run."""

import re
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tta_orchestrate.domain.mutant import Mutant
from tta_orchestrate.domain.sanitiser import visible
from tta_orchestrate.domain.secrets import mask_secrets
from tta_orchestrate.modes.test_gen import biting, proving
from tta_orchestrate.modes.test_gen.goals import Goal
from tta_orchestrate.modes.test_gen.outcome import Drop
from tta_orchestrate.modes.test_gen.prompts import TESTS, fence, foreign_tester
from tta_orchestrate.modes.test_gen.proving import Target
from tta_orchestrate.ports.model import BATCHED, Engine, GateResult, Json, Prompt, Task, TaskResult, UseCase
from tta_orchestrate.ports.test_runner import FAILED, Proposal, Ran
from tta_orchestrate.syntax.faults import innermost

_MOST_GOALS: Final = 8
_MOST_LINES: Final = 60
_MOST_CODE: Final = 4000
_MOST_TESTS: Final = 6
_MOST_TEXT: Final = 4000
_ERROR: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """A test that expects something else than the code does: one of the two is wrong."""

    test: Proposal
    line: int
    actual: str


def goals(target: Target, alive: Sequence[Mutant], focus: frozenset[int] | None) -> list[Goal]:
    """Return the functions with open lines or branches, or with mutants that live; the most open first."""
    known = target.known()
    open_lines = (known.all_lines - known.lines) | {line for line, _ in known.all_branches - known.branches}
    lines: dict[str, set[int]] = {}
    for line in open_lines if focus is None else open_lines & focus:
        symbol = innermost(target.symbols, line)
        if symbol is not None:
            lines.setdefault(symbol.name, set()).add(line)
    found = []
    for symbol in target.symbols:
        mine = tuple(m for m in alive if m.symbol == symbol.name and (focus is None or m.line in focus))
        if lines.get(symbol.name) or mine:
            wanted = frozenset(lines.pop(symbol.name, ()))
            found.append(Goal(symbol=symbol.name, first=symbol.first, last=symbol.last, lines=wanted, mutants=mine[:5]))
    return sorted(found, key=lambda goal: (-len(goal.lines), -len(goal.mutants), goal.first))[:_MOST_GOALS]


@dataclass(slots=True, kw_only=True)
class Asking:
    """One target's questions to models."""

    target: Target
    accepted: dict[str, Proposal] = field(default_factory=dict)
    doubts: dict[str, Doubt] = field(default_factory=dict)
    """By the shape of the test, expected values left out."""
    errors: dict[str, str] = field(default_factory=dict)
    reached: dict[str, frozenset[int]] = field(default_factory=dict)
    _judged: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def climb(self, engine: Engine, wanted: Sequence[Goal]) -> list[Proposal]:
        """Ask twice at most (in batches once): the second round only for what the first left open, with its errors."""
        answered: set[str] = set()
        for attempt in (1,) if engine.in_batches else (1, 2):
            asked = [g for g in wanted if attempt == 1 or (g.symbol in answered and self._worth_another(g))]
            if not asked or not engine.has_executor:
                break
            tasks = [self._task(goal, attempt) for goal in asked]
            by_unit = {task.unit: goal for task, goal in zip(tasks, asked, strict=True)}
            self.errors.clear()
            results = engine.execute(tasks, self._gate(by_unit))
            for result in results:
                if result.answer is not None and result.task.unit not in self._judged:  # paid for by an earlier run
                    self._judge(by_unit[result.task.unit], result.answer["tests"])
            self.target.result.waits |= any(result.failure == BATCHED for result in results)
            answered = {by_unit[r.task.unit].symbol for r in results if r.answer is not None}
            self.target.result.models += [_told(result, attempt) for result in results]
        drops = self.target.result.dropped
        drops[:] = dict.fromkeys(drops)  # a model that says the same thing twice is told so once
        return list(self.accepted.values())

    def _worth_another(self, goal: Goal) -> bool:
        return goal.symbol in self.errors and not goal.lines <= self.reached.get(goal.symbol, frozenset())

    def _task(self, goal: Goal, attempt: int) -> Task:
        data = show(self.target, goal)
        if attempt > 1:
            data += "\n" + fence("errors", self.errors[goal.symbol])
        words = self.target.runs.runner.words
        system = foreign_tester(words.framework, words.rules, words.example)
        return Task(
            unit=f"test-gen {self.target.path} {goal.symbol} {attempt}",
            stage="execute",
            prompt=Prompt(system=system, data=data, schema=TESTS, schema_name="tests", max_output_tokens=3000),
            use_case=UseCase.MODERATE if attempt == 1 else UseCase.COMPLEX,
            priority=len(goal.lines),
        )

    def _gate(self, by_unit: Mapping[str, Goal]) -> Callable[[Task, Json], GateResult]:
        def gate(task: Task, answer: Json) -> GateResult:
            with self._lock:
                self._judged.add(task.unit)
                return self._judge(by_unit[task.unit], answer["tests"])

        return gate

    def _judge(self, goal: Goal, proposed: Sequence[Json]) -> GateResult:
        """Run what is proposed; accept the answer when at least one test reaches a goal."""
        if self.target.left() <= 0:  # a refusal would buy another answer that there is no time to run
            for one in proposed[:_MOST_TESTS]:
                self.target.drop(visible(str(one["name"]))[:100], "collects", "not run: the time for this file is over")
            return GateResult(accepted=True, score=0.0, message="not run: no time is left")
        wrong: list[str] = []
        tests: list[Proposal] = []
        for one in proposed[:_MOST_TESTS]:
            name = visible(str(one["name"]))[:100]
            test = self._read(goal, str(one["name"]), str(one["code"]), tests)
            if isinstance(test, str):
                wrong.append(f"{name}: {test}")
                self.target.result.dropped.append(Drop(test=name, gate="static", reason=test))
            else:
                tests.append(test)
        good = self._run(goal, tests, wrong)
        self.accepted.update({test.name: test for test in good})
        message = "\n".join(wrong)[:2000]
        if wrong:
            self.errors[goal.symbol] = message
        if good:
            return GateResult(accepted=True, score=1.0, message=f"{len(good)} test(s) reach their goal")
        return GateResult(accepted=False, message=message or "no test was proposed")

    def _read(self, goal: Goal, name: str, code: str, beside: Sequence[Proposal]) -> Proposal | str:
        """Return the proposal as a test, or what is wrong with its form."""
        runner, kit = self.target.runs.runner, self.target.runs.kit
        self.target.result.gates["static"] = "run"
        if len(code) > _MOST_CODE:
            return "the code is longer than 4,000 characters"
        taken = {*self.accepted, *(t.name for t in beside), *(r.name for r in self.target.suite.run.tests)}
        name = next(n for n in (name, *(f"{name}_{i}" for i in range(2, 99)), "") if n not in taken)
        test = runner.read(name, code, goal.symbol)
        if isinstance(test, str):
            return test
        if test.checks in self.doubts:
            return "the expected value of a failed test was changed: say what the code should do, or leave it"
        for other in (*self.accepted.values(), *beside):
            clash = [n for n, meaning in test.imports.items() if other.imports.get(n, meaning) != meaning]
            if clash:
                return f"{clash[0]} means something else in another test of the same file"
        return runner.refusals(test, self.target.path, kit) or test

    def _run(self, goal: Goal, tests: Sequence[Proposal], wrong: list[str]) -> list[Proposal]:
        """Put *tests* through the first gates, apart from everything else; say in *wrong* what stops them."""
        good, ran, _ = proving.first_gates(self.target, tests)
        for test in tests:
            mine = ran.get(test.name)
            if mine is not None and mine.outcome == FAILED:
                wrong.append(f"{test.name}: {clean(mine.error)}")
                self._doubt(goal, test, mine)
        useful = []
        for test in proving.cover_alone(self.target, good):
            if self._adds(goal, test):
                useful.append(test)
            else:
                wrong.append(f"{test.name}: passes, but reaches nothing that was asked for")
                self.target.drop(test.name, "gains", "reaches no goal")
        return useful

    def _doubt(self, goal: Goal, test: Proposal, ran: Ran) -> None:
        """Set aside a test whose assertion fails: nobody may bend it to what the code happens to do."""
        if not ran.asserted:
            return
        self.doubts[test.checks] = Doubt(test=test, line=goal.first, actual=clean(ran.error))
        dropped = self.target.result.dropped
        for number, drop in enumerate(dropped):
            if drop.test == test.name and drop.gate == "passes":
                reason = "its assertion fails: the test or the code is wrong, and the expected value may not be bent"
                dropped[number] = Drop(test=drop.test, gate=drop.gate, reason=reason)

    def _adds(self, goal: Goal, test: Proposal) -> bool:
        mine, known = self.target.alone[test.name], self.target.known()
        lines = (mine.lines - known.lines) | {head for head, _ in mine.branches - known.branches}
        reached = self.reached.get(goal.symbol, frozenset())
        hit = frozenset(lines & goal.lines) - reached
        self.reached[goal.symbol] = reached | hit
        return bool(hit) or self._kills(goal.mutants, test)

    def _kills(self, mutants: Collection[Mutant], test: Proposal) -> bool:
        found = biting.bites(self.target, [test], list(mutants)) if mutants else {}
        return any(k.status == "killed" for k in found.values())


def show(target: Target, goal: Goal) -> str:
    """Return everything a model needs to write tests for *goal*, fenced."""
    lines = target.text.splitlines()
    faulty = {m.line for m in goal.mutants}
    first, last = _window(goal)
    tagged = [
        f"{n} {'!' if n in goal.lines else '?' if n in faulty else ' '} {lines[n - 1]}"
        for n in range(first, min(last, len(lines)) + 1)
    ]
    head = f"File: {target.path}. Function: {goal.symbol}. The test file will be {target.result.tests_path}."
    parts = [head, fence("segment", "\n".join(tagged))]
    outside = _outside(target, lines, goal)
    parts += [fence("signatures", outside)] if outside else []
    faults = [f"line {m.line}: `{m.before[:80]}` replaced by `{m.replacement[:80]}`" for m in goal.mutants]
    parts += [fence("faults", "\n".join(faults))] if faults else []
    example = _example(target)
    return "\n".join([*parts, fence("example", example)] if example else parts)


def _window(goal: Goal) -> tuple[int, int]:
    if goal.last - goal.first < _MOST_LINES:
        return goal.first, goal.last
    wanted = goal.lines or {m.line for m in goal.mutants}
    first = max(goal.first, min(wanted, default=goal.first) - _MOST_LINES // 2)
    return first, min(goal.last, first + _MOST_LINES - 1)


def _outside(target: Target, lines: Sequence[str], goal: Goal) -> str:
    """Return what stands outside of every function (imports, types), and the heads of the other functions."""
    covered = {n for s in target.symbols for n in range(s.first + 1, s.last + 1)}
    own = range(goal.first, goal.last + 1)
    kept = [text for n, text in enumerate(lines, 1) if n not in covered and n not in own and text.strip()]
    return "\n".join(kept)[:_MOST_TEXT]


def _example(target: Target) -> str:
    """Return the beginning of the nearest existing test file, as an example of style."""
    stem = re.split(r"[./]", target.path.rpartition("/")[2])[0].lower()
    tests = target.runs.runner.tests(target.tree)
    near = sorted(tests, key=lambda p: (stem not in p.lower(), len(p), p))
    return target.tree.read(near[0])[: _MOST_TEXT // 2] if near else ""


def clean(text: str) -> str:
    """Return one line of an error that may go back to a model, or into a report."""
    return mask_secrets(visible(" ".join(text.split())))[:_ERROR]


def _told(result: TaskResult, attempt: int) -> dict[str, Any]:
    return {
        "unit": result.task.unit.removeprefix("test-gen "), "attempt": attempt, "model": result.model,
        "accepted": result.answer is not None, "reason": result.reason[:200],
    }  # fmt: skip
