"""Test generation for one file in a language without a local generator: measure, ask, gate, keep what earns it."""

import random
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from tta_orchestrate.domain.measured import Measured
from tta_orchestrate.domain.mutant import Mutant
from tta_orchestrate.modes.test_gen import biting, on_base, proving
from tta_orchestrate.modes.test_gen.arbiter import Chosen, Dispute, Matter, settle
from tta_orchestrate.modes.test_gen.arena import Killing
from tta_orchestrate.modes.test_gen.asking import Asking, Doubt, goals
from tta_orchestrate.modes.test_gen.diff import Diff
from tta_orchestrate.modes.test_gen.outcome import Drop, Kept, Mutation, TargetResult
from tta_orchestrate.modes.test_gen.pipeline import Plan
from tta_orchestrate.modes.test_gen.proving import Target
from tta_orchestrate.modes.test_gen.runs import Runs, Tried, Try
from tta_orchestrate.modes.test_gen.snapshot import Snapshot
from tta_orchestrate.ports.model import Engine
from tta_orchestrate.ports.test_runner import FAILED, PASSED, Ask, Proposal
from tta_orchestrate.syntax.faults import innermost

_PER_SYMBOL: Final = 20
_FEW: Final = 4
"""Mutants on the lines that a test adds, below which more are made."""


