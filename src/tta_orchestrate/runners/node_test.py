"""Node's own test runner."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from tta_orchestrate.domain.measured import Measured
from tta_orchestrate.ports.test_runner import (
    FAILED,
    OUT,
    PASSED,
    SKIPPED,
    TOOLS,
    Answer,
    Ask,
    Command,
    Files,
    Host,
    Kit,
    Missing,
    Ran,
    SuiteRun,
    TestRunner,
    Words,
)  # fmt: skip
from tta_orchestrate.syntax import ecmarunner, v8
from tta_orchestrate.syntax.ecmarunner import EcmaRunner
from tta_orchestrate.syntax.ecmatests import Framework

_FRAMEWORK: Final = Framework(
    head=('import { test } from "node:test";', 'import assert from "node:assert/strict";'),
    own=frozenset({"node:test", "node:assert", "node:assert/strict", "assert", "assert/strict"}),
    names=frozenset({"test", "it", "assert"}),
    mocks=frozenset({"mock"}),
)
_REPORTER: Final = """
export default async function* report(source) {
  for await (const { type, data } of source) {
    if (type !== "test:pass" && type !== "test:fail") continue;
    const error = data.details?.error;
    const cause = error?.cause ?? error;
    yield JSON.stringify({
      name: String(data.name), outcome: data.skip || data.todo ? "skipped" : type === "test:pass" ? "passed" : "failed",
      file: data.file ?? "", ms: data.details?.duration_ms ?? 0, kind: data.details?.type ?? "",
      error: type === "test:pass" ? "" : String(cause?.message ?? cause ?? "").slice(0, 2000),
      asserted: cause?.code === "ERR_ASSERTION",
    }) + "\\n";
  }
}
"""


_WORDS: Final = Words(
    framework="JavaScript tests for node:test with node:assert/strict",
    rules='one call `test("what it does", () => { ... })` after the import statements; checks with assert.equal, '
    "assert.deepEqual, assert.throws(fn, { message: ... }) and their like",
    example='import { test } from "node:test";\nimport assert from "node:assert/strict";\n'
    'import { half } from "../src/half.js";\n\n'
    'test("half of an even number", () => {\n  assert.equal(half(4), 2);\n});',
)


_OTHERS: Final = {"mocha", "ava", "tap", "jasmine", "uvu", "tape", "jest", "vitest", "qunit", "lab"}


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeTest(EcmaRunner):
    """``node --test``."""

    def claim(self, tree: Files, source: str) -> int:
        """Return 2 where scripts or tests of the package name it, 0 where the package names another, else 1."""
        _, manifest = ecmarunner.package(tree, source)
        scripts = manifest.get("scripts")
        if isinstance(scripts, dict) and "--test" in str(scripts.get("test")):
            return 3
        if any("node:test" in tree.read(path) for path in self.tests(tree)[:50]):
            return 2
        return 0 if _OTHERS.intersection(ecmarunner.dependencies(manifest)) else 1

    def equip(self, tree: Files, source: str, host: Host) -> Kit | Missing:
        """Find node."""
        kit = ecmarunner.equip(tree, source, host)
        if isinstance(kit, Missing):
            return kit
        ending = ".js" if kit.facts["type"] == "module" else ".mjs"
        return replace(kit, facts={**kit.facts, "ending": ending})

    def command(self, ask: Ask, kit: Kit) -> Command:
        """Return ``node --test`` with a reporter of ours, whose lines no test can write."""
        files = ecmarunner.named(ask.tests, kit)
        only = [f"--test-name-pattern=^{re.escape(name)}$" for name in ask.names]
        steps = ((kit.programs["node"], "--test", f"--test-reporter={TOOLS}/report.mjs",
                  f"--test-reporter-destination={OUT}/tests.jsonl", *only, *files),)  # fmt: skip
        env = ecmarunner.environment(ask)
        if ask.sources:
            env["NODE_V8_COVERAGE"] = f"{OUT}/v8"
        return Command(
            steps=steps, env=env, tools={"report.mjs": _REPORTER}, results=("tests.jsonl", "v8/coverage-*.json")
        )  # fmt: skip

    def results(self, answer: Answer, ask: Ask, kit: Kit, texts: Mapping[str, str]) -> SuiteRun:
        """Read the reporter's lines and V8's counters."""
        del kit
        dumps = [text for path, text in answer.files.items() if path.startswith("v8/")]
        coverage: dict[str, Measured] = {}
        for path in ask.sources:
            runs = v8.ranges(dumps, f"file://{answer.tree}/{path}")
            if runs:
                coverage[path] = v8.measure(texts[path], runs)
        tests = _tests(answer)
        error = "" if tests else (answer.output.strip()[-1000:] or answer.cut or "no test was found")
        return SuiteRun(tests=tests, coverage=coverage, error=error)


def _tests(answer: Answer) -> tuple[Ran, ...]:
    found = []
    for line in answer.files.get("tests.jsonl", "").splitlines():
        try:
            raw = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(raw, dict) and raw.get("kind") != "suite":
            found.append(_ran(raw, answer.tree))
    return tuple(found)


def _ran(raw: Mapping[str, Any], tree: str) -> Ran:
    outcome = {"passed": PASSED, "skipped": SKIPPED}.get(str(raw.get("outcome")), FAILED)
    ms = raw.get("ms")
    return Ran(
        name=str(raw.get("name")), outcome=outcome, file=str(raw.get("file")).removeprefix(f"{tree}/"),
        seconds=ms / 1000 if isinstance(ms, int | float) else 0.0, error=str(raw.get("error", "")),
        asserted=raw.get("asserted") is True,
    )  # fmt: skip


RUNNER: Final[TestRunner] = NodeTest(
    name="node:test",
    language="JavaScript",
    suffixes=(".js", ".mjs", ".cjs"),
    framework=_FRAMEWORK,
    words=_WORDS,
    found=r"(?:^|/)(?:test/.+|test|test-[^/]+|[^/]+[._-]test)\.[cm]?js$",
)
