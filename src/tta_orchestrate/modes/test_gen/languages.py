"""Targets in other languages than Python: whose runner they belong to, and their way through the mode."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from tta_orchestrate.modes.test_gen import by_model
from tta_orchestrate.modes.test_gen.diff import Diff
from tta_orchestrate.modes.test_gen.environment import Environment
from tta_orchestrate.modes.test_gen.outcome import TargetResult
from tta_orchestrate.modes.test_gen.pipeline import Plan
from tta_orchestrate.modes.test_gen.runs import Runs, Tried, measure_suite
from tta_orchestrate.modes.test_gen.snapshot import Snapshot
from tta_orchestrate.ports.model import Engine
from tta_orchestrate.ports.test_runner import Answer, Host, Missing, Prepares, TestRunner
from tta_orchestrate.sandbox.run import Sandbox
from tta_orchestrate.settings.test_gen import TestGen

_LARGEST: Final = 1 << 20
_NAMED: Final = 2


@dataclass(slots=True, kw_only=True)
class Languages:
    """The runners at hand, with what one run of the mode learns about them."""

    runners: Sequence[TestRunner]
    sandbox: Sandbox
    environment: Environment
    root: Path
    which: Callable[[str], str | None]
    settings: TestGen
    _prepared: dict[tuple[str, str], Answer] = field(default_factory=dict)
    _suites: dict[tuple[str, str, tuple[str, ...]], Tried] = field(default_factory=dict)

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Every ending that some runner can test."""
        return tuple(sorted({suffix for runner in self.runners for suffix in runner.suffixes}))

    def sources(self, tree: Snapshot) -> list[str]:
        """Return the files that can be targets: no tests, and no configuration of tools."""
        tests = {path for runner in self.runners for path in runner.tests(tree)}
        return [p for p in tree.files() if p.endswith(self.suffixes) and p not in tests and ".config." not in p]

    def generate(
        self, tree: Snapshot, path: str, plan: Plan, *, beside: Sequence[str], diff: Diff | None, engine: Engine | None,
        clock: Callable[[], float],
    ) -> TargetResult:  # fmt: skip
        """Write tests for *path*; *beside* are the other targets, whose coverage is measured in the same go."""
        sure, runner = self._claims(tree, path)
        if runner is None or not sure:
            known = sorted(runner.name for runner in self.runners if path.endswith(runner.suffixes))
            return TargetResult(path=path, reason=f"the repository names none of its test runners: {', '.join(known)}")
        kit = runner.equip(tree, path, Host(which=self.which, installed=self._installed))
        if isinstance(kit, Missing):
            return TargetResult(path=path, reason=kit.reason)
        runs = Runs(
            sandbox=self.sandbox, environment=self.environment, root=self.root, runner=runner, kit=kit,
            memory_mib=self.settings.memory_mib, loopback=self.settings.loopback,
        )  # fmt: skip
        if isinstance(runner, Prepares):
            answer = self._prepared.get((runner.name, kit.version)) or runs.prepare(tree)
            self._prepared[runner.name, kit.version] = answer
            runs = replace(runs, kit=runner.prepared(answer, kit))
        suite = self._suite(runs, tree, path, beside)
        return by_model.generate(runs, tree, path, plan, suite=suite, diff=diff, engine=engine, clock=clock)

    def _suite(self, runs: Runs, tree: Snapshot, path: str, beside: Sequence[str]) -> Tried:
        key = (runs.runner.name, runs.kit.folder, runs.kit.links)
        known = self._suites.get(key)
        if known is None or path not in known.asked:
            mine = tuple(p for p in dict.fromkeys([path, *beside]) if p.endswith(runs.runner.suffixes))
            known = measure_suite(runs, tree, mine, seconds=self.settings.suite_seconds)
            self._suites[key] = known
        return known

    def forget(self) -> None:
        """Measure the suites anew: tests were added."""
        self._suites.clear()

    def named(self, tree: Snapshot, path: str) -> bool:
        """Whether the repository itself names a runner for *path*: others are tried only when asked for."""
        return self._claims(tree, path)[0] >= _NAMED

    def _claims(self, tree: Snapshot, path: str) -> tuple[int, TestRunner | None]:
        claims = [(runner.claim(tree, path), runner) for runner in self.runners if path.endswith(runner.suffixes)]
        return max(claims, key=lambda one: one[0], default=(0, None))

    def _installed(self, path: str) -> str | None:
        """Read what is installed in the work tree, through no link that leads out of it."""
        target = self.root / path
        try:
            if not target.resolve().is_relative_to(self.root):
                return None
            if target.is_dir():
                return ""
            return target.read_text(encoding="utf-8", errors="replace") if target.stat().st_size < _LARGEST else None
        except OSError:
            return None
