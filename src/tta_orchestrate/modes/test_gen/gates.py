"""The gates that need execution, in order; each returns what is left and says why the rest is not."""

import itertools
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

from tta_orchestrate.domain.measured import Branch
from tta_orchestrate.domain.secrets import find_secrets
from tta_orchestrate.modes.test_gen.arena import Arena, Killing, Ran, Session
from tta_orchestrate.modes.test_gen.cases import PROPERTY, Case
from tta_orchestrate.modes.test_gen.facts import Project, Unit
from tta_orchestrate.modes.test_gen.mutants import Mutant
from tta_orchestrate.modes.test_gen.outcome import Drop, Kept, TargetResult
from tta_orchestrate.modes.test_gen.render import TestCode, Writer
from tta_orchestrate.modes.test_gen.shape import Arc, Shape, measure
from tta_orchestrate.modes.test_gen.snapshot import Snapshot
from tta_orchestrate.modes.test_gen.static_gate import refusals

SLOWEST: Final = 1.0
"""Seconds that a kept test may take."""
NO_TIME: Final = "not run: no time was left for mutants"
_ROUNDS: Final = 3
_LAW_WEIGHT: Final = 40
"""A law says more, letter by letter, than an example."""
_FLOOR: Final = 15.0
"""Seconds that one run of the new file may take, even when the time is over: what is found is not thrown away."""
_COVERING: Final = 200
_COVERING_SECONDS: Final = 1.5
"""Existing tests tried per mutant, fastest first: so many, and no more than take so long together."""
_VARIANTS: Final = (
    ({"PYTHONHASHSEED": "1", "TZ": "Asia/Tokyo"}, "reverse"),
    ({"PYTHONHASHSEED": "12345", "TZ": "America/New_York"}, "shuffle"),
    ({"PYTHONHASHSEED": "77", "TZ": "Asia/Kolkata"}, "shuffle again"),
    ({"PYTHONHASHSEED": "random", "TZ": "UTC"}, ""),
)

_Seconds = Callable[[], float]


@dataclass(slots=True, kw_only=True)
class Bench:
    """One target on the bench: where its tests are, and what is known of them."""

    arena: Arena
    snapshot: Snapshot
    project: Project
    unit: Unit
    shape: Shape
    baseline: Session
    result: TargetResult
    writer: Writer
    roots: tuple[str, ...]
    left: _Seconds
    """Seconds left for this target."""
    available: tuple[str, ...] = ()
    base: Snapshot | None = None
    laws: list[Any] = field(default_factory=list)
    """What the generator saw hold, see `properties`."""
    ids: dict[str, tuple[str, Case]] = field(default_factory=dict)
    """Runner's id to (test name, case)."""
    last: Session = field(default_factory=lambda: Session(tests={}))
    """The latest traced run of the file as it stands."""

    def trial(self, tests: Sequence[TestCode]) -> Session:
        """Write *tests* into the snapshot, run them alone and traced, and learn their ids."""
        self.place_text(self.writer.file(tests))
        self.last = self.session(trace=[self.unit.path])
        _map_ids(self, tests, self.last.collected)
        return self.last

    def place_text(self, text: str) -> None:
        """Write *text* as the test file into the snapshot."""
        self.snapshot.write(self.result.tests_path, text.encode())

    def session(self, **options: object) -> Session:
        """Run the new file alone."""
        seconds = max(_FLOOR, min(60.0, self.left()))
        return self.arena.run(self.snapshot, [self.result.tests_path], roots=self.roots, seconds=seconds, **options)  # type: ignore[arg-type]

    def drop(self, test: str, gate: str, reason: str) -> None:
        """Note a drop."""
        self.result.dropped.append(Drop(test=test, gate=gate, reason=reason[:300]))


def static(bench: Bench, tests: list[TestCode]) -> list[TestCode]:
    """Refuse by reading."""
    text = bench.writer.file(tests)
    found = refusals(text, module=bench.unit.module, available=bench.available)
    for test in tests:
        if any(find_secrets("\n".join(test.lines))):
            found.setdefault(test.name, "holds what looks like a credential")
    bench.result.gates["static"] = "run"
    if "" in found:
        bench.drop("(file)", "static", found[""])
        return []
    for name, reason in found.items():
        bench.drop(name, "static", reason)
    return [test for test in tests if test.name not in found]


