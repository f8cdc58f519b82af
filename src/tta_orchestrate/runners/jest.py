"""Jest, for JavaScript, and for TypeScript where the repository has it transformed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from tta_orchestrate.ports.test_runner import (
    CACHE,
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
    head=(),
    own=frozenset({"@jest/globals"}),
    names=frozenset({"test", "it", "expect"}),
    mocks=frozenset({"jest"}),
)
_WORDS: Final = Words(
    framework="JavaScript or TypeScript tests for jest",
    rules='one call `test("what it does", () => { ... })` after the import statements (no require; `test` and `expect` '
    "are there already); checks with expect(...).toBe, .toEqual, .toThrow(message) and their like",
    example='import { half } from "../src/half";\n\n'
    'test("half of an even number", () => {\n  expect(half(4)).toBe(2);\n});',
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Jest(EcmaRunner):
    """``jest``."""

    def claim(self, tree: Files, source: str) -> int:
        """Return whether a package at or above *source* names jest."""
        return ecmarunner.claim(tree, source, "jest")

    def equip(self, tree: Files, source: str, host: Host) -> Kit | Missing:
        """Find node and jest; tests say ``import`` where the existing ones or the source do, else ``require``."""
        kit = ecmarunner.equip(tree, source, host, needs=(("jest",),))
        if isinstance(kit, Missing):
            return kit
        speaks = [tree.read(path) for path in (source, *self.tests(tree)[:20])]
        modules = any(re.search(r"(?m)^\s*(?:import\s|export\s)", text) for text in speaks)
        return replace(kit, facts={**kit.facts, "module": "" if modules else "required"})

    def command(self, ask: Ask, kit: Kit) -> Command:
        """Return ``jest`` with its JSON report."""
        argv = [kit.programs["node"]]
        if kit.facts["type"] == "module":
            argv.append("--experimental-vm-modules")
        argv += [f"{kit.facts['jest']}/bin/jest.js", "--ci", "--json", f"--outputFile={OUT}/tests.json", "--runInBand",
                 "--watchman=false", f"--cacheDirectory={CACHE}"]  # fmt: skip
        if ask.names:
            argv.append(f"--testNamePattern=^(?:{'|'.join(map(re.escape, ask.names))})$")
        if ask.sources:
            argv += ["--coverage", "--coverageReporters=json", f"--coverageDirectory={OUT}/coverage",
                     "--coverageThreshold={}"]  # fmt: skip
            argv += [f"--collectCoverageFrom={path}" for path in ecmarunner.named(ask.sources, kit)]
        else:
            argv.append("--coverage=false")
        argv += ["--runTestsByPath", *ecmarunner.named(ask.tests, kit)]
        return Command(
            steps=(tuple(argv),), env=ecmarunner.environment(ask),
            results=("tests.json", "coverage/coverage-final.json"),
        )  # fmt: skip

    def results(self, answer: Answer, ask: Ask, kit: Kit, texts: Mapping[str, str]) -> SuiteRun:
        """Read the JSON report and Istanbul's coverage."""
        del kit, texts
        return ecmarunner.from_json(answer, ask)


RUNNER: Final[TestRunner] = Jest(
    name="jest",
    language="JavaScript",
    suffixes=(".js", ".mjs", ".cjs", ".jsx", ".ts", ".tsx"),
    framework=_FRAMEWORK,
    words=_WORDS,
    found=r"\.(?:test|spec)\.[cm]?[jt]sx?$|(?:^|/)__tests__/[^/]+\.[jt]sx?$",
)
