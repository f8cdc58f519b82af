"""Test generation for one file, end to end: measure, generate, gate, keep what earns its place."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Final

from tta_orchestrate.domain.measured import Measured
from tta_orchestrate.modes.test_gen import examples, gates, properties
from tta_orchestrate.modes.test_gen.arbiter import Chosen, Dispute, Matter, settle
from tta_orchestrate.modes.test_gen.arena import Arena, Killing, Session, Tools
from tta_orchestrate.modes.test_gen.cases import Case, read_case, shortened
from tta_orchestrate.modes.test_gen.choice import Choice, choose, pass_gates, reseat, spread
from tta_orchestrate.modes.test_gen.diff import Diff, label, regressions, touched
from tta_orchestrate.modes.test_gen.facts import Project, Style, Unit, read_unit, related, test_path
from tta_orchestrate.modes.test_gen.gates import Bench
from tta_orchestrate.modes.test_gen.goals import goals
from tta_orchestrate.modes.test_gen.ladder import Ladder
from tta_orchestrate.modes.test_gen.mutants import Mutant, change_undone, mutants
from tta_orchestrate.modes.test_gen.outcome import Mutation, Suspect, TargetResult
from tta_orchestrate.modes.test_gen.render import Writer
from tta_orchestrate.modes.test_gen.shape import Shape, Symbol, measure, shape_of
from tta_orchestrate.modes.test_gen.signatures import parameters_of, short_names
from tta_orchestrate.modes.test_gen.snapshot import Snapshot
from tta_orchestrate.modes.test_gen.splice import names_taken
from tta_orchestrate.ports.model import Engine

Clock = Callable[[], float]
_GENERATOR_SHARE: Final = 0.6
_CATCH_SHARE: Final = 0.2
_MOST_REGRESSIONS: Final = 5
_EXAMPLE_FILES: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much may be spent on one target."""

    seconds: float = 60.0
    mutants: int = 200
    cases: int = 80
    seed: int = 0
    patience: int = 0
    """Candidates in a row without anything new before the generator stalls; 0: its own default."""


def generate(
    arena: Arena,
    snapshot: Snapshot,
    project: Project,
    path: str,
    plan: Plan,
    *,
    baseline: Session,
    diff: Diff | None = None,
    engine: Engine | None = None,
    clock: Clock = time.monotonic,
) -> TargetResult:
    """Write tests for *path*; the result says what was kept, what was dropped where, and what was not done."""
    started = clock()
    result = TargetResult(path=path)
    try:
        unit = read_unit(snapshot, path)
        if any("\udc80" <= letter <= "\udcff" for letter in unit.source):
            result.reason = "cannot be read: its text is not UTF-8"
            return result
        shape = shape_of(unit.source)
    except (SyntaxError, ValueError) as error:
        result.reason = f"cannot be parsed: {error}"
        return result
    result.module = unit.module
    result.tests_path = test_path(project, unit, snapshot.files())
    roots = (unit.root, *(r for r in project.roots if r != unit.root))
    tools = arena.tools(snapshot, roots)
    describe_baseline(result, baseline)
    bench = Bench(
        arena=arena, snapshot=snapshot, project=project, unit=unit, shape=shape, baseline=baseline, result=result,
        roots=roots,
        writer=_writer(Writer(module=unit.module, style=_style(project, tools),
                              taken=names_taken(project, unit, snapshot)), unit.source),
        left=lambda: plan.seconds - (clock() - started), available=(*_packages(snapshot, roots), *tools.packages),
    )  # fmt: skip
    result.before = result.after = measure(shape, baseline.arcs(path))
    try:
        _work(bench, plan, diff, engine)
    finally:
        snapshot.remove(result.tests_path)
        result.seconds = clock() - started
    return result


def _writer(writer: Writer, source: str) -> Writer:
    """Return *writer* with what the text of the module tells it."""
    signatures = parameters_of(source)
    homes = {short: dotted.rpartition(".")[0] for dotted, short in short_names(source, signatures).items()}
    return replace(writer, parameters=signatures, homes=homes)


def _style(project: Project, tools: Tools) -> Style:
    """The repository's own way, or unittest's where the interpreter has no pytest."""
    return project.style if tools.pytest else Style(framework="unittest")


def measure_suite(
    arena: Arena,
    snapshot: Snapshot,
    project: Project,
    paths: Sequence[str],
    *,
    seconds: float,
    first: Sequence[str] = (),
    roots: Sequence[str] = (),
) -> Session:
    """Run the repository's own tests once, traced on *paths*, those in *first* before the others."""
    files = [*first, *(t for t in project.tests if t not in set(first))]
    if not files:
        return Session(tests={}, note="there are no tests yet")
    return arena.run(snapshot, files, roots=roots or project.roots, seconds=seconds, trace=paths)


