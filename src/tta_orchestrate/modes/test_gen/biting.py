"""Mutants in other languages: which of them the suite tells apart, and which the new tests do."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from tta_orchestrate.domain.measured import Measured
from tta_orchestrate.domain.mutant import Mutant
from tta_orchestrate.modes.test_gen.arena import Killing
from tta_orchestrate.modes.test_gen.proving import Target, ended
from tta_orchestrate.modes.test_gen.runs import Tried, Try
from tta_orchestrate.ports.test_runner import FAILED, PASSED, Ask, Proposal
from tta_orchestrate.syntax.faults import innermost

_MUTANT_SECONDS: Final = 10.0


def bites(target: Target, tests: Sequence[Proposal], mutants: Sequence[Mutant]) -> dict[int, Killing]:
    """Run the new tests against each mutant that the suite lets live, a process for each."""
    target.result.gates["bites"] = "run"
    reached = frozenset().union(*(target.alone[t.name].lines for t in tests)) if tests else frozenset()
    tries, asked = [], []
    found = {m.id: Killing(status="survived") for m in mutants}
    for mutant in mutants:
        if not touches(target, mutant, reached):
            continue
        asked.append(mutant)
        source = mutant.apply(target.text)
        tries.append(target.attempt(tests, source=source, seconds=_MUTANT_SECONDS))
    names = {t.name for t in tests}
    hidden: dict[int, set[str]] = {}
    for mutant, tried in _in_time(target, asked, tries):
        found[mutant.id] = judged(tried, names) if tried else Killing(status="not-run")
        hidden[mutant.id] = names - {r.name for r in tried.run.tests} if tried else set()
    return {**found, **_unhidden(target, tests, [m for m in asked if found[m.id].status == "killed"], found, hidden)}


def _unhidden(
    target: Target, tests: Sequence[Proposal], mutants: Sequence[Mutant], found: Mapping[int, Killing],
    hidden: Mapping[int, Collection[str]],
) -> dict[int, Killing]:  # fmt: skip
    """Let tests that killed nothing try the mutants at which another one ended the process before their turn."""
    killers = frozenset[str]().union(*(k.killers for k in found.values()))
    idle = {m.id: [t for t in tests if t.name in hidden[m.id] and t.name not in killers] for m in mutants}
    asked = [m for m in mutants if idle[m.id]]
    tries = [target.attempt(idle[m.id], source=m.apply(target.text), seconds=_MUTANT_SECONDS) for m in asked]
    more = {m.id: judged(tried, {t.name for t in idle[m.id]}) for m, tried in _in_time(target, asked, tries) if tried}
    return {
        number: Killing(status="killed", killers=found[number].killers | one.killers) for number, one in more.items()
    }


def touches(target: Target, mutant: Mutant, lines: Collection[int]) -> bool:
    """Whether what runs *lines* may run the mutant: a statement begins on its first line, or around it."""
    symbol = innermost(target.symbols, mutant.line)
    first = symbol.first if symbol is not None else mutant.line
    above = [n for n in target.loaded.all_lines | target.known().all_lines if first <= n <= mutant.line]
    return not above or max(above) in lines or any(n in lines for n in range(mutant.line, mutant.last + 1))


def judged(tried: Tried, names: Collection[str]) -> Killing:
    """Return what became of a mutant: only a test that ran and failed kills it, what does not load counts not."""
    if tried.answer.cut == "timeout":
        return Killing(status="timeout", killers=frozenset(names))
    ran = {r.name: r for r in tried.run.tests if r.name in names}
    killers = frozenset(name for name, r in ran.items() if r.outcome == FAILED)
    if killers:
        return Killing(status="killed", killers=killers)
    if not ran:
        return Killing(status="import")
    return Killing(status="survived" if set(ran) == set(names) and tried.answer.ok else "crash")


def _in_time(target: Target, mutants: Sequence[Mutant], tries: Sequence[Try]) -> Iterable[tuple[Mutant, Tried | None]]:
    """Run *tries* in small lots for as long as there is time; the rest is given back unrun."""
    lot = target.runs.lot
    for at in range(0, len(tries), lot):
        part = mutants[at : at + lot]
        if target.left() <= 0:
            yield from ((m, None) for m in part)
        else:
            yield from zip(part, target.runs.mutants(target.tree, target.path, tries[at : at + lot]), strict=True)


def mutate_suite(target: Target, mutants: Sequence[Mutant], *, share: float = 0.35) -> dict[int, Killing]:
    """See which mutants the existing suite tells apart; one on a line that it does not run lives."""
    found = {m.id: Killing(status="survived") for m in mutants}
    suite = target.suite
    passed = ended(suite, PASSED)
    covered = suite.run.coverage.get(target.path, Measured()).lines
    reached = [m for m in mutants if touches(target, m, covered)] if passed and covered else []
    until = target.left() * (1 - share)
    seconds = 3 * suite.answer.seconds + 5
    files = target.runs.runner.tests(target.tree)
    lot = target.runs.lot
    for at in range(0, len(reached), lot):
        part = reached[at : at + lot]
        if target.left() < until:
            found.update({m.id: Killing(status="not-run") for m in reached[at:]})
            break
        tries = [Try(ask=Ask(tests=files), files={target.path: m.apply(target.text)}, seconds=seconds) for m in part]
        for mutant, tried in zip(part, target.runs.mutants(target.tree, target.path, tries), strict=True):
            found[mutant.id] = by_suite(tried, passed)
    return found


def by_suite(tried: Tried, passed: Collection[tuple[str, str]]) -> Killing:
    """Return what became of a mutant under the suite; one with which a whole file says nothing did not load."""
    if tried.answer.cut == "timeout":
        return Killing(status="timeout")
    killers = ended(tried, FAILED) & set(passed)
    if killers:
        return Killing(status="killed", killers=frozenset(name for _, name in killers))
    files = {r.file for r in tried.run.tests}
    missing = set(passed) - {(r.file, r.name) for r in tried.run.tests}
    if any(file in files for file, _ in missing):
        return Killing(status="crash")
    return Killing(status="import" if missing else "survived")
