"""A repository, a docs folder and an engine in memory."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tta_orchestrate.domain.cost import CostReport
from tta_orchestrate.modes.docgen.codebase import Codebase
from tta_orchestrate.modes.docgen.run import Request, Result, run
from tta_orchestrate.ports.model import TaskResult
from tta_orchestrate.registry import load_all
from tta_orchestrate.settings.docgen import Docgen


@dataclass
class MemoryTree:
    """Files by path."""

    sources: dict[str, str]
    commit: str = "c" * 40

    def files(self) -> Sequence[str]:
        return sorted(self.sources)

    def read(self, path: str) -> bytes | None:
        text = self.sources.get(path)
        return None if text is None else text.encode()


@dataclass
class MemoryDocs:
    """A docs folder that takes changes."""

    texts: dict[str, str] = field(default_factory=dict)

    def files(self) -> Sequence[str]:
        return sorted(self.texts)

    def read(self, path: str) -> str | None:
        return self.texts.get(path)

    def apply(self, changes: Mapping[str, str | None]) -> None:
        for path, text in changes.items():
            if text is None:
                self.texts.pop(path, None)
            else:
                self.texts[path] = text

    def page(self, name: str) -> str:
        return self.texts[f"pages/{name}.md"]


class ScriptedEngine:
    """Answers tasks by a function; what the gate refuses is repaired once by ``repair``, then given up."""

    def __init__(
        self,
        write: Callable[[str], str],
        repair: Callable[[str, str], str] | None = None,
        scores: Callable[[str], float] | None = None,
    ) -> None:
        self.write = write
        self.repair = repair
        self.scores = scores
        self.executed: list[str] = []
        self.prompts: dict[str, str] = {}
        self.judged: list[str] = []
        self.refusals: list[str] = []

    @property
    def has_executor(self) -> bool:
        return True

    @property
    def has_orchestrator(self) -> bool:
        return self.scores is not None

    in_batches = False

    def execute(self, tasks, gate):
        return [self._one(task, gate) for task in tasks]

    def _one(self, task, gate):
        self.executed.append(task.unit)
        self.prompts[task.unit] = task.prompt.data
        answer = {"text": self.write(task.unit)}
        verdict = gate(task, answer)
        if not verdict.accepted and self.repair is not None:
            self.refusals.append(verdict.message)
            answer = {"text": self.repair(task.unit, verdict.message)}
            verdict = gate(task, answer)
        if not verdict.accepted:
            self.refusals.append(verdict.message)
            return TaskResult(task=task, answer=None, reason="gate")
        return TaskResult(task=task, answer=answer, model="scripted")

    def judge(self, tasks, gate):
        results = []
        for task in tasks:
            self.judged.append(task.prompt.data)
            names = [line.split('"')[3] for line in task.prompt.data.splitlines() if line.startswith('   "symbol": ')]
            answer = {"scores": [{"symbol": name, "score": self.scores(name)} for name in names]}
            assert gate(task, answer).accepted
            results.append(TaskResult(task=task, answer=answer, model="judge"))
        return results

    def cost(self) -> CostReport:
        return CostReport()


@dataclass
class Project:
    """A repository with its docs, refreshed on demand."""

    tree: MemoryTree
    docs: MemoryDocs = field(default_factory=MemoryDocs)
    settings: Docgen = field(default_factory=Docgen)
    server: str = "https://github.com"
    before: MemoryTree | None = None
    shallow: bool = False

    @property
    def base(self) -> Codebase:
        return Codebase(
            tree=self.tree,
            project="demo",
            repository="octo/demo",
            server_url=self.server,
            languages=load_all("languages"),
            before=self.before,
            shallow=self.shallow,
        )

    def refresh(self, engine=None, **request) -> Result:
        result = run(Request(settings=self.settings, **request), self.base, self.docs, engine)
        self.docs.apply(result.changes)
        return result


def project(sources: Mapping[str, str], **settings) -> Project:
    """Return a project whose settings differ from the defaults by *settings*."""
    return Project(tree=MemoryTree(dict(sources)), settings=Docgen(**settings))