def collects(bench: Bench, tests: list[TestCode]) -> list[TestCode]:
    """Let the runner find the tests; a file that does not load is halved until the culprit is alone."""
    bench.result.gates["collects"] = "run"
    if not tests:
        return []
    session = bench.trial(tests)
    if session.collected and not session.collect_errors:
        return tests
    reason = next(iter(session.collect_errors.values()), session.note or "nothing collected")
    if len(tests) == 1 or "SyntaxError" in reason:
        for test in tests:
            bench.drop(test.name, "collects", last_line(reason))
        return []
    middle = len(tests) // 2
    left = [*collects(bench, tests[:middle]), *collects(bench, tests[middle:])]
    if left:
        bench.trial(left)
    return left


def _map_ids(bench: Bench, tests: Sequence[TestCode], collected: Iterable[str]) -> None:
    bench.ids.clear()
    by_name: dict[str, list[str]] = {}
    for identity in collected:
        by_name.setdefault(identity.partition("[")[0].rpartition("::")[2], []).append(identity)
    for test in tests:
        found = by_name.get(test.name, [])
        if test.table and len(found) == len(test.cases):
            bench.ids.update({identity: (test.name, case) for identity, case in zip(found, test.cases, strict=True)})
        else:
            bench.ids.update(dict.fromkeys(found, (test.name, test.cases[0])))


def without(bench: Bench, tests: Sequence[TestCode], bad: Collection[str]) -> list[TestCode]:
    """Return *tests* without the ids in *bad*, written anew and mapped anew."""
    left = less(bench, tests, bad)
    if bad and left:
        bench.trial(left)
    return left


def less(bench: Bench, tests: Sequence[TestCode], bad: Collection[str]) -> list[TestCode]:
    """Return *tests* without the ids in *bad*; nothing is written or run."""
    gone: dict[str, set[Case]] = {}
    for identity in bad:
        name, case = bench.ids[identity]
        gone.setdefault(name, set()).add(case)
    left: list[TestCode] = []
    for test in tests:
        lost = gone.get(test.name)
        if not lost:
            left.append(test)
        elif test.table:
            pruned = bench.writer.prune(test, [c for c in test.cases if c not in lost])
            left += [pruned] if pruned else []
    return left


def passes(bench: Bench, tests: list[TestCode]) -> list[TestCode]:
    """Keep what passed when the file ran alone; what is left is run anew, because its rows may be numbered anew."""
    bench.result.gates["passes"] = bench.result.gates["cheap"] = "run"
    for _ in range(_ROUNDS):
        bad = _not_passed(bench, bench.last, "passes")
        ran = bench.last.tests
        slow = {i for i in bench.ids if i not in bad and ran[i].seconds > SLOWEST}
        for identity in slow:
            bench.drop(_short(identity), "cheap", f"takes {ran[identity].seconds:.1f} s")
        if not bad and not slow:
            return tests
        tests = without(bench, tests, {*bad, *slow})
        if not tests:
            return []
    return without(bench, tests, _not_passed(bench, bench.last, "passes"))


def _not_passed(bench: Bench, session: Session, gate: str) -> set[str]:
    bad = set()
    for identity in bench.ids:
        ran = session.tests.get(identity)
        if ran is None or ran.outcome != "passed":
            bad.add(identity)
            reason = f"{ran.outcome}: {last_line(ran.error)}" if ran else f"did not run: {session.note}"
            bench.drop(_short(identity), gate, reason)
    return bad


