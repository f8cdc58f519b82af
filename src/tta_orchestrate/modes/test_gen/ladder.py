"""The model executor: asked only for what the local generator stalled on, believed only as far as its tests run."""

import ast
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from tta_orchestrate.domain.sanitiser import visible
from tta_orchestrate.domain.secrets import mask_secrets
from tta_orchestrate.modes.test_gen import gates
from tta_orchestrate.modes.test_gen.arbiter import Dispute
from tta_orchestrate.modes.test_gen.arena import Session
from tta_orchestrate.modes.test_gen.cases import Case
from tta_orchestrate.modes.test_gen.gates import Bench
from tta_orchestrate.modes.test_gen.goals import Goal, show
from tta_orchestrate.modes.test_gen.outcome import Drop, TargetResult
from tta_orchestrate.modes.test_gen.prompts import TESTER, TESTS, fence
from tta_orchestrate.modes.test_gen.render import TestCode
from tta_orchestrate.modes.test_gen.shape import measure
from tta_orchestrate.ports.model import BATCHED, Engine, GateResult, Json, Prompt, Task, TaskResult, UseCase

_NAME: Final = re.compile(r"test_[a-z0-9_]{2,80}\Z")
_FIXTURES: Final = {"self", "tmp_path", "capsys", "monkeypatch"}
_MOST_CODE: Final = 4000
_MOST_TESTS: Final = 6
_ERROR: Final = 300
KIND: Final = "proposed"
"""``Case.kind`` of a test that a model wrote."""


@dataclass(slots=True, kw_only=True)
class Ladder:
    """One target's questions to models."""

    bench: Bench
    covered: Session
    """The suite and what was kept so far: a proposed test must add to it."""
    accepted: dict[str, TestCode] = field(default_factory=dict)
    disputes: dict[str, Dispute] = field(default_factory=dict)
    """By the shape of the test, expected values left out."""
    errors: dict[str, str] = field(default_factory=dict)
    reached: dict[str, frozenset[int]] = field(default_factory=dict)
    """Goals that accepted tests run, by function."""
    answered: set[str] = field(default_factory=set)
    dropped: list[Drop] = field(default_factory=list)
    _judged: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def climb(self, engine: Engine, goals: Sequence[Goal]) -> list[TestCode]:
        """Ask for tests twice at most: the second round only for what the first left open, with its errors.

        In batches once: a second round would hang on answers that the run after next no longer has.
        """
        for attempt in (1,) if engine.in_batches else (1, 2):
            asked = list(goals) if attempt == 1 else [goal for goal in goals if self._worth_another(goal)]
            if not asked or not engine.has_executor:
                break
            tasks = [self._task(goal, attempt) for goal in asked]
            by_unit = {task.unit: goal for task, goal in zip(tasks, asked, strict=True)}
            self.errors.clear()
            results = engine.execute(tasks, self._gate(by_unit))
            self._resume(results, by_unit)
            self.bench.result.waits |= any(result.failure == BATCHED for result in results)
            self.answered = {by_unit[r.task.unit].symbol for r in results if r.answer is not None}
            self.bench.result.models += [_told(result, attempt) for result in results]
        self.bench.result.dropped += self.dropped
        return list(self.accepted.values())

    def _resume(self, results: Sequence[TaskResult], by_unit: dict[str, Goal]) -> None:
        """Run the answers that an interrupted run paid for: they arrive without having passed the gate of this one."""
        for result in results:
            if result.answer is not None and result.task.unit not in self._judged:
                self._judge(by_unit[result.task.unit], result.answer["tests"])

    def _worth_another(self, goal: Goal) -> bool:
        """Whether some tests were accepted, others failed with an error to learn from, and lines are still open."""
        reached = self.reached.get(goal.symbol, frozenset())
        return goal.symbol in self.answered and goal.symbol in self.errors and not goal.lines <= reached

    def _task(self, goal: Goal, attempt: int) -> Task:
        data = show(self.bench, goal)
        if attempt > 1:
            data += "\n" + fence("errors", self.errors[goal.symbol])
        return Task(
            unit=f"test-gen {self.bench.unit.path} {goal.symbol} {attempt}",
            stage="execute",
            prompt=Prompt(system=TESTER, data=data, schema=TESTS, schema_name="tests", max_output_tokens=3000),
            use_case=UseCase.MODERATE if attempt == 1 else UseCase.COMPLEX,
            priority=len(goal.lines),
        )

    def _gate(self, by_unit: dict[str, Goal]) -> Callable[[Task, Json], GateResult]:
        def gate(task: Task, answer: Json) -> GateResult:
            with self._lock:  # one snapshot, one box at a time
                self._judged.add(task.unit)
                return self._judge(by_unit[task.unit], answer["tests"])

        return gate

    def _judge(self, goal: Goal, proposals: Sequence[Json]) -> GateResult:
        """Run what is proposed; accept the answer when at least one test reaches a goal."""
        wrong: list[str] = []
        tests = []
        for proposal in proposals[:_MOST_TESTS]:
            test = self._read(goal, str(proposal["name"]), str(proposal["code"]))
            if isinstance(test, str):
                wrong.append(f"{visible(str(proposal['name']))[:80]}: {test}")
                self.dropped.append(Drop(test=visible(str(proposal["name"]))[:80], gate="static", reason=test))
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

    def _read(self, goal: Goal, name: str, code: str) -> TestCode | str:
        """Return the proposal as a test, or what is wrong with its form."""
        if not _NAME.match(name) or len(code) > _MOST_CODE:
            return "the name must be test_ and lower-case words, the code at most 4,000 characters"
        try:
            body = ast.parse(code).body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            return f"does not parse: {type(error).__name__}"
        functions = [n for n in body if isinstance(n, ast.FunctionDef)]
        imports = [n for n in body if isinstance(n, ast.Import | ast.ImportFrom)]
        if len(functions) != 1 or len(functions) + len(imports) != len(body):
            return "must be imports and one plain function, nothing else"
        function = functions[0]
        if function.decorator_list or {a.arg for a in function.args.args} - _FIXTURES:
            return "no decorators, and no arguments but tmp_path, capsys, monkeypatch (self in unittest style)"
        if _shape(function) in self.disputes:
            return "the expected value of a failed test was changed: say what the code should do, or leave it"
        taken = {*self.accepted, *(name for name, _ in self.bench.ids.values())}
        function.name = next(n for n in (name, *(f"{name}_{i}" for i in range(2, 99))) if n not in taken)
        case = Case(
            target=goal.symbol, expr=code, before=(), arguments=(), keywords=(), receiver="", kind=KIND,
        )  # fmt: skip
        lines = tuple(ast.unparse(function).split("\n"))
        return TestCode(name=function.name, lines=lines, cases=(case,), imports=tuple(ast.unparse(n) for n in imports))

    def _run(self, goal: Goal, tests: list[TestCode], wrong: list[str]) -> list[TestCode]:
        """Put *tests* through the first gates, apart from everything else; say in *wrong* what stops them."""
        if not tests:
            return []
        scratch = TargetResult(path=self.bench.unit.path, tests_path=_scratch(self.bench.result.tests_path))
        bench = replace(self.bench, result=scratch, ids={}, last=Session(tests={}))
        try:
            left = gates.collects(bench, gates.static(bench, tests))
            left = self._disputed(bench, goal, left)
            left = gates.passes(bench, left)
            useful = [test for test in left if self._adds(bench, goal, test)]
        finally:
            self.bench.snapshot.remove(scratch.tests_path)
        wrong += [f"{drop.test}: {_clean(drop.reason)}" for drop in scratch.dropped]
        for test in left:
            if test not in useful:
                wrong.append(f"{test.name}: passes, but runs no line or branch that was asked for")
                scratch.dropped.append(Drop(test=test.name, gate="gains", reason="reaches no goal"))
        self.dropped += scratch.dropped
        return useful

    def _disputed(self, bench: Bench, goal: Goal, tests: list[TestCode]) -> list[TestCode]:
        """Set aside the tests whose assertion fails: nobody may bend them to what the code happens to do."""
        bad = set()
        for identity, (_, case) in bench.ids.items():
            ran = bench.last.tests.get(identity)
            if ran is None or ran.outcome != "failed" or not _assertion_failed(ran.error):
                continue
            bad.add(identity)
            function = next(n for n in ast.parse(case.expr).body if isinstance(n, ast.FunctionDef))
            self.disputes[_shape(function)] = Dispute(
                symbol=goal.symbol, line=goal.first, code=case.expr, actual=_clean(gates.last_line(ran.error))
            )
            reason = "its assertion fails: the test or the code is wrong, and the expected value may not be bent"
            bench.drop(identity.rpartition("::")[2], "passes", reason)
        return gates.without(bench, tests, bad)

    def _adds(self, bench: Bench, goal: Goal, test: TestCode) -> bool:
        path = self.bench.unit.path
        known = measure(self.bench.shape, self.covered.arcs(path))
        for identity, (name, _) in bench.ids.items():
            ran = bench.last.tests.get(identity)
            if name == test.name and ran is not None:
                mine = measure(self.bench.shape, ran.arcs.get(path, ()))
                lines = (mine.lines - known.lines) | {head for head, _ in mine.branches - known.branches}
                reached = self.reached.get(goal.symbol, frozenset())
                hit = frozenset(lines & goal.lines) - reached
                self.reached[goal.symbol] = reached | hit
                return bool(hit) or _kills(bench, goal, identity)
        return False


