"""Vitest, for JavaScript and TypeScript."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tta_orchestrate.ports.test_runner import (
    OUT,
    Answer,
    Ask,
    Command,
    Files,
    Host,
    Kit,
    Missing,
    SuiteRun,
    TestRunner,
    Words,
)
from tta_orchestrate.syntax import ecmarunner
from tta_orchestrate.syntax.ecmarunner import EcmaRunner
from tta_orchestrate.syntax.ecmatests import Framework

_FRAMEWORK: Final = Framework(
    head=('import { expect, test } from "vitest";',),
    own=frozenset({"vitest"}),
    names=frozenset({"test", "it", "expect"}),
    mocks=frozenset({"vi", "vitest"}),
)
_WORDS: Final = Words(
    framework="JavaScript or TypeScript tests for vitest",
    rules='one call `test("what it does", () => { ... })` after the import statements; checks with expect(...).toBe, '
    ".toEqual, .toThrow(message) and their like",
    example='import { expect, test } from "vitest";\nimport { half } from "../src/half";\n\n'
    'test("half of an even number", () => {\n  expect(half(4)).toBe(2);\n});',
)
_PROVIDERS: Final = ("@vitest/coverage-v8", "@vitest/coverage-istanbul")


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitest(EcmaRunner):
    """``vitest run``."""

    def claim(self, tree: Files, source: str) -> int:
        """Return whether a package at or above *source* names vitest."""
        return ecmarunner.claim(tree, source, "vitest")

    def equip(self, tree: Files, source: str, host: Host) -> Kit | Missing:
        """Find node, vitest and a provider of coverage."""
        return ecmarunner.equip(tree, source, host, needs=(("vitest",), _PROVIDERS))

    def command(self, ask: Ask, kit: Kit) -> Command:
        """Return ``vitest run`` with its JSON report."""
        argv = [kit.programs["node"], f"{kit.facts['vitest']}/vitest.mjs", "run", "--reporter=json",
                f"--outputFile={OUT}/tests.json", "--no-file-parallelism"]  # fmt: skip
        if ask.names:
            argv.append(f"--testNamePattern=^(?:{'|'.join(map(re.escape, ask.names))})$")
        if ask.sources:
            provider = kit.facts[f"{_PROVIDERS[0]} is"].rpartition("-")[2]
            argv += ["--coverage.enabled=true", f"--coverage.provider={provider}", "--coverage.reporter=json",
                     f"--coverage.reportsDirectory={OUT}/coverage", "--coverage.reportOnFailure=true",
                     "--coverage.thresholds.100=false"]  # fmt: skip
            argv += [f"--coverage.include={path}" for path in ecmarunner.named(ask.sources, kit)]
        else:
            argv.append("--coverage.enabled=false")
        return Command(
            steps=((*argv, *ecmarunner.named(ask.tests, kit)),), env=ecmarunner.environment(ask),
            results=("tests.json", "coverage/coverage-final.json"),
        )  # fmt: skip

    def results(self, answer: Answer, ask: Ask, kit: Kit, texts: Mapping[str, str]) -> SuiteRun:
        """Read the JSON report and Istanbul's coverage."""
        del kit, texts
        return ecmarunner.from_json(answer, ask)


RUNNER: Final[TestRunner] = Vitest(
    name="vitest",
    language="JavaScript",
    suffixes=(".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx"),
    framework=_FRAMEWORK,
    words=_WORDS,
    found=r"\.(?:test|spec)\.[cm]?[jt]sx?$",
)