def generate(
    runs: Runs,
    tree: Snapshot,
    path: str,
    plan: Plan,
    *,
    suite: Tried,
    diff: Diff | None = None,
    engine: Engine | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> TargetResult:
    """Write tests for *path*; the result says what was kept, what was dropped where, and what was not done."""
    started = clock()
    runner = runs.runner
    text = tree.read(path)
    result = TargetResult(path=path, module=path, tests_path=runner.place(tree, path, runs.kit))
    _describe_suite(result, suite, runs)
    loads = _load(runs, tree, path, result)
    if loads is None:
        return replace(result, seconds=clock() - started)
    target = Target(
        runs=runs, tree=tree, path=path, text=text, symbols=runner.symbols(text), suite=suite, loaded=loads,
        result=result, left=lambda: plan.seconds - (clock() - started),
    )  # fmt: skip
    total = Measured(all_lines=loads.all_lines, all_branches=loads.all_branches)
    result.before = result.after = suite.run.coverage.get(path, Measured()) | total
    _work(target, plan, diff, engine)
    result.seconds = clock() - started
    return result


def _load(runs: Runs, tree: Snapshot, path: str, result: TargetResult) -> Measured | None:
    """Load the file and do nothing with it: what that runs no test earns anything with."""
    text = runs.runner.loads(path, result.tests_path, runs.kit)
    ask = Ask(tests=(result.tests_path,), sources=(path,))
    tried = runs.one(tree, Try(ask=ask, files={result.tests_path: text}, seconds=60))
    if not any(r.outcome == PASSED for r in tried.run.tests) or not tried.answer.ok:
        result.reason = f"cannot be loaded: {' '.join(_why_not_loaded(tried).split())[-400:]}"
        return None
    return tried.run.coverage.get(path, Measured())


def _why_not_loaded(tried: Tried) -> str:
    failed = next((r.error for r in tried.run.tests if r.outcome == FAILED and r.error), "")
    return failed or tried.answer.output or proving.why(tried)


def _describe_suite(result: TargetResult, suite: Tried, runs: Runs) -> None:
    """Say how the existing suite stands: what fails is set aside, and named."""
    failed = [r for r in suite.run.tests if r.outcome == FAILED]
    ran = suite.run.tests
    result.baseline = {
        "tests": len(ran), "passed": sum(r.outcome == PASSED for r in ran), "complete": not suite.answer.cut,
        "note": suite.answer.cut or suite.run.error[:500] or ("" if ran else "there are no tests yet"),
        "runner": runs.runner.name, "version": runs.kit.version,
        "set_aside": [{"test": r.name[:200], "outcome": r.outcome} for r in failed[:50]], "collect_errors": {},
    }  # fmt: skip


def _work(target: Target, plan: Plan, diff: Diff | None, engine: Engine | None) -> None:
    result, runner = target.result, target.runs.runner
    focus = _touched(target, diff.lines) if diff else None
    pool = _pool(target, plan, diff, focus)
    before = biting.mutate_suite(target, pool)
    result.mutation_before = result.mutation_after = _mutation(pool, before)
    alive = [m for m in pool if before[m.id].status in {"survived", "not-run"}]
    result.survivors = [m for m in pool if before[m.id].status == "survived"]
    if diff:
        target.result.regressions += on_base.broken(target, diff)
    if engine is None or not engine.has_executor:
        result.reason = f"{runner.language} has no local generator: tests need a model (no key, or no budget left)"
        return
    open_goals = goals(target, alive, focus)
    if not open_goals:
        return
    asking = Asking(target=target)
    measured = Pool(mutants=pool, suite=before, alive=alive, focus=focus)
    choice, measured = _choose(target, asking.climb(engine, open_goals), measured)
    _finish(target, choice, measured)
    disputes = [d for doubt in asking.doubts.values() if (d := _dispute(target, doubt, diff)) is not None]
    ruling = settle(_matter(target, disputes), None if result.waits else engine)
    for name, reason in ruling.drop.items():
        target.drop(name, "passes", f"contradicts what is said of it, says the orchestrator: {reason}")
    if ruling.drop:
        _finish(target, choice.without(ruling.drop), measured)
    if diff and result.kept:
        on_base.label(target, list(target.candidates.values()), diff)


def _pool(target: Target, plan: Plan, diff: Diff | None, focus: frozenset[int] | None) -> list[Mutant]:
    """Return the mutants to look at, spread over the functions; for a change those on its lines first."""
    every = list(target.runs.runner.mutants(target.text))
    random.Random(plan.seed).shuffle(every)  # noqa: S311 -- a sample, not a secret
    if diff is not None and focus is not None:
        every = [m for m in every if focus.intersection(range(m.line, m.last + 1))]
        every.sort(key=lambda m: not diff.lines.intersection(range(m.line, m.last + 1)))
        return every[: plan.mutants]
    turn: dict[str, int] = {}
    order: dict[int, int] = {}
    for mutant in every:
        order[mutant.id] = turn[mutant.symbol] = turn.get(mutant.symbol, 0) + 1
    fair = sorted((m for m in every if order[m.id] <= _PER_SYMBOL), key=lambda m: order[m.id])
    return fair[: plan.mutants]


def _touched(target: Target, lines: frozenset[int]) -> frozenset[int]:
    found = set(lines)
    for line in lines:
        symbol = innermost(target.symbols, line)
        if symbol is not None:
            found.update(range(symbol.first, symbol.last + 1))
    return frozenset(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """The mutants of one target, and what the suite does to them."""

    mutants: Sequence[Mutant]
    suite: Mapping[int, Killing]
    alive: Sequence[Mutant]
    focus: frozenset[int] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The tests that are kept, what each one earns, and what they do to the mutants."""

    tests: Sequence[Proposal] = ()
    kept: Sequence[Kept] = ()
    killings: Mapping[int, Killing] = field(default_factory=dict)

    def without(self, names: Collection[str]) -> "Choice":
        """Return it without the tests *names*."""
        return replace(
            self,
            tests=[t for t in self.tests if t.name not in names],
            kept=[k for k in self.kept if k.test not in names],
        )


def _choose(target: Target, proposed: Sequence[Proposal], pool: Pool) -> tuple[Choice, Pool]:
    """Put what was proposed through the remaining gates."""
    tests = proving.stable(target, list(proposed))
    if not tests:
        return Choice(), pool
    pool = _widened(target, tests, pool)
    killings = biting.bites(target, tests, pool.alive)
    kept = proving.earn(target, tests, killings, pool.focus)
    names = {one.test for one in kept}
    return Choice(tests=[t for t in tests if t.name in names], kept=kept, killings=killings), pool


def _widened(target: Target, tests: Sequence[Proposal], pool: Pool) -> Pool:
    """Add mutants on the lines that only *tests* run, where the sample has few: those live in the suite for sure."""
    known, alive = target.known().lines, {m.id: m for m in pool.alive}
    every = {m.id: m for m in target.runs.runner.mutants(target.text)} if tests else {}
    for test in tests:
        gained = target.alone[test.name].lines - known
        here = [m for m in every.values() if m.line in gained]
        short = _FEW - sum(m.id in alive for m in here)
        new = [m for m in here if m.id not in alive and m.id not in pool.suite][: max(0, short)]
        alive.update({m.id: m for m in new})
    more = [m for m in alive.values() if m.id not in pool.suite]
    suite = {**pool.suite, **{m.id: Killing(status="survived") for m in more}}
    target.result.mutation_before = _mutation([*pool.mutants, *more], suite)
    return replace(pool, mutants=[*pool.mutants, *more], suite=suite, alive=[*pool.alive, *more])


def _finish(target: Target, choice: Choice, pool: Pool) -> None:
    """Run what will be delivered once more, all of it and nothing else, and measure it."""
    result = target.result
    names = {t.name for t in choice.tests}
    tried = target.runs.one(target.tree, target.attempt(choice.tests, cover=True)) if names else None
    ran = proving.outcomes(tried, names) if tried else {}
    if tried is None or any(name not in ran or ran[name].outcome != PASSED for name in names):
        result.reason = "the chosen tests do not pass together" if names else "no candidate passed the gates"
        result.kept, result.text, result.after = [], "", result.before
        result.mutation_after = result.mutation_before
        result.survivors = [m for m in pool.mutants if pool.suite[m.id].status == "survived"]
        return
    target.candidates = {t.name: t for t in choice.tests}
    result.text = target.file(choice.tests)
    result.kept = [replace(one, test=f"{result.tests_path}::{one.test}") for one in choice.kept]
    if result.before is not None:
        result.after = result.before | tried.run.coverage.get(target.path, Measured())
    after = dict(pool.suite)
    for identity, killing in choice.killings.items():
        if (killing.status == "killed" and killing.killers & names) or killing.status in {"timeout", "import", "crash"}:
            after[identity] = killing
        elif after[identity].status == "not-run":
            after[identity] = Killing(status="not-run" if killing.status == "not-run" else "survived")
    result.mutation_after = _mutation(pool.mutants, after)
    result.survivors = [m for m in pool.mutants if after[m.id].status == "survived"]


def _mutation(pool: Sequence[Mutant], found: Mapping[int, Killing]) -> Mutation:
    statuses = [found[m.id].status for m in pool]
    ran = [s for s in statuses if s in {"killed", "survived", "timeout", "crash"}]
    return Mutation(
        total=len(ran), killed=len(ran) - ran.count("survived"), import_only=statuses.count("import"),
        not_run=statuses.count("not-run"),
    )  # fmt: skip


def _matter(target: Target, disputes: Sequence[Dispute]) -> Matter:
    tests = [
        Chosen(name=t.name, target=t.symbol, body=t.body, call=" ".join(t.body.split()))
        for t in target.candidates.values()
    ]
    return Matter(
        result=target.result, source=target.text, symbols=target.symbols, tests=tests, disputes=disputes, renames=False
    )


def _dispute(target: Target, doubt: Doubt, diff: Diff | None) -> Dispute | None:
    """Return what a failed assertion leaves to decide; what held on the base revision is a possible regression."""
    if diff and on_base.passes(target, doubt.test, diff):
        reason = f"a test that a model wrote passes on the base revision, fails on head: {doubt.actual}"
        target.result.regressions.append(Drop(test=doubt.test.name, gate="fail-to-pass", reason=reason))
        return None
    return Dispute(symbol=doubt.test.symbol, line=doubt.line, code=doubt.test.body, actual=doubt.actual)