def describe_baseline(result: TargetResult, session: Session) -> None:
    """Say how the existing suite stands: what fails is set aside, and named."""
    outcomes = [t.outcome for t in session.tests.values()]
    failures = [t for t in session.tests.values() if t.outcome in {"failed", "timeout", "crashed"}]
    result.baseline = {
        "tests": len(outcomes), "passed": outcomes.count("passed"), "complete": session.complete, "note": session.note,
        "runner": session.runner,
        "set_aside": [{"test": t.id, "outcome": t.outcome} for t in failures[:50]],
        "collect_errors": {i: gates.last_line(e) for i, e in list(session.collect_errors.items())[:20]},
    }  # fmt: skip


def _work(bench: Bench, plan: Plan, diff: Diff | None, engine: Engine | None) -> None:
    pool = _pool(bench, plan, diff)
    before = gates.mutate_baseline(bench, pool)
    bench.result.mutation_before = bench.result.mutation_after = _mutation(pool, before)
    alive = [m for m in pool if before[m.id].status == "survived"]
    focus = touched(bench.shape, diff.lines) if diff else None
    if diff:
        _catch(bench, plan, diff)
    cases = _local(bench, plan, alive, _names(bench.shape, focus))
    if cases is None:
        return
    claimed = frozenset().union(*(case.kills for case in cases))
    order = sorted(alive if diff else spread(alive, plan.seed), key=lambda m: m.id not in claimed)
    laws = properties.proved(bench, bench.laws)
    choice = choose(bench, [*bench.writer.tests(cases, taken=[t.name for t in laws]), *laws], order, focus)
    disputes: list[Dispute] = []
    if engine is not None and engine.has_executor:
        choice, disputes = _ask_models(bench, engine, choice, order, focus)
    if not choice.tests:
        bench.result.reason = _nothing(bench.result)
    else:
        _finish(bench, choice, (pool, before))
    ruling = settle(_matter(bench, choice, disputes), None if bench.result.waits else engine)
    for name, reason in ruling.drop.items():
        bench.drop(name, "passes", f"contradicts the docstring, says the orchestrator: {reason}")
    if ruling.drop or ruling.names:
        _finish(bench, reseat(bench, choice, without=ruling.drop, names=ruling.names), (pool, before))
    if diff and bench.result.kept:
        _label(bench, diff)


def _matter(bench: Bench, choice: Choice, disputes: Sequence[Dispute]) -> Matter:
    tests = [
        Chosen(
            name=test.name, target=test.cases[0].target, body="\n".join(test.lines),
            call=test.cases[0].expr.split("\n")[0],
        )
        for test in choice.tests
    ]  # fmt: skip
    return Matter(
        result=bench.result, source=bench.unit.source, symbols=bench.shape.symbols, tests=tests, disputes=disputes,
        taken={name for name, _ in bench.ids.values()},
    )  # fmt: skip


def _ask_models(
    bench: Bench, engine: Engine, choice: Choice, alive: Sequence[Mutant], focus: frozenset[int] | None
) -> tuple[Choice, list[Dispute]]:
    """Ask for what is still open; what comes back goes through every gate together with what is kept already."""
    path = bench.unit.path
    mine = bench.last if choice.tests else Session(tests={})
    covered = Session(
        tests={**bench.baseline.tests, **mine.tests},
        import_arcs={path: bench.baseline.import_arcs.get(path, frozenset()) | mine.import_arcs.get(path, frozenset())},
    )
    living = [m for m in alive if not (k := choice.killings.get(m.id)) or k.status == "survived"]
    open_goals = goals(bench, covered.arcs(path), living, focus)
    if not open_goals:
        return choice, []
    ladder = Ladder(bench=bench, covered=covered)
    proposed = ladder.climb(engine, open_goals)
    if proposed:
        choice = choose(bench, [*choice.tests, *proposed], alive, focus)
    return choice, list(ladder.disputes.values())


def _pool(bench: Bench, plan: Plan, diff: Diff | None) -> tuple[Mutant, ...]:
    """Return the mutants to look at; for a change those on its lines first, then those of the functions it touches."""
    source = bench.unit.source
    if diff is None:
        return mutants(source, limit=plan.mutants, seed=plan.seed)
    changed = mutants(source, lines=diff.lines, limit=plan.mutants, per_symbol=plan.mutants, seed=plan.seed)
    around = mutants(source, lines=touched(bench.shape, diff.lines), limit=plan.mutants, seed=plan.seed)
    pool = tuple({m.id: m for m in (*changed, *around)}.values())[: plan.mutants]
    known = bench.unit.path in set(diff.base.files())
    undone = change_undone(source, read_unit(diff.base, bench.unit.path).source) if known else None
    return (undone, *pool) if undone is not None else pool