def stable(bench: Bench, tests: list[TestCode], *, suite: bool = True) -> list[TestCode]:
    """Run again in fresh processes: other hash seeds, time zones and orders, each alone, and inside the whole suite."""
    if not tests:
        return []
    bench.result.gates["stable"] = "run"
    bad: dict[str, str] = {}
    with ThreadPoolExecutor(max_workers=2) as pool:
        sessions = list(pool.map(lambda variant: bench.session(env=variant[0], order=variant[1]), _VARIANTS))
    for (env, order), session in zip(_VARIANTS, sessions, strict=True):
        for identity in bench.ids:
            ran = session.tests.get(identity)
            if ran is None or ran.outcome != "passed":
                why = last_line(ran.error) if ran else session.note
                bad.setdefault(identity, f"differs with {env}, order {order or 'as written'}: {why}")
    for identity in _fail_alone(bench):
        bad.setdefault(identity, "fails on its own")
    if suite:
        bad.update({i: r for i, r in _in_suite(bench).items() if i not in bad})
    for identity, reason in bad.items():
        bench.drop(_short(identity), "stable", reason)
    return without(bench, tests, bad)


def _fail_alone(bench: Bench) -> set[str]:
    nothing = [
        Mutant(id=n, line=0, last=0, operator="", start=0, end=0, before="", replacement="", symbol="")
        for n in range(len(bench.ids))
    ]
    pairs = [(mutant, [identity]) for mutant, identity in zip(nothing, bench.ids, strict=True)]
    seconds = max(5.0, min(40.0, bench.left()))
    found = bench.arena.mutate(
        bench.snapshot, bench.unit.path, pairs, [bench.result.tests_path], roots=bench.roots, seconds=seconds
    )
    return {identity for (mutant, (identity,)) in pairs if found[mutant.id].status not in {"survived", "not-run"}}


def _in_suite(bench: Bench) -> dict[str, str]:
    """Run the new file among the existing ones; a baseline test that stops passing condemns the file."""
    good = [t.id for t in bench.baseline.tests.values() if t.outcome == "passed"]
    if not good:
        return {}
    files = [*bench.project.tests, bench.result.tests_path]
    spent = sum(t.seconds for t in bench.baseline.tests.values())
    if spent > max(10.0, bench.left() / 2):
        bench.result.notes.append("stable: not run inside the whole suite, which takes too long for the time given")
        return {}
    session = bench.arena.run(bench.snapshot, files, roots=bench.roots, seconds=2 * spent + 30, order="suite",
        env={"PYTHONHASHSEED": "4"})  # fmt: skip
    bad = {
        i: "fails inside the suite"
        for i in bench.ids
        if (ran := session.tests.get(i)) is None or ran.outcome != "passed"
    }
    broken = [i for i in good if i in session.tests and session.tests[i].outcome != "passed"]
    if broken:
        bad.update(dict.fromkeys(bench.ids, f"makes {_short(broken[0])} fail"))
    return bad


def mutate_baseline(bench: Bench, mutants: Sequence[Mutant]) -> dict[int, Killing]:
    """See which mutants the existing suite tells apart: for each, the fastest tests that reach its lines."""
    pairs = [(m, _covering(bench.baseline, bench.unit.path, m)) for m in mutants]
    reached = [(m, quick) for m, every in pairs if (quick := _affordable(every))]
    found = {m.id: Killing(status="not-run" if every else "survived") for m, every in pairs}
    files = sorted({i.partition("::")[0] for _, ids in reached for i in ids})
    found.update(
        bench.arena.mutate(
            bench.snapshot,
            bench.unit.path,
            reached,
            files,
            roots=bench.roots,
            seconds=max(3.0, bench.left() * 0.3),
            mutant_seconds=_patience(bench.baseline, reached),
            import_arcs=bench.baseline.import_arcs.get(bench.unit.path, ()),
        )
    )
    return found


def _covering(session: Session, path: str, mutant: Mutant) -> list[Ran]:
    """Return the passing tests that run a line of *mutant*, fastest first; all where import runs it, a default say."""
    lines = range(mutant.line, mutant.last + 1)
    at_import = any(b in lines for _, b in session.import_arcs.get(path, ()))
    found = [
        t
        for t in session.tests.values()
        if t.outcome == "passed" and (at_import or any(b in lines or a in lines for a, b in t.arcs.get(path, ())))
    ]
    return sorted(found, key=lambda t: t.seconds)


def _affordable(tests: Sequence[Ran]) -> list[str]:
    """Return the ids of the first of *tests* that together take no longer than one mutant may."""
    spent = itertools.accumulate(test.seconds for test in tests)
    return [test.id for test, until in zip(tests, spent, strict=True) if until <= _COVERING_SECONDS][:_COVERING]


