"""Which candidates are kept: through the gates, against the mutants, then greedily by what each one adds."""

import random
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tta_orchestrate.modes.test_gen import gates
from tta_orchestrate.modes.test_gen.arena import Killing, Session
from tta_orchestrate.modes.test_gen.cases import Case
from tta_orchestrate.modes.test_gen.gates import Bench
from tta_orchestrate.modes.test_gen.mutants import Mutant
from tta_orchestrate.modes.test_gen.outcome import Kept
from tta_orchestrate.modes.test_gen.render import TestCode


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Tests that stand in the snapshot now, what each one earns, and what they do to the mutants."""

    tests: tuple[TestCode, ...] = ()
    kept: tuple[Kept, ...] = ()
    killings: Mapping[int, Killing] = field(default_factory=dict)


def choose(bench: Bench, tests: list[TestCode], alive: Sequence[Mutant], focus: frozenset[int] | None) -> Choice:
    """Return the best of *tests*; why the others are not kept is noted in the result."""
    tests, session = pass_gates(bench, tests)
    if not tests:
        return Choice()
    killings = gates.bites(bench, session, alive)
    kept = gates.earn(bench, session, killings, focus)
    return reseat(bench, Choice(tests=tuple(tests), kept=tuple(kept), killings=killings))


def pass_gates(bench: Bench, tests: list[TestCode], *, suite: bool = True) -> tuple[list[TestCode], Session]:
    """Return the tests that load, pass and are stable, and their traced run."""
    tests = gates.static(bench, tests)
    tests = gates.collects(bench, tests)
    if not tests:
        return [], Session(tests={})
    tests = gates.stable(bench, gates.passes(bench, tests), suite=suite)
    return tests, bench.last


def reseat(
    bench: Bench, choice: Choice, *, without: Collection[str] = (), names: Mapping[str, str] | None = None
) -> Choice:
    """Write down only what is kept, less the tests *without*, under new *names* (old to new), and follow their ids."""
    names = names or {}
    places = {one.test: bench.ids[one.test] for one in choice.kept if bench.ids[one.test][0] not in without}
    left = gates.less(bench, choice.tests, {i for i in bench.ids if i not in places})
    tests = _named_anew(bench, left, names)
    if tests and tests != list(choice.tests):
        bench.trial(tests)
    now = dict(_whereabouts(bench, tests))
    moved = {
        old: identity
        for old, (name, case) in places.items()
        if (identity := now.get((names.get(name, name), case)) or now.get(("", case)))
    }
    return Choice(
        tests=tuple(tests),
        kept=tuple(replace(one, test=moved[one.test]) for one in choice.kept if one.test in moved),
        killings={
            number: replace(k, killers=frozenset(moved[x] for x in k.killers if x in moved))
            for number, k in choice.killings.items()
        },
    )


def _named_anew(bench: Bench, tests: Sequence[TestCode], names: Mapping[str, str]) -> list[TestCode]:
    """Return *tests* as if the dropped ones had never been; those in *names*, and those of others, keep their text."""
    fixed = {test.name: _renamed(test, names) for test in tests if not test.ours or test.name in names}
    cases = [case for test in tests if test.name not in fixed for case in test.cases]
    ours = bench.writer.tests(cases, taken=[test.name for test in fixed.values()])
    found: list[TestCode] = []
    for test in tests:
        found += [fixed[test.name]] if test.name in fixed else ours
        ours = [] if test.name not in fixed else ours
    return found


def _whereabouts(bench: Bench, tests: Sequence[TestCode]) -> Iterator[tuple[tuple[str, Case], str]]:
    """Yield the id under which each case runs: by test and case, and by case alone for tests of our own."""
    by_name = {test.name: test for test in tests}
    for identity, (name, case) in bench.ids.items():
        test = by_name.get(name)
        if test is not None:
            for one in (case,) if test.table else test.cases:
                yield (name, one), identity
                if test.ours:
                    yield ("", one), identity


def spread(alive: Sequence[Mutant], seed: int) -> list[Mutant]:
    """Return the mutants in an order in which every symbol gets its turn, should the time not suffice for all."""
    shuffled = list(alive)
    random.Random(seed).shuffle(shuffled)  # noqa: S311 -- an order, not a secret
    turn: dict[str, int] = {}
    order: dict[int, int] = {}
    for mutant in shuffled:
        order[mutant.id] = turn[mutant.symbol] = turn.get(mutant.symbol, 0) + 1
    return sorted(shuffled, key=lambda m: order[m.id])


def _renamed(test: TestCode, names: Mapping[str, str]) -> TestCode:
    new = names.get(test.name, test.name)
    heads = (f"def {test.name}(", f"async def {test.name}(")
    lines = tuple(line.replace(test.name, new, 1) if line.startswith(heads) else line for line in test.lines)
    return replace(test, name=new, lines=lines)