def _names(shape: Shape, focus: frozenset[int] | None) -> list[str]:
    """Return the functions in *focus*; empty stands for all of them."""
    if focus is None:
        return []
    return [s.name for s in shape.symbols if focus.intersection(range(s.first, s.last + 1))]


def _label(bench: Bench, diff: Diff) -> None:
    """Run what is kept on the base revision."""
    result = bench.result
    diff.base.write(result.tests_path, result.text.encode())
    on_base = bench.arena.run(diff.base, [result.tests_path], roots=bench.roots, seconds=60)
    result.kept = label(result.kept, on_base)
    result.gates["fail-to-pass"] = "run"
    diff.base.remove(result.tests_path)


def _catch(bench: Bench, plan: Plan, diff: Diff) -> None:
    """Write down what the base revision does where the change touches it, and see whether head still does it."""
    path = bench.unit.path
    if path not in set(diff.base.files()):
        return
    old = replace(bench.unit, source=diff.base.read(path))
    try:
        shape = shape_of(old.source)
    except (SyntaxError, ValueError):
        return
    result = TargetResult(path=path, module=old.module, tests_path=bench.result.tests_path)
    names = set(_names(bench.shape, touched(bench.shape, diff.lines))) & {s.name for s in shape.symbols}
    writer = _writer(bench.writer, old.source)
    base = replace(
        bench, snapshot=diff.base, unit=old, shape=shape, baseline=Session(tests={}), result=result, writer=writer,
        ids={}
    )  # fmt: skip
    change = [_as_mutant(n, s, old.source, bench.unit.source) for n, s in enumerate(shape.symbols) if s.name in names]
    cases = _local(base, replace(plan, cases=30), change, sorted(names), share=_CATCH_SHARE) if names else None
    tests, on_base = pass_gates(base, writer.tests(cases or []), suite=False)
    if tests:
        bench.place_text(writer.file(tests))
        on_head = bench.session()
        sources = {i: f"`{case.expr}`" for i, (_, case) in base.ids.items()}
        bench.result.regressions = regressions(on_base, on_head, list(base.ids), sources)[:_MOST_REGRESSIONS]
        diff.base.remove(result.tests_path)


def _as_mutant(number: int, symbol: Symbol, old: str, new: str) -> Mutant:
    """Return the change as one mutant of the base revision: the search looks for inputs that tell the two apart."""
    return Mutant(
        id=number, line=symbol.first, last=symbol.last, operator="change", start=0, end=len(old), before="",
        replacement=new, symbol=symbol.name,
    )  # fmt: skip


def _local(
    bench: Bench, plan: Plan, alive: Sequence[Mutant], only: Sequence[str], *, share: float = _GENERATOR_SHARE
) -> list[Case] | None:
    """Ask the local generator; ``None`` when the module cannot even be imported."""
    texts = [bench.snapshot.read(path) for path in related(bench.project, bench.unit, bench.snapshot)[:_EXAMPLE_FILES]]
    seconds = max(5.0, bench.left() * share)
    request = {
        "command": "explore",
        "module": bench.unit.module,
        "file": bench.arena.path_of(bench.snapshot, bench.unit.path),
        "source": bench.unit.source,
        "seconds": seconds,
        "seed": plan.seed,
        "only": list(only),
        "max_cases": plan.cases,
        "patience": plan.patience,
        "statements": sorted(_bodies(bench.shape, only)),
        "examples": examples.mine(bench.unit.source, texts),
        "covered": sorted(bench.baseline.arcs(bench.unit.path)),
        "mutants": [asdict(m) for m in alive],
    }
    job, records = bench.arena.ask(bench.snapshot, request, seconds=seconds + 15, roots=bench.roots)
    imported = next((r for r in records if r.get("event") == "imported"), None)
    if imported is None:
        error = next(
            (str(r.get("error")) for r in records if r.get("event") == "import-error"),
            f"its import did not end well ({job.end} {job.code})",
        )
        bench.result.reason = f"cannot be imported: {error}"
        return None
    if names := [str(name) for name in imported.get("left_out", ())][:20]:
        told = f"left out, because pytest or a test would take the name for something else: {', '.join(names)}"
        bench.result.notes.append(told)
    end = next((r for r in records if r.get("event") == "end"), None)
    bench.result.generator = {
        k: v for k, v in (end or {}).items() if k in {"evaluated", "paths", "hangs", "rows", "killed"}
    }
    if end is None:
        bench.result.notes.append(f"the local generator was cut ({job.end})")
    for record in records:
        if record.get("event") == "suspect":
            error = f"{record.get('type')}: {record.get('message')}"[:300]
            bench.result.suspects.append(
                Suspect(
                    target=str(record.get("target")),
                    expr=str(record.get("expr"))[:300],
                    error=error,
                    line=int(record.get("line", 0)),
                )
            )
    bench.laws = [law for r in records if r.get("event") == "law" and (law := properties.read_law(r)) is not None]
    awaited = frozenset(_async_names(bench))
    short = {f"{home}.{name}": name for name, home in bench.writer.homes.items()}
    return [
        shortened(case, short)
        for r in records
        if r.get("event") == "case" and (case := read_case(r, async_targets=awaited)) is not None
    ]