def _patience(session: Session, pairs: Sequence[tuple[Mutant, Sequence[str]]]) -> float:
    """Return the seconds for one mutant: enough that only what hangs is cut."""
    usual = max((sum(session.tests[i].seconds for i in ids) for _, ids in pairs), default=0.0)
    return 3.0 + 2 * min(usual, 5.0)


def bites(bench: Bench, session: Session, mutants: Sequence[Mutant]) -> dict[int, Killing]:
    """Run the new tests against the mutants that the suite lets live."""
    bench.result.gates["bites"] = "run"
    pairs = [(m, ids) for m in mutants if (ids := _covering_all(session, bench, m))]
    seconds = max(_FLOOR, bench.left())
    return bench.arena.mutate(
        bench.snapshot,
        bench.unit.path,
        pairs,
        [bench.result.tests_path],
        roots=bench.roots,
        seconds=seconds,
        mutant_seconds=_patience(session, pairs),
        import_arcs=session.import_arcs.get(bench.unit.path, ()),
    )


def _covering_all(session: Session, bench: Bench, mutant: Mutant) -> list[str]:
    lines = range(mutant.line, mutant.last + 1)
    ran = sorted((i for i in bench.ids if i in session.tests), key=lambda i: session.tests[i].seconds)
    if any(b in lines for _, b in session.import_arcs.get(bench.unit.path, ())):
        return ran
    return [i for i in ran if any(b in lines or a in lines for a, b in session.tests[i].arcs.get(bench.unit.path, ()))]


def earn(
    bench: Bench, session: Session, killings: Mapping[int, Killing], focus: frozenset[int] | None = None
) -> list[Kept]:
    """Choose greedily: a test stays if it bites, and adds a line, a branch or a dead mutant to what is accepted."""
    bench.result.gates["gains"] = "run"
    path, shape = bench.unit.path, bench.shape
    known = _goals(shape, bench.baseline.arcs(path) | session.import_arcs.get(path, frozenset()))
    kills: dict[str, set[int]] = {}
    for mutant, killing in killings.items():
        if killing.status == "killed":
            for identity in killing.killers:
                kills.setdefault(identity, set()).add(mutant)
    goals = {i: _goals(shape, session.tests[i].arcs.get(path, ())) for i in bench.ids if i in session.tests}
    if focus is not None:
        goals = {i: {g for g in found if (g if isinstance(g, int) else g[0]) in focus} for i, found in goals.items()}
    dead: set[int] = set()
    kept: list[Kept] = []
    left = {i for i in goals if kills.get(i)}
    for identity in goals:
        if identity not in left:
            bench.drop(_short(identity), "bites", _why_toothless(killings))
    while left:
        best = max(sorted(left), key=lambda i: (len(goals[i] - known) + len(kills[i] - dead)) / _weight(bench, i))
        gains, bitten = len(goals[best] - known), len(kills[best] - dead)
        if not gains and not bitten:
            break
        left.discard(best)
        known |= goals[best]
        dead |= kills[best]
        kept.append(Kept(test=best, gains=gains, kills=bitten))
    for identity in sorted(left):
        bench.drop(_short(identity), "gains", "adds no line, branch or dead mutant to the tests already accepted")
    return kept


def _weight(bench: Bench, identity: str) -> int:
    case = bench.ids[identity][1]
    if case.kind == PROPERTY:
        return _LAW_WEIGHT
    return 30 + len(case.expr) + len(case.value) + sum(map(len, case.before))


def _why_toothless(killings: Mapping[int, Killing]) -> str:
    if not killings:
        return "no mutant lies on what it runs"
    if all(k.status == "not-run" for k in killings.values()):
        return NO_TIME
    return "kills no mutant that the suite lets live"


def _goals(shape: Shape, arcs: Iterable[Arc]) -> set[int | Branch]:
    measured = measure(shape, arcs)
    return {*measured.lines, *measured.branches}


def _short(identity: str) -> str:
    return identity.rpartition("::")[2]


def last_line(text: str) -> str:
    """Return the line of a failure that says the most."""
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("E ")]
    return (errors[-1] if errors else lines[-1] if lines else "")[:250]
