"""The door to execution for runners of other languages: commands go into the sandbox, answers come back as data."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from tta_orchestrate.modes.test_gen.arena import WORKER, WORKER_SEEN_AS, boot, read_record
from tta_orchestrate.modes.test_gen.environment import Environment
from tta_orchestrate.modes.test_gen.snapshot import Snapshot
from tta_orchestrate.ports.test_runner import Answer, Ask, Command, Kit, Prepares, SuiteRun, TestRunner, VariesInOneGo
from tta_orchestrate.sandbox.run import Sandbox
from tta_orchestrate.sandbox.spec import Bind, End, Job, JobResult, Level, Limits

_TREE: Final = "/tta-tree"
_PROCESSES: Final = 512
"""Threads count as processes, and V8 and the JVM start dozens."""
_OPEN_FILES: Final = 4096
_AT_ONCE: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """One run, and the files that it changes in its copy of the tree (``None``: taken away)."""

    ask: Ask
    files: Mapping[str, str | None] = field(default_factory=dict)
    seconds: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What came of it."""

    run: SuiteRun
    answer: Answer
    asked: tuple[str, ...] = ()
    """The sources whose coverage was wanted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """Runs tests with one runner and its kit."""

    sandbox: Sandbox
    environment: Environment
    """Whose Python serves inside."""
    root: Path
    runner: TestRunner
    kit: Kit
    memory_mib: int = 2048
    loopback: bool = False

    def one(self, tree: Snapshot, what: Try) -> Tried:
        """Do one run."""
        return self.many(tree, [what])[0]

    def many(self, tree: Snapshot, what: Sequence[Try]) -> list[Tried]:
        """Do several, two jobs at a time, as many in each as the runner allows; in the order of *what*."""
        size = max(1, self.runner.batch)
        parts = [what[at : at + size] for at in range(0, len(what), size)]
        with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
            return [tried for part in pool.map(lambda part: self._job(tree, part), parts) for tried in part]

    def prepare(self, tree: Snapshot) -> Answer:
        """Let the runner compile its own tools, where it has any; the answer is for its ``prepared``."""
        if not isinstance(self.runner, Prepares):
            return Answer()
        return self._answers(tree, [(self.runner.preparation(self.kit), Try(ask=Ask(tests=()), seconds=60))])[0]

    @property
    def lot(self) -> int:
        """How many mutants are worth trying in one go."""
        return 32 if isinstance(self.runner, VariesInOneGo) else 8

    def mutants(self, tree: Snapshot, path: str, what: Sequence[Try]) -> list[Tried]:
        """Do runs that differ in the text of *path* alone: in one process where the runner can, else one by one."""
        if not isinstance(self.runner, VariesInOneGo) or len(what) <= 1:
            return self.many(tree, what)
        first, texts = what[0], tuple(one.files[path] or "" for one in what)
        ask = replace(first.ask, replaced=path, variants=texts)
        files = {name: text for name, text in first.files.items() if name != path}
        whole = self.one(tree, Try(ask=ask, files=files, seconds=first.seconds + sum(one.seconds for one in what)))
        runs = self.runner.variants(whole.answer, ask, self.kit)
        if not runs:
            return self.many(tree, what)
        done = Answer(codes=(0,), seconds=whole.answer.seconds / len(runs))
        found = [Tried(run=run, answer=done) for run in runs]
        if len(runs) < len(what) or not whole.answer.ok:  # the last one ended the process: its verdict is its own
            found[-1] = self.one(tree, what[len(runs) - 1])
        return [*found, *self.mutants(tree, path, what[len(runs) :])] if len(runs) < len(what) else found

    def _job(self, tree: Snapshot, part: Sequence[Try]) -> list[Tried]:
        answers = self._answers(tree, [(self.runner.command(one.ask, self.kit), one) for one in part])
        return [self._tried(tree, one, answer) for one, answer in zip(part, answers, strict=True)]

    def _answers(self, tree: Snapshot, part: Sequence[tuple[Command, Try]]) -> list[Answer]:
        private = self.sandbox.level is Level.PRIVATE
        request = {
            "command": "steps", "tree": _TREE if private else str(tree.path), "data_mib": self.memory_mib,
            "links": [{"path": path, "target": str(self.root / path)} for path in self.kit.links],
            "runs": [{"steps": c.steps, "env": dict(c.env), "folder": self.kit.folder, "files": dict(one.files),
            "tools": dict(c.tools), "results": c.results, "seconds": one.seconds}
            for c, one in part],
        }  # fmt: skip
        result = self.sandbox.run(self._wrapped(tree, request, sum(one.seconds for _, one in part) + 5))
        found = {
            int(r["number"]): r
            for line in result.lines
            if (r := read_record(line)) is not None and r.get("event") == "run" and isinstance(r.get("number"), int)
        }
        return [_answer(found.get(n), result) for n in range(len(part))]

    def _wrapped(self, tree: Snapshot, request: Mapping[str, Any], seconds: float) -> Job:
        private = self.sandbox.level is Level.PRIVATE
        installed = [str(self.root / path) for path in self.kit.links]
        return Job(
            argv=boot(self.environment, WORKER_SEEN_AS if private else str(WORKER)),
            cwd="/",
            env={"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"},
            input=_json(request),
            binds=(
                Bind(source=str(tree.path), target=_TREE),
                *(Bind(source=path, target=path) for path in (*installed, *self.kit.binds)),
                *self.environment.binds,
                Bind(source=str(WORKER), target=WORKER_SEEN_AS),
            ),
            limits=Limits(seconds=seconds, memory_mib=0, processes=_PROCESSES, open_files=_OPEN_FILES),
            loopback=self.loopback,
        )

    def _tried(self, tree: Snapshot, one: Try, answer: Answer) -> Tried:
        texts = {path: one.files.get(path) or tree.read(path) for path in one.ask.sources}
        return Tried(run=self.runner.results(answer, one.ask, self.kit, texts), answer=answer, asked=one.ask.sources)


def measure_suite(runs: Runs, tree: Snapshot, sources: Sequence[str], *, seconds: float) -> Tried:
    """Run the repository's own tests once, measured on *sources*."""
    tests = runs.runner.tests(tree)
    if not tests:
        return Tried(run=SuiteRun(), answer=Answer(codes=(0,)), asked=tuple(sources))
    return runs.one(tree, Try(ask=Ask(tests=tests, sources=tuple(sources)), seconds=seconds))


def _json(request: Mapping[str, Any]) -> str:
    import json

    return json.dumps(request)


def _answer(record: Mapping[str, Any] | None, result: JobResult) -> Answer:
    if record is None:
        cut = {End.TIMEOUT: "timeout", End.FLOOD: "it wrote more than it may"}.get(
            result.end, f"the sandbox's process ended early ({result.end} {result.code})"
        )
        return Answer(cut=cut, output=result.stderr[-2000:])
    files = record.get("files")
    codes = record.get("codes")
    return Answer(
        codes=tuple(int(c) for c in codes) if isinstance(codes, list) else (),
        files={str(k): str(v) for k, v in files.items()} if isinstance(files, dict) else {},
        output=str(record.get("output", "")),
        tree=str(record.get("tree", "")),
        cut=str(record.get("cut", "")),
        seconds=float(record.get("seconds", 0.0)),
    )