def _bodies(shape: Shape, only: Sequence[str]) -> frozenset[int]:
    """Return the statements inside functions, those in *only* where it names any."""
    wanted = [s for s in shape.symbols if not only or s.name in only]
    heads = {s.first for s in shape.symbols}
    return frozenset(n for n in shape.statements - heads if any(s.first < n <= s.last for s in wanted))


def _async_names(bench: Bench) -> set[str]:
    import ast

    found: set[str] = set()

    def visit(body: list[ast.stmt], prefix: str) -> None:
        for node in body:
            if isinstance(node, ast.AsyncFunctionDef):
                found.add(prefix + node.name)
            elif isinstance(node, ast.ClassDef):
                visit(node.body, f"{prefix}{node.name}.")

    visit(ast.parse(bench.unit.source).body, "")
    return found


def _finish(
    bench: Bench,
    choice: Choice,
    found: tuple[Sequence[Mutant], dict[int, Killing]],
) -> None:
    """Look at the last run of what will be delivered, and measure it."""
    result = bench.result
    pool, before = found
    tests, kept, killings = list(choice.tests), list(choice.kept), choice.killings
    session = bench.last if tests else Session(tests={})
    if (
        not tests
        or not bench.ids
        or any(session.tests.get(i) is None or session.tests[i].outcome != "passed" for i in bench.ids)
    ):
        result.reason = result.reason or _nothing(result) if not tests else "the chosen tests do not pass together"
        result.kept, result.text, result.after = [], "", result.before
        result.mutation_after = result.mutation_before
        return
    result.kept = kept
    result.text = bench.writer.file(tests)
    result.after = _after(bench.shape, bench.baseline, session, bench.unit)
    chosen = {k.test for k in kept}
    after = dict(before)
    for identity, killing in killings.items():
        if (killing.status == "killed" and killing.killers & chosen) or killing.status in {"timeout", "import"}:
            after[identity] = killing
        elif before[identity].status == "not-run" or killing.status == "not-run":
            after[identity] = Killing(status="survived" if killing.status != "not-run" else "not-run")
    result.mutation_after = _mutation(pool, after)
    result.survivors = [m for m in pool if after[m.id].status == "survived"]


def _nothing(result: TargetResult) -> str:
    """Say why nothing is kept."""
    late = sum(drop.reason == gates.NO_TIME for drop in result.dropped)
    if late:
        return f"the time was over before {late} candidates could be tried on mutants: give more --seconds"
    reasons = Counter(f"{drop.gate}: {drop.reason}" for drop in result.dropped)
    if not reasons:
        tried = result.generator.get("evaluated")
        return "no candidate passed the gates" if tried else "there is nothing in it to call"
    return f"no candidate passed the gates; most often {reasons.most_common(1)[0][0]}"


def _after(shape: Shape, baseline: Session, session: Session, unit: Unit) -> Measured:
    return measure(shape, baseline.arcs(unit.path) | session.arcs(unit.path))


def _mutation(pool: Sequence[Mutant], found: dict[int, Killing]) -> Mutation:
    statuses = [found[m.id].status for m in pool]
    ran = [s for s in statuses if s in {"killed", "survived", "timeout", "crash"}]
    return Mutation(
        total=len(ran),
        killed=len(ran) - ran.count("survived"),
        import_only=statuses.count("import"),
        not_run=statuses.count("not-run"),
    )


def _packages(snapshot: Snapshot, roots: Sequence[str]) -> tuple[str, ...]:
    """Top-level names that the tree itself offers for import."""
    found = set()
    for path in snapshot.files():
        if path.endswith(".py"):
            for root in roots:
                relative = path.removeprefix(root + "/") if root else path
                if not root or path.startswith(root + "/"):
                    found.add(relative.split("/")[0].removesuffix(".py"))
    return tuple(sorted(found))
