"""Node's own test runner."""

import json
import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tta_orchestrate.domain.measured import Measured
from tta_orchestrate.domain.mutant import Mutant
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
    Proposal,
    Ran,
    SuiteRun,
    Symbol,
    TestRunner,
    Words,
)  # fmt: skip
from tta_orchestrate.syntax import ecmatests, v8
from tta_orchestrate.syntax.ecmatests import Framework

_FRAMEWORK: Final = Framework(
    module="node:test",
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


@dataclass(frozen=True, slots=True)
class NodeTest:
    """``node --test``."""

    name: str = "node:test"
    language: str = "JavaScript"
    suffixes: tuple[str, ...] = (".js", ".mjs", ".cjs")
    batch: int = 1
    words: Words = _WORDS

    def claim(self, tree: Files, source: str) -> int:
        """Return 2 where tests or scripts of the package name it, 1 otherwise."""
        package = ecmapackage(tree, source)
        scripts = package[1].get("scripts")
        if isinstance(scripts, dict) and any("node --test" in str(s) or "--test " in str(s) for s in scripts.values()):
            return 2
        return 2 if any("node:test" in tree.read(path) for path in self.tests(tree)) else 1

    def equip(self, tree: Files, source: str, host: Host) -> Kit | Missing:
        """Find node."""
        node = host.which("node")
        if node is None:
            return Missing(reason="node is not installed here: install Node.js 20 or newer, or run where it is")
        folder, package = ecmapackage(tree, source)
        return Kit(
            programs={"node": node}, version="node:test", folder="", binds=_prefix(node),
            facts={"module": "esm" if package.get("type") == "module" else "", "package": folder},
        )  # fmt: skip

    def tests(self, tree: Files) -> tuple[str, ...]:
        """Return the files that ``node --test`` would find."""
        pattern = re.compile(r"(?:^|/)(?:test/.+|test|test-[^/]+|[^/]+[._-]test)\.[cm]?js$")
        return tuple(p for p in tree.files() if pattern.search(p))

    def place(self, tree: Files, source: str, kit: Kit) -> str:
        """Return a path in the folder of the existing tests, beside the source where there are none."""
        existing = set(tree.files())
        mine = [p for p in self.tests(tree) if p.startswith(kit.facts["package"])]
        folder = posixpath.dirname(mine[0]) if mine else posixpath.join(kit.facts["package"], "test")
        stem = posixpath.splitext(posixpath.basename(source))[0]
        ending = "js" if kit.facts["module"] else "mjs"
        names = (posixpath.join(folder, f"{stem}.generated{n}.test.{ending}") for n in ("", *map(str, range(2, 99))))
        return next(path for path in names if path not in existing)

    def read(self, name: str, code: str, symbol: str) -> Proposal | str:
        """Take a proposal apart."""
        return ecmatests.read(name, code, symbol, _FRAMEWORK, ".js")

    def write(self, proposals: Sequence[Proposal], source: str, place: str, kit: Kit) -> str:
        """Return a test file."""
        del place, kit
        return ecmatests.write(proposals, _FRAMEWORK, about=source)

    def loads(self, source: str, place: str, kit: Kit) -> str:
        """Return a file that only imports *source*."""
        del kit
        path = json.dumps(ecmatests.specifier(place, source))
        return f'import {{ test }} from "node:test";\nimport {path};\n\ntest("loads", () => {{}});\n'

    def refusals(self, proposal: Proposal, source: str, kit: Kit) -> str:
        """Read it."""
        del kit
        return ecmatests.refusal(proposal, source, source, _FRAMEWORK, ())

    def symbols(self, text: str) -> tuple[Symbol, ...]:
        """Return its functions."""
        return ecmatests.symbols(text, "x.js")

    def mutants(self, text: str) -> tuple[Mutant, ...]:
        """Return its mutants."""
        return ecmatests.mutants(text, "x.js")

    def command(self, ask: Ask, kit: Kit) -> Command:
        """Return ``node --test`` with a reporter of ours, whose lines no test can write."""
        only = [f"--test-name-pattern=^{re.escape(name)}$" for name in ask.names]
        steps = ((kit.programs["node"], "--test", f"--test-reporter={TOOLS}/report.mjs",
                  f"--test-reporter-destination={OUT}/tests.jsonl", *only, *ask.tests),)  # fmt: skip
        env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "NODE_ENV": "test", "TZ": "UTC", "LANG": "C.UTF-8", **ask.env}
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


def ecmapackage(tree: Files, source: str) -> tuple[str, dict[str, Any]]:
    """Return the folder of the nearest ``package.json`` above *source*, and what it says."""
    paths = set(tree.files())
    folder = posixpath.dirname(source)
    while True:
        path = posixpath.join(folder, "package.json")
        if path in paths:
            try:
                raw = json.loads(tree.read(path))
            except (ValueError, RecursionError):
                raw = {}
            return folder, raw if isinstance(raw, dict) else {}
        if not folder:
            return "", {}
        folder = posixpath.dirname(folder)


def _prefix(program: str) -> tuple[str, ...]:
    """Return the folders of an installation outside of the system's own."""
    prefix = posixpath.dirname(posixpath.dirname(program))
    return () if program.startswith(("/usr/", "/bin/")) else (f"{prefix}/bin", f"{prefix}/lib")


RUNNER: Final[TestRunner] = NodeTest()