def _kills(bench: Bench, goal: Goal, identity: str) -> bool:
    """Whether the test notices a fault that nothing else does."""
    pairs = [(mutant, [identity]) for mutant in goal.mutants]
    seconds = max(5.0, min(30.0, bench.left()))
    tests = [bench.result.tests_path]
    found = bench.arena.mutate(bench.snapshot, bench.unit.path, pairs, tests, roots=bench.roots, seconds=seconds)
    return any(killing.status == "killed" for killing in found.values())


def _shape(function: ast.FunctionDef) -> str:
    """Return what stays of a test when its name and every constant in a check are left out."""
    tree = ast.parse("\n".join(ast.unparse(statement) for statement in function.body))
    for check in ast.walk(tree):
        if isinstance(check, ast.Compare):
            check.comparators = [ast.Constant(value=...) for _ in check.comparators]
        elif isinstance(check, ast.Call) and ast.unparse(check.func).startswith("self.assert"):
            check.args = check.args[:1]
    return ast.dump(tree)


def _assertion_failed(error: str) -> bool:
    return any(word in error for word in ("AssertionError", "DID NOT RAISE", "E       assert ", "E   assert "))


def _scratch(path: str) -> str:
    folder, slash, name = path.rpartition("/")
    return f"{folder}{slash}test_proposed_{name.removeprefix('test_')}"


def _clean(text: str) -> str:
    """Return one line of an error that may go back to a model, or into a report."""
    return mask_secrets(visible(" ".join(text.split())))[:_ERROR]


def _told(result: TaskResult, attempt: int) -> dict[str, Any]:
    return {
        "unit": result.task.unit.removeprefix("test-gen "), "attempt": attempt, "model": result.model,
        "accepted": result.answer is not None, "reason": result.reason[:200],
    }  # fmt: skip
