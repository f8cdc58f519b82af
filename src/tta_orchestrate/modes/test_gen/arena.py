"""The mode's only door to execution: requests to workers in the sandbox, their answers read as untrusted data."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from tta_orchestrate.errors import SourceError
from tta_orchestrate.modes.test_gen.environment import Environment
from tta_orchestrate.modes.test_gen.mutants import Mutant
from tta_orchestrate.modes.test_gen.shape import Arc
from tta_orchestrate.modes.test_gen.snapshot import Snapshot
from tta_orchestrate.sandbox.run import Sandbox
from tta_orchestrate.sandbox.spec import Bind, End, Job, JobResult, Level, Limits

WORKER: Final = Path(__file__).parent / "worker"
WORKER_SEEN_AS: Final = "/tta-worker"
_BOOT: Final = (
    "import importlib.util as u, sys; "
    "s = u.spec_from_file_location('_tta_worker', sys.argv[1] + '/__init__.py', "
    "submodule_search_locations=[sys.argv[1]]); "
    "m = u.module_from_spec(s); sys.modules['_tta_worker'] = m; s.loader.exec_module(m); "
    "import _tta_worker.boot as b; b.main()"
)
_RESTARTS: Final = 4
"""How often a session that a test killed is begun again without that test."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How one test ended: ``passed``, ``failed``, ``skipped``, ``xfailed``, ``timeout`` or ``crashed``."""

    id: str
    outcome: str
    seconds: float = 0.0
    error: str = ""
    arcs: Mapping[str, frozenset[Arc]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One run of tests. ``complete`` is false when the deadline cut it or too many tests killed it."""

    tests: Mapping[str, Ran]
    collect_errors: Mapping[str, str] = field(default_factory=dict)
    collected: tuple[str, ...] = ()
    complete: bool = True
    note: str = ""
    runner: str = ""
    forged: int = 0
    import_arcs: Mapping[str, frozenset[Arc]] = field(default_factory=dict)
    """What collecting alone runs: it counts as covered, and no test earns its place with it."""

    def arcs(self, path: str) -> frozenset[Arc]:
        """What all passing tests together cover of *path*."""
        passed = [t for t in self.tests.values() if t.outcome == "passed"]
        imported = self.import_arcs.get(path, frozenset()) if passed else frozenset()
        return imported.union(*(t.arcs.get(path, frozenset()) for t in passed))


@dataclass(frozen=True, slots=True, kw_only=True)
class Killing:
    """What became of one mutant: ``killed``, ``survived``, ``timeout``, ``import``, ``crash`` or ``not-run``."""

    status: str
    killers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What the repository's interpreter has; versions, ``""`` where it has none."""

    python: str
    pytest: str = ""
    hypothesis: str = ""
    packages: tuple[str, ...] = ()


class Arena:
    """Runs tests of one snapshot in one environment."""

    def __init__(
        self, sandbox: Sandbox, environment: Environment, root: Path, *, memory_mib: int = 2048, loopback: bool = False
    ) -> None:
        self._sandbox, self._environment, self._root = sandbox, environment, root
        self._memory, self._loopback = memory_mib, loopback

    def path_of(self, snapshot: Snapshot, path: str) -> str:
        """Return the absolute path at which a job sees *path* of *snapshot*."""
        return f"{self._seen_root(snapshot)}/{path}"

    def _seen_root(self, snapshot: Snapshot) -> str:
        return str(self._root) if self._sandbox.level is Level.PRIVATE else str(snapshot.path)

    def ask(
        self,
        snapshot: Snapshot,
        request: Mapping[str, Any],
        *,
        seconds: float,
        roots: Sequence[str],
        env: Mapping[str, str] | None = None,
    ) -> tuple[JobResult, list[dict[str, Any]]]:
        """Send one request to a worker, return how the job ended and the records that can be read."""
        seen = self._seen_root(snapshot)
        inside = (
            [b for b in self._environment.binds if b.target.startswith(seen + "/")] if seen == str(self._root) else []
        )
        for bind in inside:
            (snapshot.path / Path(bind.target).relative_to(seen)).mkdir(parents=True, exist_ok=True)
        worker = WORKER_SEEN_AS if self._sandbox.level is Level.PRIVATE else str(WORKER)
        job = Job(
            argv=boot(self._environment, worker),
            cwd=seen,
            env={
                "PATH": f"{Path(self._environment.python).parent}:/usr/local/bin:/usr/bin:/bin",
                "LANG": "C.UTF-8",
                "PYTHONPATH": ":".join(f"{seen}/{root}" if root else seen for root in roots),
                "PYTHONDONTWRITEBYTECODE": "1",
                "PYTHONNOUSERSITE": "1",
                "PYTHONHASHSEED": "0",
                "PYTHONSAFEPATH": "1",
                "TZ": "UTC",
                **(env or {}),
            },
            input=json.dumps(request),
            binds=(
                Bind(source=str(snapshot.path), target=seen),
                *self._environment.binds,
                Bind(source=str(WORKER), target=WORKER_SEEN_AS),
            ),
            limits=Limits(seconds=seconds, memory_mib=self._memory),
            loopback=self._loopback,
        )
        result = self._sandbox.run(job)
        return result, [record for line in result.lines if (record := read_record(line)) is not None]

    def tools(self, snapshot: Snapshot, roots: Sequence[str]) -> Tools:
        """Look at the interpreter, from inside.

        Raises:
            SourceError: it cannot be started, or ends before it answers.
        """
        result, records = self.ask(snapshot, {"command": "probe"}, seconds=30, roots=roots)
        record = next((r for r in records if r.get("event") == "probe"), None)
        if record is None:
            raise SourceError(
                f"{self._environment.python} does not run in the sandbox: {_why(result)}",
                remedy="give --python an interpreter that is installed completely (3.10 or newer)",
            )
        tools = record.get("tools")
        tools = tools if isinstance(tools, dict) else {}
        return Tools(
            python=str(record.get("python")),
            pytest=str(tools.get("pytest", "")),
            hypothesis=str(tools.get("hypothesis", "")),
            packages=tuple(map(str, record.get("packages", ()))),
        )

    def run(
        self,
        snapshot: Snapshot,
        tests: Sequence[str],
        *,
        roots: Sequence[str],
        seconds: float,
        trace: Iterable[str] = (),
        only: Collection[str] | None = None,
        order: str = "",
        env: Mapping[str, str] | None = None,
        test_seconds: float = 10.0,
        collect_only: bool = False,
    ) -> Session:
        """Run *tests* (files), all of them or the ids in *only*; a test that kills the session is set aside."""
        request: dict[str, Any] = {
            "command": "run_tests", "tests": list(tests), "trace": [self.path_of(snapshot, p) for p in trace],
            "order": order,
            "only": None if only is None else sorted(only), "test_seconds": test_seconds, "collect_only": collect_only,
        }  # fmt: skip
        session = Session(tests={}, complete=False)
        left = seconds
        for _ in range(_RESTARTS):
            done = [t.id for t in session.tests.values()]
            result, records = self.ask(snapshot, {**request, "deselect": done}, seconds=left, roots=roots, env=env)
            session = self._merge(session, result, records, snapshot)
            left -= result.seconds
            if session.complete or not records or left < 1 or result.end is End.FLOOD or not session.tests:
                break
        return session

    def _merge(self, before: Session, result: JobResult, records: list[dict[str, Any]], snapshot: Snapshot) -> Session:
        tests, errors, collected, runner, running = (
            dict(before.tests),
            dict(before.collect_errors),
            before.collected,
            before.runner,
            "",
        )
        complete, imported = False, before.import_arcs
        for record in records:
            match str(record.get("event")):
                case "start":
                    running = str(record.get("id", ""))
                case "test":
                    ran = self._ran(record, snapshot)
                    tests[ran.id], running = ran, ""
                case "collect-error":
                    errors[str(record.get("id"))] = str(record.get("error", ""))[:2000]
                case "collected" if not collected:
                    collected = tuple(map(str, record.get("ids", ())))
                    imported = self._arcs(record, snapshot)
                case "end":
                    complete, runner = True, str(record.get("runner", ""))
                case _:
                    continue
        note = "" if complete else _why(result)
        if running and not complete:
            outcome = "timeout" if result.end is End.TIMEOUT else "crashed"
            tests[running] = Ran(id=running, outcome=outcome, error=note)
        return replace(
            before, tests=tests, collect_errors=errors, collected=collected, complete=complete, note=note,
            runner=runner,
            forged=before.forged + result.forged, import_arcs=imported,
        )  # fmt: skip

    def _arcs(self, record: Mapping[str, Any], snapshot: Snapshot) -> dict[str, frozenset[Arc]]:
        seen = self._seen_root(snapshot) + "/"
        arcs = record.get("arcs")
        if not isinstance(arcs, dict):
            return {}
        return {str(p).removeprefix(seen): frozenset((int(a), int(b)) for a, b in pairs) for p, pairs in arcs.items()}

    def _ran(self, record: Mapping[str, Any], snapshot: Snapshot) -> Ran:
        return Ran(
            id=str(record.get("id")),
            outcome=str(record.get("outcome")),
            seconds=float(record.get("seconds", 0.0)),
            error=str(record.get("error", "")),
            arcs=self._arcs(record, snapshot),
        )

    def mutate(
        self,
        snapshot: Snapshot,
        path: str,
        mutants: Sequence[tuple[Mutant, Collection[str]]],
        tests: Sequence[str],
        *,
        roots: Sequence[str],
        seconds: float,
        mutant_seconds: float = 3.0,
        import_arcs: Iterable[Arc] = (),
    ) -> dict[int, Killing]:
        """Run, for each mutant of *path*, the tests named beside it; what the time does not allow stays ``not-run``."""
        request = {
            "command": "mutate", "file": self.path_of(snapshot, path), "tests": list(tests), "seconds": seconds,
            "mutant_seconds": mutant_seconds,
            "test_seconds": mutant_seconds / 2, "import_lines": sorted({b for _, b in import_arcs}),
            "mutants": [{"id": m.id, "line": m.line, "last": m.last, "start": m.start, "end": m.end,
            "replacement": m.replacement, "only": list(ids)} for m, ids in mutants],
        }  # fmt: skip
        found = {m.id: Killing(status="not-run") for m, _ in mutants}
        if not mutants:
            return found
        _, records = self.ask(snapshot, request, seconds=seconds + mutant_seconds + 5, roots=roots)
        for record in records:
            if record.get("event") == "mutant" and record.get("id") in found:
                killers = frozenset(map(str, record.get("killers", ())))
                found[int(record["id"])] = Killing(status=str(record.get("status")), killers=killers)
        return found


def boot(environment: Environment, worker: str) -> tuple[str, ...]:
    """Return the arguments that start a worker; *worker* is its folder as the job sees it."""
    return (environment.python, "-B", "-c", _BOOT, worker)


def read_record(line: str) -> dict[str, Any] | None:
    """Return the record in one line of an answer, ``None`` where there is none."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def _why(result: JobResult) -> str:
    match result.end:
        case End.TIMEOUT:
            return f"cut after {result.seconds:.0f} s"
        case End.FLOOD:
            return "cut: it wrote more than it may"
        case End.SIGNAL:
            return f"killed by signal {result.code}"
        case End.EXIT:
            return f"ended early with status {result.code}: {result.stderr.strip()[-300:]}"
        case End.REFUSED:
            return result.reason
