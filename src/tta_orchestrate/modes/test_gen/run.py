"""The mode: from a request to a report."""

import shutil
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tta_orchestrate.domain.finding import Finding
from tta_orchestrate.domain.outcome import Outcome, Tally, conclude, decide
from tta_orchestrate.domain.report import Coverage, Failure, Report, Skipped, SkipReason, Subject
from tta_orchestrate.domain.secrets import find_secrets, mask_secrets
from tta_orchestrate.modes.test_gen import annotations, facts, on_base, pipeline, snapshot
from tta_orchestrate.modes.test_gen.arena import Arena, Session
from tta_orchestrate.modes.test_gen.diff import Diff
from tta_orchestrate.modes.test_gen.environment import Environment, find_environment
from tta_orchestrate.modes.test_gen.languages import Languages
from tta_orchestrate.modes.test_gen.outcome import TargetResult
from tta_orchestrate.modes.test_gen.patch import patch_of
from tta_orchestrate.modes.test_gen.render import tidy
from tta_orchestrate.modes.test_gen.shape import measure, shape_of
from tta_orchestrate.modes.test_gen.snapshot import Snapshot
from tta_orchestrate.modes.test_gen.splice import earlier_file, moved, splice
from tta_orchestrate.ports.model import Engine
from tta_orchestrate.ports.test_runner import TestRunner
from tta_orchestrate.sandbox.run import Sandbox
from tta_orchestrate.sandbox.spec import Level
from tta_orchestrate.settings.test_gen import SandboxPolicy, TestGen


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked for."""

    root: Path
    files: tuple[str, ...] = ()
    """Paths relative to *root*; empty: the largest gaps of the repository."""
    interpreter: str = ""
    """Interpreter to fall back on."""
    level: Level = Level.PRIVATE
    changed: Mapping[str, frozenset[int]] | None = None
    """Changed lines of each file at head, for a pull request; then only those files are targets."""
    base_files: Callable[[], Mapping[str, bytes]] | None = None
    """The regular files of the base revision."""
    patience: int = 0
    """Candidates in a row without anything new before the generator stalls; 0: its own default."""
    sandbox: Sandbox | None = None
    """Where jobs run; ``None``: in this machine, at *level*."""
    environment: Environment | None = None
    """The interpreter as the jobs see it; ``None``: it is looked for."""
    runners: tuple[TestRunner, ...] = ()
    """Test runners of the other languages."""
    which: Callable[[str], str | None] = shutil.which
    """Where a program of theirs is."""


def run(
    request: Request,
    settings: TestGen,
    *,
    engine: Engine | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Report:
    """Generate tests and return the report; its ``patch`` holds the new files, ``extra["targets"]`` the figures.

    *engine* is asked for what the local generator stalls on; without one nothing is sent anywhere.

    Raises:
        SourceError: a file or the interpreter that was asked for does not exist.
        SandboxError: the sandbox cannot be built and is not off.
    """
    level = Level.OFF if settings.sandbox is SandboxPolicy.OFF else request.level
    sandbox = request.sandbox or Sandbox(level=level)
    sandbox.check()
    environment = request.environment or find_environment(
        request.root, asked=settings.python, fallback=request.interpreter, which=request.which
    )
    arena = Arena(sandbox, environment, request.root, memory_mib=settings.memory_mib, loopback=settings.loopback)
    started = clock()
    with ExitStack() as stack, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the compiler thinks of the tested code is not ours to print
        tree = stack.enter_context(snapshot.from_folder(request.root))
        base = stack.enter_context(snapshot.from_blobs(request.base_files())) if request.base_files else None
        project = facts.read_project(tree)
        languages = Languages(
            runners=request.runners, sandbox=sandbox, environment=environment, root=request.root, which=request.which,
            settings=settings,
        )  # fmt: skip
        wanted, skipped = _targets(request, _wanted(request, tree, project, languages), tree, languages)
        baseline = _baseline(arena, tree, project, [p for p in wanted if p.endswith(".py")], settings)
        if not request.files and request.changed is None:
            paths, more = _largest_gaps(wanted, tree, baseline, engine)
            skipped += more
        else:
            paths = wanted
        skipped += [_over(path, settings) for path in paths[settings.max_targets :]]
        paths = paths[: settings.max_targets]
        results = []
        for path in paths:
            if clock() - started > settings.total_seconds:
                results.append(
                    TargetResult(path=path, reason=f"not begun: the {settings.total_seconds:g} s of the run were over")
                )
                continue
            diff = Diff(base=base, lines=request.changed[path]) if base is not None and request.changed else None
            plan = _plan(settings, request.patience)
            if path.endswith(".py"):
                result = pipeline.generate(
                    arena, tree, project, path, plan, baseline=baseline, diff=diff, engine=engine, clock=clock
                )
                _join(arena, tree, project, result, baseline)
            else:
                result = languages.generate(
                    tree, path, plan, beside=paths, diff=diff, engine=engine, clock=clock
                )  # fmt: skip
            results.append(_awaited(result))
            if result.text:
                tree.write(result.tests_path, result.text.encode())  # later targets choose other names, and measure it
        on_base.once(results)
        patch = patch_of({r.tests_path: (r.earlier, r.text) for r in results if r.text})
        findings = tuple(
            finding for r in results for finding in annotations.findings(r, tree, (request.changed or {}).get(r.path))
        )
    report = _report(results, findings, skipped, patch, _notices(level, environment, results))
    return replace(report, cost=engine.cost()) if engine is not None else report


def _awaited(result: TargetResult) -> TargetResult:
    """Give the right reason where nothing is kept yet, because models were asked in a batch."""
    if result.waits and not result.kept:
        result.reason = "the models were asked in a batch: a later run goes on with their answers"
    return result


def _join(arena: Arena, tree: Snapshot, project: facts.Project, result: TargetResult, baseline: Session) -> None:
    """Move the kept tests into the file that an earlier run made, if all of it passes there; else they stay apart.

    It runs by itself and inside the whole suite: there, too, no test that passed before may fail.
    """
    if not result.text:
        return
    unit = facts.read_unit(tree, result.path)
    path = earlier_file(project, unit, tree)
    old = tree.read(path) if path else ""
    joined = splice(old, result.text) if path else None
    if path is None or joined is None:
        return
    text, renamed = tidy(joined[0]), joined[1]
    tree.write(path, text.encode())
    roots = (unit.root, *(r for r in project.roots if r != unit.root))
    alone = arena.run(tree, [path], roots=roots, seconds=60)
    spent = sum(t.seconds for t in baseline.tests.values())
    suite = arena.run(tree, project.tests, roots=roots, seconds=2 * spent + 30, order="suite")
    tree.write(path, old.encode())
    wanted = {*alone.tests, *(t.id for t in baseline.tests.values() if t.outcome == "passed")}
    passed = {t.id for t in suite.tests.values() if t.outcome == "passed"}
    if not alone.complete or any(t.outcome != "passed" for t in alone.tests.values()):
        result.notes.append(f"not joined with {path}: together they do not pass")
        return
    if not suite.complete or not wanted <= passed:
        result.notes.append(f"not joined with {path}: inside the whole suite, not all tests pass with it")
        return
    result.kept = [replace(k, test=moved(k.test, path, renamed)) for k in result.kept]
    result.tests_path, result.earlier, result.text = path, old, text


def _plan(settings: TestGen, patience: int) -> pipeline.Plan:
    return pipeline.Plan(
        seconds=settings.seconds_per_target,
        mutants=settings.mutants,
        cases=settings.max_tests,
        seed=settings.seed,
        patience=patience,
    )


def _wanted(request: Request, tree: Snapshot, project: facts.Project, languages: Languages) -> Sequence[str]:
    """Return what was asked for: files, the changed sources, or every source, longest first until it is measured."""
    if request.files:
        return request.files
    tests = set(project.tests)
    sources = [p for p in tree.files() if p.endswith(".py") and p not in tests and not facts.is_support(p)]
    sources += languages.sources(tree)
    if request.changed is not None:
        return [p for p in sources if request.changed.get(p)]
    return sorted(sources, key=lambda p: (-len(tree.read(p)), p))


def _targets(
    request: Request, files: Sequence[str], tree: Snapshot, languages: Languages
) -> tuple[list[str], list[Skipped]]:
    present = set(tree.files())
    skipped: list[Skipped] = []
    wanted: list[str] = []
    for path in files:
        if path not in present:
            skipped.append(Skipped(path=path, reason=SkipReason.IGNORED, detail="not in the tree, or no regular file"))
        elif not request.files and not path.endswith(".py") and not languages.named(tree, path):
            detail = "no test runner that is known here is named for it"
            skipped.append(Skipped(path=path, reason=SkipReason.UNSUPPORTED, detail=detail))
        elif not path.endswith((".py", *languages.suffixes)):
            detail = f"tests are written for {', '.join(['.py', *languages.suffixes])}"
            skipped.append(Skipped(path=path, reason=SkipReason.UNSUPPORTED, detail=detail))
        else:
            wanted.append(path)
    return wanted, skipped


def _over(path: str, settings: TestGen) -> Skipped:
    return Skipped(path=path, reason=SkipReason.OVER_BUDGET, detail=f"more than {settings.max_targets} targets")


def _baseline(arena: Arena, tree: Snapshot, project: facts.Project, paths: Sequence[str], settings: TestGen) -> Session:
    """Measure the existing suite once, for all targets; the tests that speak of them first."""
    if not paths:
        return Session(tests={}, note="no target is written in Python")
    first = list(dict.fromkeys(t for p in paths[:5] for t in facts.related(project, facts.read_unit(tree, p), tree)))
    return pipeline.measure_suite(arena, tree, project, paths, seconds=settings.suite_seconds, first=first)


def _largest_gaps(
    paths: Sequence[str], tree: Snapshot, baseline: Session, engine: Engine | None
) -> tuple[list[str], list[Skipped]]:
    """Return the files with the most lines that nothing runs; other languages follow, where a model can be asked."""
    others = [p for p in paths if not p.endswith(".py")]
    skipped = []
    if engine is None or not engine.has_executor:
        detail = "this language has no local generator: tests need a model (no key, or no budget left)"
        skipped = [Skipped(path=path, reason=SkipReason.UNSUPPORTED, detail=detail) for path in others]
        others = []

    def gap(path: str) -> int:
        try:
            return len(measure(shape_of(tree.read(path)), baseline.arcs(path)).missing)
        except (SyntaxError, ValueError):
            return 0

    python = [p for p in paths if p.endswith(".py") and gap(p)]
    return [*sorted(python, key=lambda p: (-gap(p), p)), *others], skipped


def _done(result: TargetResult) -> bool:
    if result.kept:
        return True
    before = result.before
    return (
        not result.reason
        and before is not None
        and before.lines == before.all_lines
        and before.branches == before.all_branches
    )


def _report(
    results: list[TargetResult],
    findings: tuple[Finding, ...],
    skipped: list[Skipped],
    patch: str,
    notices: tuple[str, ...],
) -> Report:
    done = [r for r in results if _done(r)]
    outcome = decide(Tally(planned=len(results), done=len(done), findings=len(findings)))
    if outcome is Outcome.UNAVAILABLE and any(r.before is not None for r in results):
        outcome = Outcome.PARTIAL  # measured and searched, though nothing earned its place
    lines = [r for r in results if r.after is not None]
    return Report(
        mode="test-gen",
        verdict=conclude(outcome),
        findings=tuple(_hiding(finding) for finding in findings),
        skipped=tuple(skipped),
        failures=tuple(Failure(unit=r.path, path=r.path,
        reason=mask_secrets(r.reason) or "nothing was kept") for r in results if not _done(r)),
        coverage=Coverage(
            files_changed=len(results), files_reviewed=len(done),
            lines_changed=sum(len(r.after.all_lines) for r in lines if r.after),
            lines_reviewed=sum(len(r.after.lines) for r in lines if r.after), units_planned=len(results),
            units_done=len(done), performed_by=(*_local(results), *_models(results)),
        ),
        subject=Subject(),
        notices=notices,
        patch=patch,
        extra={"targets": [_masked(r.to_json()) for r in results]},
    )  # fmt: skip


def _masked(value: Any) -> Any:
    """Return *value* without what looks like a credential: names and messages of the tested code end in reports."""
    if isinstance(value, str):
        return mask_secrets(value)
    if isinstance(value, dict):
        return {key: _masked(one) for key, one in value.items()}
    return [_masked(one) for one in value] if isinstance(value, list) else value


def _hiding(finding: Finding) -> Finding:
    """Return *finding* with the credentials in it named, so that every sink masks them."""
    texts = (finding.quote, finding.title, finding.message)
    found = {text[m.start : m.end] for text in texts for m in find_secrets(text)}
    return replace(finding, redact=(*finding.redact, *sorted(found))) if found else finding


def _local(results: list[TargetResult]) -> tuple[str, ...]:
    return ("local generator",) if not results or any(r.path.endswith(".py") for r in results) else ()


def _models(results: list[TargetResult]) -> list[str]:
    return sorted({entry["model"] for r in results for entry in r.models if entry["model"]})


def _ran_with(environment: Environment, results: list[TargetResult]) -> list[str]:
    """Say what ran the tests: the interpreter, and the runners of other languages."""
    notes = []
    if not results or any(r.path.endswith(".py") for r in results):
        notes.append(f"Tests ran with {environment.python} ({environment.origin}).")
    others = {(r.baseline.get("runner"), r.baseline.get("version")) for r in results if not r.path.endswith(".py")}
    notes += [f"Tests ran with {name} ({version})." for name, version in sorted(others) if name]
    return notes


def _notices(level: Level, environment: Environment, results: list[TargetResult]) -> tuple[str, ...]:
    told = {
        Level.OFF: "The sandbox was OFF: code of the repository ran with the rights of this user.",
        Level.BOX: "Sandbox: level 3 (container without network, inner layers inside).",
        Level.PRIVATE: "Sandbox: level 2 (own process table, network and file tree; Landlock, seccomp, limits).",
    }
    aside = sum(len(r.baseline.get("set_aside", ())) for r in results)
    notes = [
        told[level],
        *_ran_with(environment, results),
        "Generated tests never approve anything: they tell what the code does.",
    ]
    if aside:
        notes.append(f"{aside} existing test(s) fail without any change and were set aside.")
    if any(r.baseline.get("runner") == "unittest" for r in results):
        notes.append("pytest is not installed in that interpreter: tests were written for, and run with, unittest.")
    return tuple(notes)
